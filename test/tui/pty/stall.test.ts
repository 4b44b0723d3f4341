import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeIf, requires } from "../../support/requires.ts";
import type { ProbeLog } from "./children/logged.ts";
import { Pty } from "./pty.ts";

setDefaultTimeout(90_000);

const STALL_MS = 15_000;
const INTERVAL_MS = 100;
/**
 * Far more than a busy machine adds to the interval, and far less than the terminal stands still.
 */
const LONGEST_GAP_MS = 2000;
/** Somebody with raw sockets, on a terminal that belongs to root: as after su(1). */
const STRANGER = [
  ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  ...["--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--"],
];
const LOGGED = join(import.meta.dir, "children/logged.ts");

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-stall-"));
  const settings = { forms: { ping: { interval: String(INTERVAL_MS / 1000) } } };
  await Bun.write(join(folder, "icmpx/tui.json"), JSON.stringify(settings));
  await chmod(folder, 0o777);
});
afterEach(() => rm(folder, { recursive: true }));

// script(1) is the terminal: while it is stopped, nobody reads what the program on it writes.
const needs = requires.all(
  requires.linux(),
  requires.nobody(),
  requires.command("script"),
  requires.command("ps"),
);

describeIf(needs, "a terminal that stands still", () => {
  test.each([
    ["for 15 s", STALL_MS, []],
    ["and belongs to another user", STALL_MS / 3, STRANGER],
  ])(
    "%s delays no probe, and shows what it should when it goes on",
    async (_, stallMs, through) => {
      const log = join(folder, "probes.json");
      await using pty = onScript([...through, process.execPath, LOGGED, log, "ping", "127.0.0.1"]);
      await pty.until(() => /^ *(│ +)?\d\d:\d\d:\d\d\.\d{3} .+ #12 /m.test(pty.text));
      process.kill(pty.pid, "SIGSTOP");
      const stoppedAt = Date.now();
      await Bun.sleep(stallMs);
      const wentOnAt = Date.now();
      process.kill(pty.pid, "SIGCONT");
      // More than it could have drawn before.
      await pty.until(() => newestNumber(pty.text) > (0.5 * stallMs) / INTERVAL_MS);
      pty.type("q");
      expect(await pty.ended()).toBe(0);
      expect([pty.isAlternate, pty.leftovers]).toEqual([false, []]);

      const { sentAt, rtts } = (await Bun.file(log).json()) as ProbeLog;
      const during = sentAt.filter((at) => at > stoppedAt && at < wentOnAt);
      const gaps = during.slice(1).map((at, index) => at - (during[index] ?? 0));
      expect(Math.max(...gaps)).toBeLessThan(LONGEST_GAP_MS);
      expect(during.length).toBeGreaterThan((0.8 * stallMs) / INTERVAL_MS);
      expect(rtts).not.toContain(null);
      expect(Math.max(...rtts.map(Number))).toBeLessThan(LONGEST_GAP_MS);
    },
  );

  test("stops a program that waits for it, which shows that it does", async () => {
    const program = `
      let last = performance.now(), worst = 0;
      setInterval(() => {
        process.stdout.write("x".repeat(1000));
        worst = Math.max(worst, performance.now() - last);
        last = performance.now();
        if (worst > ${LONGEST_GAP_MS}) { process.stdout.write("\\r\\nstood still\\r\\n"); process.exit(3); }
      }, 5);`;
    await using pty = onScript([process.execPath, "-e", `'${program}'`]);
    await pty.shows("xxx");
    process.kill(pty.pid, "SIGSTOP");
    await Bun.sleep(1.5 * LONGEST_GAP_MS);
    process.kill(pty.pid, "SIGCONT");
    expect(await pty.ended()).toBe(3);
    expect(pty.text).toContain("stood still");
  });

  test("does not keep the program from ending", async () => {
    const log = join(folder, "ended.json");
    await using pty = onScript([process.execPath, LOGGED, log, "ping", "127.0.0.1"]);
    await pty.until(() => newestNumber(pty.text) > 5);
    const program = childOf(pty.pid);
    process.kill(pty.pid, "SIGSTOP");
    await Bun.sleep(2000);
    process.kill(program, "SIGTERM");
    while (!(await Bun.file(log).exists())) await Bun.sleep(10);
    process.kill(pty.pid, "SIGCONT");
    expect(await pty.ended()).toBe(143);
  });
});

function onScript(command: readonly string[]): Pty {
  return new Pty(["script", "--quiet", "--return", "--command", command.join(" "), "/dev/null"], {
    columns: 120,
    rows: 40,
    env: { XDG_CONFIG_HOME: folder, SHELL: "/bin/sh" },
  });
}

/** The number of the newest probe in the log on the screen. */
function newestNumber(text: string): number {
  return Math.max(0, ...Array.from(text.matchAll(/ms +#(\d+) /g), ([, number]) => Number(number)));
}

function childOf(pid: number): number {
  const child = Number(
    Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(pid)])
      .stdout.toString()
      .trim(),
  );
  const own = Number(
    Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(child)])
      .stdout.toString()
      .trim(),
  );
  // A shell that runs nothing else may have become the program.
  return own > 0 ? own : child;
}
