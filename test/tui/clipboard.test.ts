import { describe, expect, test } from "bun:test";
import { type CopyOptions, copyText } from "../../tui/src/program/clipboard.ts";

/** What was done with a text, and what came of it. */
async function copy(options: Partial<CopyOptions> & { readonly takes?: boolean }) {
  const done: string[] = [];
  const { takes = true, environment = {}, pipe } = options;
  const outcome = await copyText("some text", {
    environment,
    renderer: {
      copyToClipboardOSC52(text) {
        done.push(`OSC 52: ${text}`);
        return takes;
      },
    },
    pipe: async (command, text) => {
      done.push(`${command.join(" ")}: ${text}`);
      return (await pipe?.(command, text)) ?? true;
    },
  });
  return { outcome, done };
}

describe("copyText()", () => {
  test("gives the text to the terminal", async () => {
    expect(await copy({ environment: { TERM: "xterm" } })).toEqual({
      outcome: "copied",
      done: ["OSC 52: some text"],
    });
  });

  test("tells of a terminal that takes none", async () => {
    expect((await copy({ takes: false })).outcome).toBe("refused");
  });

  test("tells of a renderer that has no room for it", async () => {
    const renderer = {
      copyToClipboardOSC52(): boolean {
        throw new Error("Output is full");
      },
    };
    expect(await copyText("some text", { renderer, environment: {} })).toBe("refused");
  });

  test("gives it to tmux by its own command", async () => {
    expect(await copy({ environment: { TMUX: "/tmp/tmux-0/default,1,0", TERM: "tmux" } })).toEqual({
      outcome: "copied",
      done: ["tmux load-buffer -w -: some text"],
    });
  });

  test("asks an old tmux in its own way, and goes past one that does not answer", async () => {
    const environment = { TMUX: "/tmp/tmux-0/default,1,0", TERM: "tmux-256color" };
    const old = await copy({ environment, pipe: async (command) => !command.includes("-w") });
    expect(old).toEqual({
      outcome: "copied",
      done: ["tmux load-buffer -w -: some text", "tmux load-buffer -: some text"],
    });
    const gone = await copy({ environment, pipe: async () => false });
    expect([gone.outcome, gone.done.at(-1)]).toEqual(["sent", "OSC 52: some text"]);
  });

  test("is not sure of a tmux that is known by the name of the terminal alone", async () => {
    expect((await copy({ environment: { TERM: "tmux-256color" } })).outcome).toBe("sent");
  });

  test("runs what there is, and does without what there is not", async () => {
    const renderer = { copyToClipboardOSC52: () => true };
    // No server listens there, whether or not tmux is installed.
    const environment = { TMUX: "/nonexistent/socket,1,0", TERM: "tmux-256color" };
    expect(await copyText("some text", { renderer, environment })).toBe("sent");
  });
});
