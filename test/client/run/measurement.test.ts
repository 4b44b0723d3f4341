import { afterEach, describe, expect, test } from "bun:test";
import { Measurement } from "../../../src/client/run/measurement.ts";
import {
  DONE,
  drain,
  fakeServices,
  isPending,
  item,
  type Numbers,
  Stage,
  settle,
} from "../../support/stage.ts";

describe("Measurement", () => {
  // The runner fails a test that leaves an unhandled rejection behind, so what must not be reported
  // needs no check of its own below; it is given a turn of the event loop to be reported in.
  afterEach(() => new Promise(setImmediate));

  describe("begins", () => {
    test("not before it is used, whatever is looked at", async () => {
      const stage = new Stage();
      stage.measurement[Symbol.asyncIterator]();
      expect(`${Object.prototype.toString.call(stage.measurement)}`).toBe("[object Measurement]");
      await settle();
      expect(stage.starts).toBe(0);
    });

    const uses: [name: string, use: (measurement: Numbers) => unknown][] = [
      ["then", (measurement) => measurement.then(() => {})],
      ["catch", (measurement) => measurement.catch(() => {})],
      ["finally", (measurement) => measurement.finally(() => {})],
      ["next", (measurement) => measurement[Symbol.asyncIterator]().next()],
      ["for await", (measurement) => drain(measurement)],
    ];
    for (const [name, use] of uses) {
      test(`with the first ${name}, at once`, () => {
        const stage = new Stage();
        use(stage.measurement);
        expect(stage.starts).toBe(1);
      });
    }

    test("only once, however often it is used", async () => {
      const stage = new Stage();
      const all = [
        stage.measurement.then(),
        drain(stage.measurement),
        stage.measurement.finally(),
        drain(stage.measurement),
      ];
      stage.finish();
      await Promise.all(all);
      await stage.measurement;
      await drain(stage.measurement);
      expect(stage.starts).toBe(1);
    });
  });

  describe("gives", () => {
    test("items as they come, and the result", async () => {
      const stage = new Stage();
      const iterator = stage.measurement[Symbol.asyncIterator]();
      const first = iterator.next();
      expect(await isPending(first)).toBe(true);
      stage.emit(1);
      expect(await first).toEqual(item(1));
      stage.emit(2, 3);
      expect(await iterator.next()).toEqual(item(2));
      expect(await iterator.next()).toEqual(item(3));
      const last = iterator.next();
      expect(await isPending(last)).toBe(true);
      stage.finish();
      expect(await last).toEqual(DONE);
      expect(await iterator.next()).toEqual(DONE);
      expect(await stage.measurement).toBe("result");
    });

    test("items that start emits before it returns", async () => {
      const stage = new Stage({ onStart: (run) => run.emit(1) });
      const reading = drain(stage.measurement);
      stage.emit(2);
      stage.finish();
      expect(await reading).toEqual({ items: [1, 2] });
    });

    test("two iterators and an awaiter the same run", async () => {
      const stage = new Stage();
      const readings = [drain(stage.measurement), drain(stage.measurement)];
      const result = stage.measurement.then();
      stage.emit(1, 2, 3);
      stage.finish();
      expect(await Promise.all(readings)).toEqual([{ items: [1, 2, 3] }, { items: [1, 2, 3] }]);
      expect(await result).toBe("result");
    });

    test("an iterator made in the middle of a finite run all items", async () => {
      const stage = new Stage();
      const early = drain(stage.measurement);
      stage.emit(1, 2);
      await settle();
      const late = drain(stage.measurement);
      stage.emit(3);
      stage.finish();
      expect(await early).toEqual({ items: [1, 2, 3] });
      expect(await late).toEqual({ items: [1, 2, 3] });
    });

    test("an iterator made after the end of a finite run all items", async () => {
      const stage = new Stage({ onStart: (run) => [1, 2].map((value) => run.emit(value)) });
      stage.finish();
      expect(await stage.measurement).toBe("result");
      expect(await drain(stage.measurement)).toEqual({ items: [1, 2] });
      expect(await drain(stage.measurement)).toEqual({ items: [1, 2] });
    });

    test("an iterator made in the middle of an endless run the items from then on", async () => {
      const stage = new Stage({ endless: true });
      const early = drain(stage.measurement);
      stage.emit(1, 2);
      const late = drain(stage.measurement);
      stage.emit(3);
      stage.measurement.stop();
      expect(await early).toEqual({ items: [1, 2, 3] });
      expect(await late).toEqual({ items: [3] });
    });

    test("concurrent next() calls one item each, in order", async () => {
      const stage = new Stage();
      const iterator = stage.measurement[Symbol.asyncIterator]();
      const calls = [
        iterator.next(),
        iterator.next(),
        iterator.next(),
        iterator.next(),
        iterator.next(),
      ];
      stage.emit(1, 2);
      await settle();
      stage.emit(3);
      stage.finish();
      expect(await Promise.all(calls)).toEqual([item(1), item(2), item(3), DONE, DONE]);
    });

    test("an iterator that is itself iterable, and goes on where it was", async () => {
      const stage = new Stage({ onStart: (run) => [1, 2, 3].map((value) => run.emit(value)) });
      const iterator = stage.measurement[Symbol.asyncIterator]();
      expect(await iterator.next()).toEqual(item(1));
      stage.finish();
      expect(await drain(iterator)).toEqual({ items: [2, 3] });
    });

    test("nothing of what is emitted after the end", async () => {
      const stage = new Stage();
      const reading = drain(stage.measurement);
      stage.emit(1);
      stage.finish();
      await stage.measurement;
      stage.emit(2);
      expect(await reading).toEqual({ items: [1] });
      expect(await drain(stage.measurement)).toEqual({ items: [1] });
    });

    test("a type that stands wherever a promise does", async () => {
      const stage = new Stage();
      stage.finish("a");
      const promise: Promise<string> = stage.measurement;
      const wider: Measurement<unknown, unknown> = stage.measurement;
      let finished = 0;
      expect(await Promise.all([promise, wider, promise.finally(() => (finished += 1))])).toEqual([
        "a",
        "a",
        "a",
      ]);
      expect(finished).toBe(1);
      expect(await promise.then((result) => result.length)).toBe(1);
    });
  });

  describe("failure of the run", () => {
    test("rejects the result, and is thrown after the items", async () => {
      const stage = new Stage();
      const result = stage.measurement.catch((reason: unknown) => reason);
      const reading = drain(stage.measurement);
      stage.emit(1);
      const error = new Error("no socket");
      stage.crash(error);
      expect(await result).toBe(error);
      expect(await reading).toEqual({ items: [1], thrown: error });
      expect(await drain(stage.measurement)).toEqual({ items: [1], thrown: error });
      expect(stage.run.signal.aborted).toBe(true);
    });

    test("thrown synchronously is the same", async () => {
      const error = new TypeError("sync");
      const stage = new Stage({
        onStart: () => {
          throw error;
        },
      });
      expect(await stage.measurement.catch((reason: unknown) => reason)).toBe(error);
      expect(await drain(stage.measurement)).toEqual({ items: [], thrown: error });
    });

    test("seen by iteration only is not reported as unhandled", async () => {
      const stage = new Stage();
      const reading = drain(stage.measurement);
      stage.crash("seen");
      expect(await reading).toEqual({ items: [], thrown: "seen" });
    });

    test("seen by await only is not reported as unhandled", async () => {
      const stage = new Stage();
      stage.crash("seen");
      expect(await stage.measurement.catch((reason: unknown) => reason)).toBe("seen");
    });

    test("that nobody can see is reported", async () => {
      // In a process of its own, for the runner would take the report for a failure.
      const script = `
        import { Measurement } from ${JSON.stringify(import.meta.resolve("../../../src/client/run/measurement.ts"))};
        const start = async () => { throw new Error("unseen"); };
        new Measurement({ name: "ping", endless: false, services: () => ({}), start }).then(() => {});
      `;
      const { stderr, exitCode } = Bun.spawnSync([process.execPath, "-e", script]);
      expect(stderr.toString()).toContain("unseen");
      expect(exitCode).toBe(1);
    });

    test("does not come in again after the reason has been thrown once", async () => {
      const stage = new Stage();
      const iterator = stage.measurement[Symbol.asyncIterator]();
      stage.crash("once");
      expect(await iterator.next().catch((reason: unknown) => reason)).toBe("once");
      expect(await iterator.next()).toEqual(DONE);
    });
  });

  describe("an endless run", () => {
    test("awaited alone is refused, without beginning, and can still be iterated", async () => {
      const stage = new Stage({ endless: true, onStart: (run) => run.emit(1) });
      for (const promise of [
        stage.measurement.then(),
        stage.measurement.catch(() => "caught"),
        stage.measurement.finally(),
      ]) {
        const outcome = await promise.catch((error: unknown) => error);
        if (outcome === "caught") continue;
        expect(outcome).toBeInstanceOf(TypeError);
        expect((outcome as TypeError).message).toBe(
          "Cannot await an endless ping: pass count, a signal, or iterate it",
        );
      }
      expect(stage.starts).toBe(0);
      for await (const value of stage.measurement) {
        expect(value).toBe(1);
        break;
      }
      expect(await stage.measurement).toBe("partial");
    });

    test("with a signal may be awaited", async () => {
      const controller = new AbortController();
      const stage = new Stage({ endless: true, signal: controller.signal });
      const result = stage.measurement.catch((reason: unknown) => reason);
      expect(stage.starts).toBe(1);
      controller.abort("over");
      expect(await result).toBe("over");
    });

    test("that is iterated may be awaited", async () => {
      const stage = new Stage({ endless: true });
      const reading = drain(stage.measurement);
      const result = stage.measurement.then();
      stage.emit(1);
      stage.measurement.stop();
      expect(await reading).toEqual({ items: [1] });
      expect(await result).toBe("partial");
    });

    test("keeps no item that was read: 1,000,000 items in flat memory", async () => {
      const COUNT = 1_000_000;
      let next = 0;
      const measurement = new Measurement<{ index: number; ballast: number[] }, number>({
        name: "flood",
        endless: true,
        statistics: () => {},
        services: fakeServices,
        start: async (run) => {
          // Everybody waits for the first item.
          await Promise.resolve();
          for (let index = 0; index < COUNT && !run.signal.aborted; index += 1) {
            run.emit({ index, ballast: [index, index, index, index] });
            // The loop below reads more slowly than this one can write.
            while (index - next > 64) await Promise.resolve();
          }
          return COUNT;
        },
      });
      const heap = (): number => {
        Bun.gc(true);
        return process.memoryUsage().heapUsed;
      };
      const reader = measurement[Symbol.asyncIterator]();
      // Read once and forgotten without being closed: garbage, which must not hold on to what came
      // later.
      await (async () => measurement[Symbol.asyncIterator]().next())();
      let early = 0;
      let late = 0;
      for await (const { index } of reader) {
        if (index !== next) throw new Error(`Got item ${index} instead of ${next}`);
        next += 1;
        if (next === 100_000) early = heap();
        if (next === 900_000) late = heap();
      }
      expect(next).toBe(COUNT);
      // Kept, the items in between would be 100 MB.
      expect(late - early).toBeLessThan(8 * 1024 * 1024);
    });

    test("items wait for the slowest iterator", async () => {
      const stage = new Stage({ endless: true });
      const fast = stage.measurement[Symbol.asyncIterator]();
      const slow = stage.measurement[Symbol.asyncIterator]();
      fast.next();
      stage.emit(...Array.from({ length: 1000 }, (_, index) => index));
      for (let index = 1; index < 1000; index += 1) expect(await fast.next()).toEqual(item(index));
      for (let index = 0; index < 1000; index += 1) expect(await slow.next()).toEqual(item(index));
    });
  });
});
