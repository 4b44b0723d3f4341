import type { StatisticsSnapshot } from "icmpx";
import type { SocketKind } from "../lab/kinds.ts";
import type { Namespace } from "../lab/namespaces.ts";
import type { PingInput, PingLine, ResultLine } from "./children/ping.ts";
import { LiveOutput, startChild } from "./run-child.ts";

/** An endless ping in a process of its own. */
export class Pinging {
  readonly kind: SocketKind;
  readonly #output: LiveOutput<PingLine>;

  constructor(host: Namespace, kind: SocketKind, input: Pick<PingInput, "target" | "options">) {
    this.kind = kind;
    const child: PingInput = { ...input, client: { privileged: kind.privileged } };
    this.#output = new LiveOutput(startChild(host, "ping.ts", child, { as: kind.as }));
  }

  /** The process id. */
  get pid(): number {
    return this.#output.child.pid;
  }

  /** Results so far. */
  get results(): readonly ResultLine[] {
    return this.#output.lines.filter((line) => line.kind !== "statistics");
  }

  /** Waits for `count` results from now on that `isWanted` is true of. */
  async see(count: number, isWanted: (result: ResultLine) => boolean): Promise<void> {
    const from = this.#output.lines.length;
    await this.#output.until(
      (lines) =>
        lines.slice(from).filter((line) => line.kind !== "statistics" && isWanted(line)).length >=
        count,
    );
  }

  /** Ends it and gives its results and statistics. */
  async stop(): Promise<{ results: readonly ResultLine[]; statistics: StatisticsSnapshot }> {
    const last = (await this.#output.end("SIGTERM")).at(-1);
    if (last?.kind !== "statistics") throw new Error("The ping printed no statistics");
    return { results: this.results, statistics: last.statistics };
  }
}

/** Whether a result is a reply in time. */
export function isReply({ kind, late, duplicate }: ResultLine): boolean {
  return kind === "reply" && !late && !duplicate;
}

/**
 * Results that decide a probe, in runs of equal cause: e.g. `["reply", "ENETUNREACH", "reply"]`.
 */
export function phasesOf(results: readonly ResultLine[]): string[] {
  const causes = results
    .filter(({ late, duplicate }) => !late && !duplicate)
    .toSorted((a, b) => a.number - b.number)
    .map(({ error }) => error ?? "reply");
  return causes.filter((cause, index) => cause !== causes[index - 1]);
}
