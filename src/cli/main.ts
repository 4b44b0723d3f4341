import { isUtf8, toAscii } from "./ascii.ts";
import { ExitCode, type Host, UsageError } from "./host.ts";
import { fileErrorText, isFileError } from "./input.ts";
import { runTui } from "./tui.ts";
import { version } from "./version.ts";

/**
 * The whole command: arguments in, output on `host`, an exit code back. Wrong use and failures are
 * a line on stderr and code 2.
 */
export async function main(args: readonly string[], host: Host): Promise<number> {
  const [first] = args;
  if (first === "-V" || first === "--version") {
    host.stdout.write(`icmpx ${version()}\n`);
    return ExitCode.Answered;
  }
  try {
    const hasAgreed = first === "--yes";
    if (hasAgreed && args.length > 1)
      throw new UsageError("Nothing may follow --yes: it is for the terminal UI");
    if (first !== undefined && !hasAgreed) return await (await loadCommands()).dispatch(args, host);
    return await runTui(host, hasAgreed, async () => (await loadCommands()).showHelp([], host));
  } catch (error) {
    // Not before: the terminal UI shall be there at once, and loads the library behind its first
    // frame.
    const { IcmpxError } = await import("icmpx");
    const { escapeText } = await import("icmpx/packet");
    // A RangeError of a run: an interface that this host does not have.
    const isExpected =
      error instanceof UsageError || error instanceof IcmpxError || error instanceof RangeError;
    if (!isExpected && !isFileError(error)) throw error;
    const message = isExpected ? error.message : fileErrorText(error);
    const line = `icmpx: ${message.split("\n").map(escapeText).join("\n")}\n`;
    host.stderr.write(isUtf8(host.env) ? line : toAscii(line));
    return ExitCode.Failed;
  }
}

/** With the library: not for the terminal UI, which shall be there at once, nor for the version. */
function loadCommands(): Promise<typeof import("./dispatch.ts")> {
  return import("./dispatch.ts");
}
