import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Output } from "../../src/cli/host.ts";
import { borrowTerminal, openTerminal, type TerminalSize } from "../../src/cli/terminal-output.ts";
import { FakeTerminal } from "../examples/fake-terminal.ts";
import { describeIf, requires } from "../support/requires.ts";
import { ENTRY, runCli } from "./fake-environment.ts";

setDefaultTimeout(60_000);

const POLL_MS = 10;
const SIZE: TerminalSize = {
  columns: 80,
  rows: 24,
  on: () => process.stdout,
  off: () => process.stdout,
};

const WAYS: readonly (readonly [string, (size: TerminalSize, pipe: Pipe) => Output])[] = [
  ["openTerminal()", (size, { fd }) => openTerminal(size, fd) ?? raise("It cannot be opened")],
  ["borrowTerminal()", (size, { waitingFd }) => borrowTerminal(size, waitingFd)],
];

describeIf(requires.all(requires.linux(), requires.command("mkfifo")), "TerminalOutput", () => {
  test.each(WAYS)(
    "of %s never waits: what does not fit is kept, and given when there is room",
    async (_, openOutput) => {
      using pipe = await openPipe();
      const output = openOutput(SIZE, pipe);
      expect([output.isTerminal, output.columns, output.rows, output.isBusy]).toEqual([
        true,
        80,
        24,
        false,
      ]);
      const lines = Array.from(
        { length: 400 },
        (_, index) => `${String(index).padStart(999, ".")}\n`,
      );
      for (const line of lines) output.write(line);
      expect(output.isBusy).toBe(true);
      let isFlushed = false;
      const flushed = output.flush().then(() => {
        isFlushed = true;
      });
      let text = "";
      while (!isFlushed) {
        text += pipe.read();
        await Bun.sleep(POLL_MS);
      }
      await flushed;
      text += pipe.read();
      expect(text).toBe(lines.join(""));
      expect(output.isBusy).toBe(false);
    },
  );

  test.each(WAYS)(
    "of %s leaves out whole lines beyond 1 MiB, and tells how many",
    async (_, openOutput) => {
      using pipe = await openPipe();
      const output = openOutput(SIZE, pipe);
      const line = `${"x".repeat(9999)}\n`;
      for (let count = 0; count < 300; count += 1) output.write(line);
      let isFlushed = false;
      void output.flush().then(() => {
        isFlushed = true;
      });
      let text = "";
      while (!isFlushed) {
        text += pipe.read();
        await Bun.sleep(1);
      }
      text += pipe.read();
      const [, omitted] = /\[(\d+) lines left out: the terminal stood still\]\n$/.exec(text) ?? [];
      const kept = text.split("\n").filter((each) => each.startsWith("x"));
      expect(new Set(kept.map(({ length }) => length))).toEqual(new Set([9999]));
      expect(kept.length + Number(omitted)).toBe(300);
      expect(Number(omitted)).toBeGreaterThan(100);
    },
  );

  test("does not know the size of a terminal that does not tell", async () => {
    using pipe = await openPipe();
    const output = borrowTerminal({ ...SIZE, columns: 0, rows: 0 }, pipe.fd);
    expect([output.columns, output.rows]).toEqual([undefined, undefined]);
    output.onResize(() => {})();
    await output.flush();
  });

  test("openTerminal() opens a description of its own, or nothing", async () => {
    using pipe = await openPipe();
    const output = openTerminal(SIZE, pipe.fd);
    output?.write("hello");
    expect(pipe.read()).toBe("hello");
    expect(openTerminal(SIZE, 1_000_000)).toBeUndefined();
  });
});

/** Somebody with raw sockets, on a terminal that belongs to root: as after su(1). */
const STRANGER = [
  ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  ...["--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--"],
];

describeIf(requires.all(requires.linux(), requires.nobody()), "icmpx on a terminal", () => {
  test("mtr draws one table in place, and leaves the report behind after Ctrl-C", async () => {
    await using run = start(80, 24, "mtr", "-n", "-i", "0.05", "127.0.0.1");
    const { screen } = run;
    await run.until(
      () => screen.homeCount >= 4 && screen.lines.some((line) => /1\.\|-- 127\.0\.0\.1/.test(line)),
    );
    expect(screen.isAlternate).toBe(true);
    expect(screen.isCursorVisible).toBe(false);
    expect(screen.lines[0]).toMatch(/^icmpx mtr 127\.0\.0\.1 {3}round \d+ {3}Ctrl-C ends$/);
    expect(screen.lines.filter((line) => line.includes("Loss%"))).toHaveLength(1);
    expect(screen.scrolled).toBe(0);
    run.resize(50, 10);
    await run.until(() => Math.max(...screen.lines.map(({ length }) => length)) < 50);
    run.type("\x03");
    expect(await run.exited).toBe(0);
    expect([screen.isAlternate, screen.isCursorVisible]).toEqual([false, true]);
    expect(screen.lines.filter((line) => /^HOST: .+Loss%/.test(line))).toHaveLength(1);
    expect(screen.lines.filter((line) => /1\.\|-- 127\.0\.0\.1 +0\.0%/.test(line))).toHaveLength(1);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`mtr gives the cursor back when it is told twice by ${signal}`, async () => {
      await using run = start(80, 24, "mtr", "-n", "-i", "0.05", "127.0.0.1");
      await run.until(() => run.screen.homeCount >= 3);
      run.kill(signal);
      run.kill(signal);
      await run.exited;
      expect([run.screen.isAlternate, run.screen.isCursorVisible]).toEqual([false, true]);
    });
  }

  test.each([
    ["a terminal", []],
    ["the terminal of another user, who may not open it", STRANGER],
  ])("%s that is stopped by Ctrl-S delays no probe", async (_, through) => {
    const ping = [process.execPath, ENTRY, "ping", "-D", "-i", "0.005", "-w", "4", "127.0.0.1"];
    await using run = startCommand(80, 24, [...through, ...ping]);
    await run.until(() => run.screen.output.includes("icmp_seq=20 "));
    run.type("\x13");
    await Bun.sleep(300);
    const before = run.screen.output.length;
    await Bun.sleep(2000);
    // What shows that it was stopped indeed.
    expect(run.screen.output.length).toBe(before);
    run.type("\x11");
    expect(await run.exited).toBe(0);
    const times = Array.from(run.screen.output.matchAll(/\[(\d+\.\d+)\] 64 bytes/g), ([, time]) =>
      Number(time),
    );
    expect(times.length).toBeGreaterThan(600);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(0.5);
  });

  test("the screen is given back on the terminal of another user, however the command ends", async () => {
    for (const signals of [["SIGINT"], ["SIGINT", "SIGINT"], ["SIGTERM", "SIGTERM"]] as const) {
      const mtr = [process.execPath, ENTRY, "mtr", "-n", "-i", "0.05", "127.0.0.1"];
      await using run = startCommand(80, 24, [...STRANGER, ...mtr]);
      await run.until(() => run.screen.homeCount >= 3);
      for (const signal of signals) run.kill(signal);
      await run.exited;
      expect([run.screen.isAlternate, run.screen.isCursorVisible]).toEqual([false, true]);
    }
  });
});

