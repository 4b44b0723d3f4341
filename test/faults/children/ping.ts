/**
 * Pings until SIGTERM, and prints each result as it comes, then the statistics: one line of JSON
 * each.
 *
 * @module
 */
import {
  Client,
  type ClientOptions,
  type EchoResult,
  type PingOptions,
  type StatisticsSnapshot,
} from "icmpx";

/** The argument. */
export interface PingInput {
  readonly target: string;
  readonly client: ClientOptions;
  readonly options: Omit<PingOptions, "signal" | "onResult" | "payload">;
}

/** One result. */
export interface ResultLine {
  readonly number: number;
  readonly kind: EchoResult["kind"];
  readonly error: string | null;
  /** In milliseconds. */
  readonly rtt: number | null;
  readonly from: string | null;
  readonly late: boolean;
  readonly duplicate: boolean;
  readonly receiveOverflow: boolean;
  /** What the system said of a refused send. */
  readonly message: string | null;
}

/** The last line. */
export interface LastLine {
  readonly kind: "statistics";
  readonly statistics: StatisticsSnapshot;
}

/** A line of output. */
export type PingLine = ResultLine | LastLine;

const { target, client: clientOptions, options } = JSON.parse(process.argv[2] ?? "{}") as PingInput;
await using client = new Client(clientOptions);
const run = client.ping(target, { count: Number.POSITIVE_INFINITY, ...options });
process.on("SIGTERM", () => run.stop());
for await (const result of run) {
  const { kind, error, rtt, reply, late, duplicate, request } = result;
  print({
    number: request.number,
    kind,
    error,
    rtt,
    from: reply?.addr ?? null,
    late,
    duplicate,
    receiveOverflow: kind === "timeout" && result.receiveOverflow,
    message: kind === "sendError" ? result.sendError.message : null,
  });
}
print({ kind: "statistics", statistics: (await run).statistics });

function print(line: PingLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
