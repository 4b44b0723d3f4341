import { writeSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { isatty } from "node:tty";
import type { CliRenderer, KeyEvent } from "@opentui/core";
import { escapeText } from "icmpx/packet";
import { FirstFrame, RELEASE } from "../screen/first-frame.ts";
import { loadRenderer, RendererError } from "../screen/renderer.ts";
import { ALL_COLOURS } from "./terminal-colours.ts";

/** Signals that end the program; a shell then sees 128 and the number of the signal. */
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const CRASHED = 1;
const HUNG_UP = 128 + osConstants.signals.SIGHUP;
/** How long a terminal that stands still may keep the end waiting, in milliseconds. */
const RESTORE_MS = 1500;
/** Lines that the renderer wanted to print, which are kept for the end. */
const REMARK_LIMIT = 20;
/**
 * Grapheme clustering, which the renderer turns on and leaves on (mode 2027 of contour, ghostty,
 * wezterm).
 */
const CLUSTERING_OFF = "\x1b[?2027l";
/**
 * What a terminal answers when it is asked for the state of that mode (DECRPM: 1 and 3 are on, 0 is
 * unknown).
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a control sequence is what is looked for
const CLUSTERING_REPLY = /^\x1b\[\?2027;([0-4])\$y$/;

/**
 * What one key sends: a character, or one of a few control sequences, which no answer of a terminal
 * looks like.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a control sequence is what is looked for
const KEY = /^([^\x1b]+|\x1b(O?[^[\]P_]|\[[\d;]*[~A-HZ])?)$/;

/** What a program is given to run with. */
export interface Terminal {
  readonly renderer: CliRenderer;
  /** Gives the terminal back, and ends the program with an exit code. */
  readonly quit: (code?: number) => void;
  /** As if it were thrown: for errors that were caught where nothing can be done about them. */
  readonly fail: (error: unknown) => void;
}

/** Lets go of what a program has, before the terminal is given back. */
export type Close = () => void;

/** Called when the terminal is ready. */
export type Begin = (terminal: Terminal) => Close;

/**
 * Runs a program on the whole terminal, and gives the terminal back however that ends: by `quit`,
 * Ctrl-C, a signal, an error thrown anywhere, or because the window is closed. Ctrl-Z stops it as
 * any other program.
 *
 * What is thrown while it runs, in handlers of keys and mouse as well, ends it with exit code 1,
 * and is printed once the terminal shows the shell's screen again.
 *
 * @param load called when the renderer is loaded; gives what begins the program
 * @param options.firstFrame control sequences for what is shown until then
 * @param options.colours how many the terminal has, as far as is known without asking it
 * @returns the exit code, when the terminal is as it was
 * @throws {RendererError} when the terminal is as it was
 */
export async function runOnTerminal(
  load: () => Promise<Begin>,
  {
    firstFrame,
    colours = ALL_COLOURS,
  }: { readonly firstFrame?: string; readonly colours?: number } = {},
): Promise<number> {
  const faults = ["uncaughtException", "unhandledRejection"] as const;
  const before = faults.map(
    (fault) => new Set<unknown>(process.listeners(fault as "uncaughtException")),
  );
  // Until there is something to end: a terminal left halfway would be a bad one.
  let early: number | undefined;
  const onEarly = (_: NodeJS.Signals, signal: number): void => {
    early ??= 128 + signal;
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, onEarly);
  // Of two answers the second comes after the renderer turned it on.
  let clustering: string | undefined;
  // The renderer reads at once, and hands on what was typed before there is a program to take it.
  let typed: string[] | undefined = [];
  const onInput = (sequence: string): boolean => {
    clustering ??= CLUSTERING_REPLY.exec(sequence)?.[1];
    const isEarly = typed !== undefined && KEY.test(sequence);
    if (isEarly) typed?.push(sequence);
    return isEarly;
  };
  let renderer: CliRenderer;
  let begin: Begin;
  const first = firstFrame === undefined ? undefined : new FirstFrame(firstFrame);
  try {
    const { createCliRenderer } = await loadRenderer();
    begin = await load();
    first?.hold();
    renderer = await createRenderer(createCliRenderer, { onInput, colours });
  } catch (error) {
    first?.leave();
    if (early !== undefined || isGone()) return early ?? HUNG_UP;
    throw error;
  } finally {
    for (const signal of ENDING_SIGNALS) process.off(signal, onEarly);
  }
  // The renderer's own would log what is thrown, and go on.
  for (const [index, fault] of faults.entries()) {
    for (const listener of process.listeners(fault as "uncaughtException")) {
      if (!before[index]?.has(listener)) process.off(fault, listener);
    }
  }
  const run = new Run(renderer, () =>
    clustering === "1" || clustering === "3" ? "" : CLUSTERING_OFF,
  );
  const ended = run.run(begin);
  const missed = typed.join("");
  typed = undefined;
  if (missed !== "") renderer.stdin.emit("data", Buffer.from(missed));
  if (early !== undefined) run.quit(early);
  return ended;
}

/** The time between the first frame and the shell's prompt. */
class Run implements Terminal {
  readonly renderer: CliRenderer;
  readonly #restoration: () => string;
  readonly #ended = Promise.withResolvers<number>();
  readonly #undo: (() => void)[] = [];
  readonly #remarks: string[] = [];
  #close: Close | undefined;
  #isEnding = false;
  #isAway = false;
  #error: unknown;

  /** @param restoration what the terminal must be told beyond what the renderer tells it. */
  constructor(renderer: CliRenderer, restoration: () => string) {
    this.renderer = renderer;
    this.#restoration = restoration;
  }

  run(begin: Begin): Promise<number> {
    this.#listen();
    try {
      this.#close = begin(this);
      // It quit, or failed, before there was anything to close.
      if (this.#isEnding) this.#close();
    } catch (error) {
      this.fail(error);
    }
    return this.#ended.promise;
  }

  readonly quit = (code = 0): void => {
    this.#end(code);
  };

  readonly fail = (error: unknown): void => {
    // Without a window the renderer fails in ways of its own, and nobody is there to read of them.
    if (isGone()) {
      this.#end(HUNG_UP);
      return;
    }
    this.#error ??= error;
    this.#end(CRASHED);
  };

  #listen(): void {
    const { renderer } = this;
    for (const signal of ENDING_SIGNALS) {
      this.#on(process, signal, () => this.#end(128 + osConstants.signals[signal]));
    }
    this.#on(process, "SIGTSTP", this.#stop);
    // After SIGSTOP, of which nobody is told: the shell has changed the modes of the terminal
    // since.
    this.#on(process, "SIGCONT", this.#renew);
    this.#on(process, "uncaughtException", this.fail);
    this.#on(process, "unhandledRejection", this.fail);
    this.#on(renderer, "handler:error", ({ error }: { error: unknown }) => this.fail(error));
    this.#on(renderer, "render:error", ({ error }: { error: unknown }) => this.fail(error));
    // The window was closed, or the line dropped.
    const hangUp = () => this.#end(HUNG_UP);
    this.#on(renderer, "destroy", hangUp);
    this.#on(renderer.stdin, "end", hangUp);
    this.#on(renderer.stdin, "error", hangUp);
    this.#on(renderer.keyInput, "keypress", (key: KeyEvent) => {
      if (!key.ctrl || (key.name !== "c" && key.name !== "z")) return;
      key.stopPropagation();
      if (key.name === "z") this.#stop();
      else this.#end(128 + osConstants.signals.SIGINT);
    });
    this.#captureConsole();
  }

  /**
   * The renderer hands errors of handlers to the console; and whatever is printed there spoils the
   * screen.
   */
  #captureConsole(): void {
    const output = console;
    for (const method of ["error", "warn", "info", "log", "debug"] as const) {
      const original = output[method];
      output[method] = (...values: unknown[]) => {
        const error = values.find((value) => value instanceof Error);
        if (error !== undefined && !this.#isEnding) this.fail(error);
        else if (this.#remarks.length < REMARK_LIMIT)
          this.#remarks.push(values.map(String).join(" "));
      };
      this.#undo.push(() => {
        output[method] = original;
      });
    }
  }

  /** Stops, with everything in the same job, until the shell continues it (`fg`). */
  readonly #stop = (): void => {
    void this.#besideScreen(() => {
      // With a listener it would not stop. Without job control the kernel takes no notice
      // (signal(7)), and it goes on at once.
      process.off("SIGTSTP", this.#stop);
      process.kill(0, "SIGTSTP");
      process.on("SIGTSTP", this.#stop);
    });
  };

  readonly #renew = (): void => {
    void this.#besideScreen(() => {});
  };

  /** Gives the terminal back for as long as `action` takes. */
  async #besideScreen(action: () => void): Promise<void> {
    if (this.#isEnding || this.#isAway) return;
    this.#isAway = true;
    try {
      await this.renderer.suspend();
      action();
      if (!this.#isEnding) await this.renderer.resume();
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isAway = false;
    }
  }

  #end(code: number): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    void this.#leave(code).then(this.#ended.resolve);
  }

  async #leave(code: number): Promise<number> {
    try {
      this.#close?.();
    } catch (error) {
      this.#error ??= error;
    }
    try {
      this.renderer.destroy();
      const closed = this.renderer.closed.then(() => true);
      // Only to a terminal that has just taken the rest: this waits for one that stands still.
      if (await Promise.race([closed, Bun.sleep(RESTORE_MS)]))
        writeSync(1, `${RELEASE}${this.#restoration()}`);
    } catch (error) {
      // Nobody is there to see it when the window is gone.
      this.#remarks.push(String(error));
    }
    for (const undo of this.#undo.splice(0)) undo();
    if (this.#error === undefined) return code;
    const stack =
      this.#error instanceof Error
        ? (this.#error.stack ?? String(this.#error))
        : String(this.#error);
    const lines = [`icmpx-tui: ${stack}`, ...this.#remarks].join("\n").split("\n");
    process.stderr.write(`${lines.map(escapeText).join("\n")}\n`);
    return CRASHED;
  }

  // biome-ignore lint/suspicious/noExplicitAny: emitters of three kinds, each with listeners of its own
  #on(emitter: NodeJS.EventEmitter, event: string, listener: (...values: any[]) => void): void {
    emitter.on(event, listener);
    this.#undo.push(() => emitter.off(event, listener));
  }
}

/**
 * Whether the window has been closed, or the line has dropped: no call works on such a terminal.
 */
function isGone(): boolean {
  return !isatty(1);
}

async function createRenderer(
  create: typeof import("@opentui/core").createCliRenderer,
  options: { onInput(sequence: string): boolean; readonly colours: number },
): Promise<CliRenderer> {
  const { onInput, colours } = options;
  const { TERM = "" } = process.env;
  try {
    return await create({
      // It takes every terminal for one with all colours, unless its name says that it has 256.
      ...(colours < ALL_COLOURS && {
        environment: { TERM: TERM.replace(/(-256color)?$/, "-256color") },
      }),
      // Each of these is done here instead, with an exit code.
      exitOnCtrlC: false,
      exitSignals: [],
      consoleMode: "disabled",
      openConsoleOnError: false,
      prependInputHandlers: [onInput],
    });
  } catch (error) {
    throw new RendererError(error);
  }
}
