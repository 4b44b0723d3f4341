import { constants } from "node:os";
import { Client } from "icmpx";
import { CLOSED_PIPE, type Execution, type Host, type Output } from "./host.ts";
import { openTerminal } from "./terminal-output.ts";

/** Signals that another program gets in place of this one. */
const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** The process that this runs in. */
export function processHost(): Host {
  return {
    stdout: openOutput(process.stdout, 1),
    stderr: openOutput(process.stderr, 2),
    env: process.env,
    createClient: (options) => new Client(options),
    isInteractive:
      process.stdin.isTTY === true && process.stdout.isTTY === true && process.env["TERM"] !== "dumb",
    locate,
    load: (url) => import(url),
    readInput: () => Bun.stdin.stream() as AsyncIterable<Uint8Array>,
    onSignal: (signal, listener) => {
      process.on(signal, listener);
      return () => process.off(signal, listener);
    },
    onExit: (listener) => {
      process.on("exit", listener);
      return () => process.off("exit", listener);
    },
    execute,
    become,
    exit: (code) => process.exit(code),
  };
}

async function execute(command: readonly string[]): Promise<Execution> {
  let child: Bun.Subprocess<"inherit", "pipe", "inherit">;
  try {
    child = Bun.spawn([...command], { stdin: "inherit", stdout: "pipe", stderr: "inherit" });
  } catch {
    return { code: undefined, stdout: "" };
  }
  const stdout = await new Response(child.stdout).text();
  return { code: await child.exited, stdout };
}

function locate(specifier: string): string | undefined {
  try {
    return import.meta.resolve(specifier);
  } catch {
    return undefined;
  }
}

async function become(command: readonly string[]): Promise<number | undefined> {
  // Those of the keyboard reach the other program anyway, as it is in the same job; here they must not end what waits for it.
  let child: Bun.Subprocess | undefined;
  const pass = (signal: NodeJS.Signals): void => child?.kill(signal);
  for (const signal of PASSED_ON) process.on(signal, pass);
  try {
    child = Bun.spawn([...command], { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
    const code = await child.exited;
    const ending = Object.entries(constants.signals).find(([name]) => name === child?.signalCode);
    return ending === undefined ? code : 128 + ending[1];
  } catch {
    return undefined;
  } finally {
    for (const signal of PASSED_ON) process.off(signal, pass);
  }
}

function openOutput(stream: NodeJS.WriteStream, fd: number): Output {
  return (stream.isTTY ? openTerminal(stream, fd) : undefined) ?? new StreamOutput(stream);
}

/** A pipe or a file, which Bun writes to without blocking. */
class StreamOutput implements Output {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // Whoever read the output has gone, as head(1) does: there is nobody left to measure for.
    stream.on("error", () => process.exit(CLOSED_PIPE));
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number | undefined {
    return this.isTerminal && this.#stream.columns > 0 ? this.#stream.columns : undefined;
  }

  get rows(): number | undefined {
    return this.isTerminal && this.#stream.rows > 0 ? this.#stream.rows : undefined;
  }

  get isBusy(): boolean {
    return this.#stream.writableLength > 0;
  }

  write(text: string): void {
    this.#stream.write(text);
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#stream.write("", () => resolve()));
  }

  onResize(listener: () => void): () => void {
    this.#stream.on("resize", listener);
    return () => this.#stream.off("resize", listener);
  }
}
