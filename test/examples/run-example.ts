import { join } from "node:path";

/** The folder of the examples. */
const EXAMPLES: string = join(import.meta.dir, "../../examples");

/** How a program ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command that starts a file of `examples/`. */
export function exampleCommand(name: string, ...args: readonly string[]): string[] {
  return [process.execPath, join(EXAMPLES, name), ...args];
}

/** Runs a file of `examples/` to its end. */
export function runExample(name: string, ...args: readonly string[]): Promise<Outcome> {
  return outcomeOf(startExample(name, ...args));
}

/** A program whose output can be read while it runs. */
export type RunningExample = Bun.Subprocess<"ignore", "pipe", "pipe">;

/** Starts a file of `examples/` with its output piped. */
export function startExample(name: string, ...args: readonly string[]): RunningExample {
  return Bun.spawn(exampleCommand(name, ...args), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Waits for the end of a program. */
export async function outcomeOf(child: RunningExample): Promise<Outcome> {
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
