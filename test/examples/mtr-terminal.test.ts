import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { describeIf, requires } from "../support/requires.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { exampleCommand } from "./run-example.ts";

setDefaultTimeout(60_000);

const POLL_MS = 10;
const CTRL_Q = "\x11";
const CTRL_S = "\x13";
const RULE = /^┌[─┬]+┐$/;

describeIf(requires.all(requires.linux(), requires.root()), "examples/mtr.ts on a terminal", () => {
  test("redraws one table in place, and leaves the last one behind after Ctrl-C", async () => {
    await using run = start(80, 24, "127.0.0.1", "-c", "Infinity", "-i", "0.05");
    const { screen } = run;
    await run.until(() => screen.homeCount >= 3 && sentOn(screen) >= 2);
    expect(screen.isAlternate).toBe(true);
    expect(screen.isCursorVisible).toBe(false);
    expect(screen.lines.filter((line) => RULE.test(line))).toHaveLength(1);
    expect(screen.scrolled).toBe(0);

    const sent = sentOn(screen);
    await run.until(() => sentOn(screen) > sent);
    run.type("\x03");
    expect(await run.exited).toBe(0);
    expect(screen.isAlternate).toBe(false);
    expect(screen.isCursorVisible).toBe(true);
    expect(sentOn(screen)).toBeGreaterThan(sent);
    expect(screen.lines.filter((line) => RULE.test(line))).toHaveLength(1);
  });

  test("follows the size of the window, down to where columns and lines are left out", async () => {
    await using run = start(100, 24, "127.0.0.1", "-c", "Infinity", "-i", "0.05", "--no-dns");
    const { screen } = run;
    await run.until(() => titles(screen).includes("Hostname"));
    const wide = widthOf(screen);

    run.resize(60, 24);
    await run.until(() => screen.lines.length === 6 && !titles(screen).includes("Hostname"));
    expect(widthOf(screen)).toBeLessThan(Math.min(60, wide));
    expect(titles(screen)).toEqual([
      "Hop",
      "Address",
      "Sent",
      "Recv",
      "Loss %",
      "Last",
      "Avg",
      "Best",
      "Worst",
    ]);

    run.resize(60, 5);
    await run.until(() => screen.lines.at(-1) === "2 more lines");
    expect(screen.lines).toHaveLength(5);

    run.resize(100, 24);
    await run.until(() => screen.lines.length === 6 && widthOf(screen) === wide);
  });

  test("gives the cursor back after SIGTERM", async () => {
    await using run = start(80, 24, "127.0.0.1", "-c", "Infinity", "-i", "0.05");
    const { screen } = run;
    await run.until(() => sentOn(screen) >= 1);
    run.kill("SIGTERM");
    expect(await run.exited).toBe(0);
    expect([screen.isAlternate, screen.isCursorVisible]).toEqual([false, true]);
    expect(sentOn(screen)).toBeGreaterThanOrEqual(1);
  });

  test("gives the cursor back when it is told twice to stop", async () => {
    await using run = start(80, 24, "127.0.0.1", "-c", "Infinity", "-i", "0.05");
    const { screen } = run;
    await run.until(() => sentOn(screen) >= 1);
    run.kill("SIGINT");
    run.kill("SIGINT");
    // 1 if the second came before it had ended of the first.
    expect([0, 1]).toContain(await run.exited);
    expect([screen.isAlternate, screen.isCursorVisible]).toEqual([false, true]);
  });

  test("draws on a terminal that does not tell its size", async () => {
    await using run = start(0, 0, "127.0.0.1", "-c", "2", "-i", "0.05");
    expect(await run.exited).toBe(0);
    expect(run.screen.homeCount).toBeGreaterThanOrEqual(2);
    expect(sentOn(run.screen)).toBe(2);
  });

  test("gives the cursor back after a failure, whose message stays", async () => {
    await using run = start(80, 24, "no-such-host.invalid");
    expect(await run.exited).toBe(1);
    const { screen } = run;
    expect([screen.isAlternate, screen.isCursorVisible]).toEqual([false, true]);
    expect(screen.lines.join("")).toStartWith('mtr: Cannot resolve "no-such-host.invalid": ');
  });

  test("draws in ASCII where the locale is not UTF-8", async () => {
    await using run = start(80, 24, "127.0.0.1", "-c", "Infinity", "-i", "0.05", { LC_ALL: "C" });
    const { screen } = run;
    await run.until(() => screen.lines.some((line) => /^\| *1 ?\| ?127\.0\.0\.1 ?\|/.test(line)));
    expect(screen.lines[1]).toMatch(/^\+[-+]+\+$/);
    run.type("\x03");
    expect(await run.exited).toBe(0);
    expect(screen.output).not.toMatch(/[^\0-\x7f]/);
  });

  test("goes on probing while the terminal is stopped, and then shows where it is", async () => {
    await using run = startAlone("mtr.ts", "127.0.0.1", "-c", "Infinity", "-i", "0.02", "--no-dns");
    const { screen } = run;
    await run.until(() => sentOn(screen) >= 2);
    run.type(CTRL_S);
    await run.until(() => run.echoes() > sentOn(screen) + 50);
    const sent = sentOn(screen);
    run.type(CTRL_Q);
    await run.until(() => sentOn(screen) > sent + 50);
    run.type("\x03");
    expect(await run.exited).toBe(0);
    expect([screen.isAlternate, screen.isCursorVisible]).toEqual([false, true]);
  });

  test("ends by itself after the last cycle, with the same table", async () => {
    await using run = start(80, 24, "127.0.0.1", "-c", "3", "-i", "0.05");
    expect(await run.exited).toBe(0);
    expect(run.screen.isCursorVisible).toBe(true);
    expect(sentOn(run.screen)).toBe(3);
  });
});

