import { expect, test } from "bun:test";
import { describeIf, requires } from "../support/requires.ts";
import { runInNamespace } from "./namespace.ts";

const SLOW = 60_000;
const REAL = requires.all(requires.linux(), requires.namespaces());

describeIf(REAL, "openReactor() on the main thread", () => {
  test.each([
    ["outlives 2,000 sockets opened, flooded and closed", "open-close", { received: true }],
    ["reports what arrived before the socket was watched", "before-arming", { received: 6 }],
    [
      "calls again until a limited handler has read everything",
      "limited",
      { received: 100, enough: true, calls: true },
    ],
    [
      "calls a handler that stopped early at once, and lets timers have their turn",
      "flooded",
      { ticks: true, soon: true },
    ],
    [
      "keeps one handler's exception from the others",
      "throwing",
      { caught: "from the first handler", received: 2 },
    ],
    [
      "calls each of many sockets for itself",
      "many-sockets",
      { counts: Array.from({ length: 40 }, (_, index) => (index % 3 === 0 ? 0 : 2)) },
    ],
    ["does not spin for a handler that never reads", "never-read", { calls: true }],
    [
      "survives the removal of its listener, and reports again once renewed",
      "listeners-removed",
      { counts: [0, 0, 2, 4, 4, 6, 6], others: 1, listeners: 2 },
    ],
    [
      "spends one poll on a SIGURG from elsewhere, and reports nothing",
      "urgent-elsewhere",
      { polled: 10, afterUrgentData: { polled: 10, calls: 0 }, afterArrival: true },
    ],
    [
      "reads all of many arrivals that raised one signal",
      "merged",
      { received: 100, merged: true },
    ],
  ])(
    "%s",
    (_name, scenario, expected) => {
      const { exitCode, signal, stdout, stderr } = runInNamespace("reactor", { args: [scenario] });
      expect({ exitCode, signal, stderr }).toEqual({ exitCode: 0, signal: undefined, stderr: "" });
      expect(JSON.parse(stdout)).toEqual(expected);
    },
    SLOW,
  );

  test(
    "process.exit() in a flood exits with its code",
    () => {
      for (let attempt = 0; attempt < 10; attempt++) {
        const { exitCode, signal } = runInNamespace("reactor", { args: ["exit-in-flood"] });
        expect({ exitCode, signal }).toEqual({ exitCode: 7, signal: undefined });
      }
    },
    SLOW,
  );

  test(
    "a watched socket left open keeps nothing alive, and arriving packets end nothing",
    () => {
      const { exitCode, stdout, stderr } = runInNamespace("exits", { args: ["15"] });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(JSON.parse(stdout)).toEqual(new Array(15).fill(0));
    },
    SLOW,
  );

  test(
    "waiting for a reply that never comes costs no more CPU than sleeping",
    () => {
      const cpuMs = (mode: string): number => {
        const { stdout, stderr } = runInNamespace("idle", { args: [mode, "5000"] });
        if (stdout === "") throw new Error(stderr);
        const result: { cpuMs: number; woken: number } = JSON.parse(stdout);
        // Sending wakes once at most, before the measurement.
        expect(result.woken).toBeLessThanOrEqual(1);
        return result.cpuMs;
      };
      // Polling once a millisecond would take 50 ms or more in 5 s.
      expect(cpuMs("watch")).toBeLessThan(cpuMs("sleep") + 15);
    },
    SLOW,
  );
});

describeIf(REAL, "openReactor() in a Worker", () => {
  test(
    "polls while a watch is active, and only then",
    () => {
      const { exitCode, stdout, stderr } = runInNamespace("worker");
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(JSON.parse(stdout)).toEqual({
        inactive: 0,
        active: 2,
        afterwards: 0,
        code: "ENOPROTOOPT",
      });
    },
    SLOW,
  );
});

describeIf(REAL, "memory and descriptors", () => {
  test(
    "100,000 echoes with the collector running arrive unharmed",
    () => {
      const { exitCode, signal, stdout, stderr } = runInNamespace("memory");
      expect({ exitCode, signal, stderr }).toEqual({ exitCode: 0, signal: undefined, stderr: "" });
      expect(JSON.parse(stdout)).toEqual({ once: 100_000, wrong: 0, pid: true });
    },
    SLOW,
  );

  test(
    "10,000 sockets leave no descriptor and little memory behind",
    () => {
      const { stdout, stderr } = runInNamespace("descriptors");
      expect(stderr).toBe("");
      const { leaked, refused, grownMiB } = JSON.parse(stdout);
      expect({ leaked, refused }).toEqual({ leaked: 0, refused: 1000 });
      // An arena for each socket would be 160 GiB.
      expect(grownMiB).toBeLessThan(64);
    },
    SLOW,
  );
});