describeIf(
  requires.all(requires.linux(), requires.root()),
  "icmpx mtr on a terminal in this process",
  () => {
    test("takes every listener away when it fails", async () => {
      const { code, stdout, host } = await runCli("mtr no-such-host.invalid", {
        terminal: { columns: 80, rows: 24 },
      });
      expect(code).toBe(2);
      expect(stdout).toEndWith("\x1b[?25h\x1b[?1049l");
      expect(host.listenerCount).toBe(0);
    });

    test("keeps every line within a narrow terminal, the title included", async () => {
      const terminal = { columns: 30, rows: 12 };
      const { stdout } = await runCli("mtr -n -c 2 -i 0.02 127.0.0.1", {
        terminal,
        env: { NO_COLOR: "1" },
      });
      const frames = stdout
        .split("\x1b[H")
        .slice(1)
        .map((frame) => frame.split("\x1b[K")[0] ?? "");
      expect(frames.length).toBeGreaterThan(1);
      for (const title of frames) expect(Bun.stringWidth(title)).toBeLessThan(30);
      expect(frames.at(-1)).toEndWith("…");
    });

    test("cuts what is higher than the terminal, follows its size, and skips frames while it is busy", async () => {
      let frames = 0;
      const { stdout, code } = await runCli("mtr -n -c 4 -i 0.02 127.0.0.1", {
        terminal: { rows: 2 },
        env: { NO_COLOR: "1" },
        onWrite: (text, host) => {
          if (!text.startsWith("\x1b[H")) return;
          frames += 1;
          if (frames === 2) for (const listener of host.stdout.listeners) listener();
          host.stdout.isBusy = frames === 3;
        },
      });
      expect(code).toBe(0);
      expect(stdout).toContain("3 more lines");
      expect(frames).toBe(3);
    });
  },
);

interface Pipe extends Disposable {
  readonly fd: number;
  /** The same for writing, where a write waits for room. */
  readonly waitingFd: number;
  /** What is there now. */
  read(): string;
}

/** A named pipe stands for a terminal: it, too, takes only so much. */
async function openPipe(): Promise<Pipe> {
  const folder = await mkdtemp(join(tmpdir(), "icmpx-terminal-"));
  const path = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const waitingFd = openSync(path, constants.O_WRONLY);
  await rm(folder, { recursive: true });
  const buffer = new Uint8Array(1 << 20);
  return {
    fd,
    waitingFd,
    read() {
      try {
        return new TextDecoder().decode(buffer.subarray(0, readSync(fd, buffer)));
      } catch {
        return "";
      }
    },
    [Symbol.dispose]() {
      closeSync(waitingFd);
      closeSync(fd);
    },
  };
}

function raise(message: string): never {
  throw new Error(message);
}

interface TerminalRun extends AsyncDisposable {
  readonly screen: FakeTerminal;
  readonly exited: Promise<number>;
  type(keys: string): void;
  kill(signal: NodeJS.Signals): void;
  resize(columns: number, rows: number): void;
  /** Waits for what the screen should show; the test's time limit ends it. */
  until(isShown: () => boolean): Promise<void>;
}

function start(columns: number, rows: number, ...args: readonly string[]): TerminalRun {
  return startCommand(columns, rows, [process.execPath, ENTRY, ...args]);
}

function startCommand(columns: number, rows: number, command: readonly string[]): TerminalRun {
  const screen = new FakeTerminal(columns, rows);
  const child = Bun.spawn([...command], {
    env: { ...process.env, NO_COLOR: "1" },
    terminal: { cols: columns, rows, data: (_, bytes) => screen.write(bytes) },
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("Cannot run in a terminal: there is none");
  return {
    screen,
    // What was written last may arrive after the news of the end.
    exited: child.exited.then(async (code) => {
      await Bun.sleep(10 * POLL_MS);
      return code;
    }),
    type: (keys) => void terminal.write(keys),
    kill: (signal) => child.kill(signal),
    resize(newColumns, newRows) {
      screen.resize(newColumns, newRows);
      terminal.resize(newColumns, newRows);
    },
    async until(isShown) {
      while (!isShown()) {
        if (child.exitCode !== null)
          throw new Error(`Ended with code ${child.exitCode}: ${screen.output}`);
        await Bun.sleep(POLL_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      terminal.close();
    },
  };
}
