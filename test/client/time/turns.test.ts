import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Turns } from "../../../src/client/time/turns.ts";

const UNCAUGHT = join(import.meta.dir, "children", "uncaught.ts");
const LONGEST_CHAIN_MS = 100;

/** Resolves in the turn of the event loop after the next one. Timers have no part in it. */
async function twoTurns(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function busy(lengthMs: number): void {
  const until = performance.now() + lengthMs;
  while (performance.now() < until);
}

/** Whether a callback that is scheduled now is called without a pause. */
async function followsAtOnce(turns: Turns): Promise<boolean> {
  let isCalled = false;
  const cancel = turns.schedule(() => {
    isCalled = true;
  });
  await twoTurns();
  cancel();
  return isCalled;
}

describe("Turns", () => {
  test("pause when they have followed each other for 100 ms", async () => {
    const turns = new Turns(() => performance.now());
    let pausedAtMs: number | undefined;
    const begun = performance.now();
    await new Promise<void>((resolve) => {
      const turn = (): void => {
        if (pausedAtMs !== undefined) {
          resolve();
          return;
        }
        let isNext = false;
        turns.schedule(() => {
          isNext = true;
          turn();
        });
        void twoTurns().then(() => {
          if (!isNext) pausedAtMs ??= performance.now() - begun;
        });
      };
      turns.schedule(turn);
    });
    expect(pausedAtMs).toBeGreaterThanOrEqual(LONGEST_CHAIN_MS);
    expect(await followsAtOnce(turns)).toBe(true);
  });

  test("pause for everybody until none is pending", async () => {
    const turns = new Turns(() => performance.now());
    const order: string[] = [];
    turns.schedule(() => order.push("first"));
    turns.schedule(() => order.push("second"));
    busy(LONGEST_CHAIN_MS + 1);
    turns.schedule(() => order.push("after a pause"));
    await twoTurns();
    expect(order).toEqual(["first", "second"]);
    expect(await followsAtOnce(turns)).toBe(true);
    await Bun.sleep(20);
    expect(order).toEqual(["first", "second", "after a pause"]);
  });

  test("that are cancelled are not called, in a pause neither, and no longer pending", async () => {
    const turns = new Turns(() => performance.now());
    const called: string[] = [];
    const cancelWaiting = turns.schedule(() => called.push("waiting"));
    busy(LONGEST_CHAIN_MS + 1);
    const cancelPausing = turns.schedule(() => called.push("pausing"));
    for (let times = 0; times < 2; times++) {
      cancelWaiting();
      cancelPausing();
    }
    expect(await followsAtOnce(turns)).toBe(true);
    await Bun.sleep(20);
    expect(called).toEqual([]);
  });

  test("that cancel themselves still go on", async () => {
    const turns = new Turns(() => performance.now());
    let isNextAtOnce = true;
    await new Promise<void>((resolve) => {
      const cancel = turns.schedule(() => {
        cancel();
        busy(LONGEST_CHAIN_MS + 1);
        isNextAtOnce = false;
        turns.schedule(() => {
          isNextAtOnce = true;
        });
        void twoTurns().then(resolve);
      });
    });
    expect(isNextAtOnce).toBe(false);
  });

  test("let an error that nobody caught end the process", async () => {
    const child = Bun.spawn([process.execPath, UNCAUGHT], { stdout: "ignore", stderr: "pipe" });
    expect(await new Response(child.stderr).text()).toContain("an error of the program's own");
    expect(await child.exited).toBe(1);
  }, 60_000);
});
