import { join } from "node:path";
import { type Child, type Namespace, outputOf, parseLines, type User } from "../lab/namespaces.ts";

const CHILDREN = join(import.meta.dir, "children");

/** How to run a script of test/faults/children. */
export interface RunChildOptions {
  /** Default root. */
  readonly as?: User;
  /** A command to run it with, e.g. prlimit(1) and its options. */
  readonly through?: readonly string[];
}

/**
 * Starts a script of test/faults/children with Bun in a namespace; `input` is its argument, as
 * JSON.
 */
export function startChild(
  namespace: Namespace,
  script: string,
  input: unknown,
  { as = "root", through = [] }: RunChildOptions = {},
): Child {
  const command = [...through, process.execPath, join(CHILDREN, script), JSON.stringify(input)];
  return namespace.spawn(command, { as });
}

/**
 * Runs such a script to its end; gives the JSON values it printed. Throws, with what it said, if it
 * failed.
 */
export async function runChild(
  namespace: Namespace,
  script: string,
  input: unknown,
  options?: RunChildOptions,
): Promise<unknown[]> {
  return parseLines(await outputOf(startChild(namespace, script, input, options), script));
}

/** What a child has printed so far: JSON values, one a line. */
export class LiveOutput<Line> {
  readonly lines: Line[] = [];
  readonly child: Child;
  readonly #complaint: Promise<string>;
  readonly #ended: Promise<void>;
  #onLine: (() => void) | undefined;
  #isEnded = false;

  constructor(child: Child) {
    this.child = child;
    this.#complaint = new Response(child.stderr).text();
    this.#ended = this.#read();
  }

  /**
   * Waits until `isEnough` is true of what has been printed. Throws if the child ends before, or
   * after `patienceMs`.
   */
  async until(isEnough: (lines: readonly Line[]) => boolean, patienceMs = 20_000): Promise<void> {
    const expired = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => expired.reject(new Error(this.#wanting("waited too long"))),
      patienceMs,
    );
    try {
      while (!isEnough(this.lines)) {
        if (this.#isEnded)
          throw new Error(`${this.#wanting("the child ended")}: ${await this.#complaint}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#onLine = resolve;
        await Promise.race([promise, expired.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends a signal, waits for the end of the child and gives all it has printed. Throws if it
   * failed.
   */
  async end(signal?: "SIGTERM"): Promise<readonly Line[]> {
    if (signal !== undefined) this.child.kill(signal);
    const code = await this.child.exited;
    await this.#ended;
    if (code === 0) return this.lines;
    throw new Error(
      `The child failed (${this.child.signalCode ?? code}): ${await this.#complaint}`,
    );
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.child.stdout) {
      const complete = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = complete.pop() ?? "";
      for (const line of complete) this.lines.push(JSON.parse(line) as Line);
      this.#onLine?.();
    }
    this.#isEnded = true;
    this.#onLine?.();
  }

  #wanting(why: string): string {
    return `Cannot go on: ${why} after ${JSON.stringify(this.lines.slice(-5))}`;
  }
}
