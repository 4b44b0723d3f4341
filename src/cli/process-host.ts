import { fstatSync } from "node:fs";
import { constants } from "node:os";
import { FileOutput, isSameFile } from "./file-output.ts";
import { CLOSED_PIPE, type Execution, ExitCode, type Host, type Output } from "./host.ts";
import { borrowTerminal, openTerminal } from "./terminal-output.ts";

/** Signals that another program gets in place of this one. */
const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Descriptor of standard error. */
const STDERR = 2;

/** The surroundings of the real program. */
export interface ProcessHost extends Host {
  /** Resolves when the readers have taken everything. */
  flush(): Promise<void>;
}

/** The process that this runs in. */
export function processHost(): ProcessHost {
  const stdout = openOutput(1, () => process.stdout);
  let stderr: Output | undefined;
  return {
    stdout,
    get stderr() {
      // One output for `2>&1`: two would write at the same time.
      stderr ??=
        !stdout.isTerminal && isSameFile(1, 2) ? stdout : openOutput(2, () => process.stderr);
      return stderr;
    },
    flush: async () => void (await Promise.all([stdout.flush(), stderr?.flush()])),
    env: process.env,
    createClient: async (options) => new (await import("icmpx")).Client(options),
    isInteractive:
      stdout.isTerminal && process.stdin.isTTY === true && process.env["TERM"] !== "dumb",
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
    // Bun's own, which blocks: nothing else goes on in the meantime.
    confirm: (question) => confirm(question),
    execute,
    become,
    exit: (code) => process.exit(code),
  };
}

async function execute(
  command: readonly string[],
  stderr: "inherit" | "ignore" = "inherit",
): Promise<Execution> {
  let child: Bun.Subprocess<"inherit", "pipe", typeof stderr>;
  try {
    child = Bun.spawn([...command], { stdin: "inherit", stdout: "pipe", stderr });
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
  // Those of the keyboard reach the other program anyway, as it is in the same job; here they must
  // not end what waits for it.
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

/**
 * @param streamOf called for what may be a terminal only: the first of Node's streams takes longer
 * to load than this program.
 */
function openOutput(fd: number, streamOf: () => NodeJS.WriteStream): Output {
  const stream = fstatSync(fd).isCharacterDevice() ? streamOf() : undefined;
  if (!stream?.isTTY) return new FileOutput(fd, (error) => leave(error, fd));
  return openTerminal(stream, fd) ?? borrowTerminal(stream, fd);
}

function leave(error: Error, fd: number): never {
  // The reader of the output has gone, as head(1) does: there is nobody left to measure for.
  if ("code" in error && error.code === "EPIPE") process.exit(CLOSED_PIPE);
  if (fd !== STDERR) process.stderr.write(`icmpx: Cannot write: ${error.message}\n`);
  process.exit(ExitCode.Failed);
}