describeIf(
  requires.all(requires.linux(), requires.root(), requires.command("ip")),
  "examples/ping.ts on a terminal",
  () => {
    test("goes on probing while the terminal is stopped, and then shows every line", async () => {
      await using run = startAlone(
        "ping.ts",
        "127.0.0.1",
        "-c",
        "Infinity",
        "-i",
        "0.02",
        "--no-dns",
      );
      const lines = (): string[] => run.screen.output.match(/icmp_seq=\d+ /g) ?? [];
      await run.until(() => lines().length >= 2);
      run.type(CTRL_S);
      await run.until(() => run.echoes() > lines().length + 50);
      const shown = lines().length;
      run.type(CTRL_Q);
      await run.until(() => lines().length > shown + 50);
      run.type("\x03");
      expect(await run.exited).toBe(0);
      expect(lines()).toEqual(lines().map((_, index) => `icmp_seq=${index + 1} `));
    });
  },
);

interface TerminalRun extends AsyncDisposable {
  readonly screen: FakeTerminal;
  readonly exited: Promise<number>;
  type(keys: string): void;
  kill(signal: NodeJS.Signals): void;
  resize(columns: number, rows: number): void;
  /** Echo requests sent in its network namespace. */
  echoes(): number;
  /** Waits for what the screen should show; the test's time limit ends it. */
  until(isShown: () => boolean): Promise<void>;
}

function start(
  columns: number,
  rows: number,
  ...args: readonly (string | Record<string, string>)[]
): TerminalRun {
  const env = args.find((each) => typeof each === "object");
  const words = args.filter((each) => typeof each === "string");
  return startCommand(exampleCommand("mtr.ts", ...words), columns, rows, env);
}

/** Starts an example in a network namespace of its own, where nobody else's packets are counted. */
function startAlone(name: string, ...args: readonly string[]): TerminalRun {
  const begin = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];
  return startCommand([...begin, ...exampleCommand(name, ...args)], 80, 24);
}

function startCommand(
  command: readonly string[],
  columns: number,
  rows: number,
  env: Readonly<Record<string, string>> = {},
): TerminalRun {
  const screen = new FakeTerminal(columns || 80, rows || 24);
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...env },
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
    echoes() {
      const [titles = [], counts = []] = readFileSync(`/proc/${child.pid}/net/snmp`, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("Icmp: "))
        .map((line) => line.split(" "));
      return Number(counts[titles.indexOf("OutEchos")]);
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

/** The cells of the table's head. */
function titles(screen: FakeTerminal): string[] {
  return cells(screen.lines.find((line) => line.includes("Hop")));
}

/** The column "Sent" of the first hop; 0 while there is none. */
function sentOn(screen: FakeTerminal): number {
  const row = cells(screen.lines.find((line) => /^│ *1│/.test(line.replaceAll(" ", ""))));
  return Number(row[titles(screen).indexOf("Sent")] ?? 0);
}

function widthOf(screen: FakeTerminal): number {
  return Math.max(...screen.lines.map((line) => line.length));
}

function cells(line: string | undefined): string[] {
  return (line ?? "")
    .split("│")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
