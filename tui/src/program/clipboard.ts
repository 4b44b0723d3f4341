import type { CliRenderer } from "@opentui/core";
import type { NoticeRole } from "../screen/notices.ts";

/** What became of a text for the clipboard. */
export type CopyOutcome =
  /** The terminal, or tmux, was given it. */
  | "copied"
  /** It went through a tmux that may keep it from the terminal. */
  | "sent"
  /** Nobody took it. */
  | "refused";

/** Where a text for the clipboard goes. */
export interface CopyOptions {
  readonly renderer: Pick<CliRenderer, "copyToClipboardOSC52">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Hands a text to a command; resolves to whether that went well. Default: runs it. */
  readonly pipe?: (command: readonly string[], text: string) => Promise<boolean>;
}

/** tmux answers at once, unless something is wrong with it. */
const PIPE_TIMEOUT_MS = 2000;
/**
 * tmux(1), load-buffer: `-w` gives it to the clipboard of the terminal outside as well, and is
 * there since 3.2.
 */
const LOAD_BUFFER: readonly (readonly string[])[] = [
  ["tmux", "load-buffer", "-w", "-"],
  ["tmux", "load-buffer", "-"],
];

/**
 * Puts a text into the clipboard of the terminal (OSC 52). In tmux the renderer would send it past
 * tmux, which lets nothing through unless `allow-passthrough` is on; so tmux is given it by its own
 * command. Never rejects.
 */
export async function copyText(text: string, options: CopyOptions): Promise<CopyOutcome> {
  const { renderer, environment, pipe = pipeTo } = options;
  if ((environment["TMUX"] ?? "") !== "") {
    for (const command of LOAD_BUFFER) if (await pipe(command, text)) return "copied";
  }
  try {
    if (!renderer.copyToClipboardOSC52(text)) return "refused";
  } catch {
    // It stands still, or is not set up: the renderer has no room for more.
    return "refused";
  }
  // Nobody tells whether a terminal took it. Under sudo, tmux is known by the name of the terminal
  // alone.
  return environment["TERM"]?.startsWith("tmux") ? "sent" : "copied";
}

/** What to say about it. */
export function copyNotice(
  outcome: CopyOutcome,
  what: string,
): readonly [role: NoticeRole, message: string] {
  switch (outcome) {
    case "copied":
      return ["good", `Copied ${what}`];
    case "sent":
      return [
        "warn",
        `Sent ${what} to tmux, which keeps it unless allow-passthrough is on; w saves it in a file`,
      ];
    case "refused":
      return ["warn", "Cannot copy: this terminal takes no text (OSC 52); w saves it in a file"];
    default:
      return outcome satisfies never;
  }
}

async function pipeTo(command: readonly string[], text: string): Promise<boolean> {
  try {
    const child = Bun.spawn([...command], {
      stdin: new TextEncoder().encode(text),
      stdout: "ignore",
      stderr: "ignore",
      timeout: PIPE_TIMEOUT_MS,
    });
    return (await child.exited) === 0;
  } catch {
    // It is not installed where the program runs.
    return false;
  }
}
