import { describe, expect, test } from "bun:test";
import { Completion, onAbort } from "../../../src/client/run/run-context.ts";
import { countingController } from "../../support/stage.ts";

describe("Completion", () => {
  test("comes once: what came first stands", async () => {
    const finished = new Completion();
    finished.finish();
    finished.fail(new Error("too late"));
    expect(await finished.promise).toBeUndefined();
    const failed = new Completion();
    const outcome = failed.promise.then(String, String);
    failed.fail(new Error("first"));
    failed.fail(new Error("second"));
    failed.finish();
    expect(await outcome).toBe("Error: first");
  });

  test("guard() ends the run with what the callback throws, whatever it is", async () => {
    for (const thrown of [new Error("oops"), "oops", undefined]) {
      const completion = new Completion();
      const outcome = completion.promise.then(
        () => "finished",
        (reason: unknown) => ({ reason }),
      );
      let calls = 0;
      completion.guard(() => {
        calls += 1;
      });
      completion.guard(() => {
        throw thrown;
      });
      expect(calls).toBe(1);
      expect(await outcome).toEqual({ reason: thrown });
    }
  });
});

describe("onAbort()", () => {
  test("calls at once if the signal has aborted, and listens to nothing", () => {
    const { controller, listeners } = countingController();
    controller.abort();
    let calls = 0;
    const forget = onAbort(controller.signal, () => {
      calls += 1;
    });
    expect([calls, listeners()]).toEqual([1, 0]);
    forget();
  });

  test("calls when the signal aborts, unless that was taken back", () => {
    const { controller, listeners } = countingController();
    const calls: string[] = [];
    const forget = onAbort(controller.signal, () => calls.push("forgotten"));
    onAbort(controller.signal, () => calls.push("heard"));
    expect(listeners()).toBe(2);
    forget();
    expect(listeners()).toBe(1);
    controller.abort();
    expect(calls).toEqual(["heard"]);
  });
});
