import { afterEach, describe, expect, test } from "bun:test";
import { failMeasurement, Measurement, type Run } from "../../src/client/measurement.ts";

type Numbers = Measurement<number, string>;

interface Setup {
  readonly endless?: boolean;
  readonly signal?: AbortSignal;
  /** What `start` does at once; by default nothing. */
  onStart?(run: Run<number>): void;
  /** Whether the run resolves by itself, to "partial", when it is told to stop. On by default. */
  readonly obedient?: boolean;
}

/** A measurement whose run the test plays by hand. */
class Stage {
  readonly measurement: Numbers;
  starts = 0;
  readonly #outcome = Promise.withResolvers<string>();
  #run: Run<number> | undefined;

  constructor(setup: Setup = {}) {
    this.measurement = new Measurement<number, string>({
      name: "ping",
      endless: setup.endless ?? false,
      signal: setup.signal,
      start: (run) => {
        this.starts += 1;
        this.#run = run;
        setup.onStart?.(run);
        if (setup.obedient ?? true) {
          const stop = (): void => this.#outcome.resolve("partial");
          if (run.signal.aborted) stop();
          else run.signal.addEventListener("abort", stop);
        }
        return this.#outcome.promise;
      },
    });
  }

  get run(): Run<number> {
    if (this.#run === undefined) throw new Error("The run has not begun");
    return this.#run;
  }

  emit(...items: number[]): void {
    for (const item of items) this.run.emit(item);
  }

  finish(result = "result"): void {
    this.#outcome.resolve(result);
  }

  crash(error: unknown): void {
    this.#outcome.reject(error);
  }
}

const DONE = { done: true, value: undefined } as const;

function item(value: number): IteratorResult<number, undefined> {
  return { done: false, value };
}

/** Reads an iterator to its end; `thrown` is what it threw there. */
async function drain(source: AsyncIterable<number>): Promise<{ items: number[]; thrown?: unknown }> {
  const items: number[] = [];
  try {
    for await (const value of source) items.push(value);
    return { items };
  } catch (thrown) {
    return { items, thrown };
  }
}

/** Lets everything that is already decided happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const over = (): void => {
    pending = false;
  };
  promise.then(over, over);
  await settle();
  return pending;
}

/** An AbortController whose signal counts its listeners. */
function countingController(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal) as (type: string, listener: unknown) => void;
  const remove = signal.removeEventListener.bind(signal) as (type: string, listener: unknown) => void;
  signal.addEventListener = (type: string, listener: unknown) => {
    listeners.add(listener);
    add(type, listener);
  };
  signal.removeEventListener = (type: string, listener: unknown) => {
    listeners.delete(listener);
    remove(type, listener);
  };
  return { controller, listeners: () => listeners.size };
}

describe("Measurement", () => {
  // The runner fails a test that leaves an unhandled rejection behind, so what must not be reported needs no
  // check of its own below; it is given a turn of the event loop to be reported in.
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
      const calls = [iterator.next(), iterator.next(), iterator.next(), iterator.next(), iterator.next()];
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

  describe("left early", () => {
    test("by break stops the run, and a later await gives the partial result", async () => {
      const stage = new Stage({ onStart: (run) => [1, 2, 3].map((value) => run.emit(value)) });
      const seen: number[] = [];
      for await (const value of stage.measurement) {
        seen.push(value);
        if (value === 2) break;
      }
      expect(seen).toEqual([1, 2]);
      expect(stage.run.signal.aborted).toBe(true);
      expect(await stage.measurement).toBe("partial");
    });

    test("by an error in the loop stops the run, and the error comes through", async () => {
      const stage = new Stage({ endless: true, onStart: (run) => run.emit(1) });
      const failure = new Error("in the loop");
      const loop = async (): Promise<void> => {
        for await (const _ of stage.measurement) throw failure;
      };
      expect(await loop().catch((error: unknown) => error)).toBe(failure);
      expect(stage.run.signal.aborted).toBe(true);
      expect(await stage.measurement).toBe("partial");
    });

    test("with another iterator open goes on until that is closed, too", async () => {
      const stage = new Stage();
      const one = stage.measurement[Symbol.asyncIterator]();
      const other = stage.measurement[Symbol.asyncIterator]();
      one.next();
      stage.emit(1);
      expect(await one.return?.()).toEqual(DONE);
      expect(stage.run.signal.aborted).toBe(false);
      expect(await other.next()).toEqual(item(1));
      await other.return?.();
      expect(stage.run.signal.aborted).toBe(true);
    });

    test("closing one iterator twice does not count for two", async () => {
      const stage = new Stage();
      const one = stage.measurement[Symbol.asyncIterator]();
      const other = stage.measurement[Symbol.asyncIterator]();
      one.next();
      await one.return?.();
      await one.return?.();
      expect(stage.run.signal.aborted).toBe(false);
      await other.return?.();
      expect(stage.run.signal.aborted).toBe(true);
    });

    test("while someone awaits the result goes on to the end", async () => {
      const stage = new Stage();
      const result = stage.measurement.then();
      stage.emit(1);
      for await (const _ of stage.measurement) break;
      expect(stage.run.signal.aborted).toBe(false);
      stage.emit(2);
      stage.finish();
      expect(await result).toBe("result");
      expect(await drain(stage.measurement)).toEqual({ items: [1, 2] });
    });

    test("an endless run without a signal ends even if awaited, for nothing else could end it", async () => {
      const stage = new Stage({ endless: true, onStart: (run) => run.emit(1) });
      const loop = (async () => {
        for await (const _ of stage.measurement) break;
      })();
      const result = stage.measurement.then();
      await loop;
      expect(await result).toBe("partial");
    });

    test("an endless run with a signal goes on while awaited", async () => {
      const controller = new AbortController();
      const stage = new Stage({ endless: true, signal: controller.signal });
      const result = stage.measurement.catch((reason: unknown) => reason);
      const reading = stage.measurement[Symbol.asyncIterator]();
      await reading.return?.();
      expect(stage.run.signal.aborted).toBe(false);
      controller.abort("enough");
      expect(await result).toBe("enough");
    });

    test("the iterator ends those who wait, and stays ended", async () => {
      const stage = new Stage();
      const iterator = stage.measurement[Symbol.asyncIterator]();
      const waiting = [iterator.next(), iterator.next()];
      await iterator.return?.();
      stage.emit(1);
      expect(await Promise.all(waiting)).toEqual([DONE, DONE]);
      expect(await iterator.next()).toEqual(DONE);
    });

    test("an iterator closed before it was read does not begin the run", async () => {
      const stage = new Stage();
      const iterator = stage.measurement[Symbol.asyncIterator]();
      await iterator.return?.();
      expect(await iterator.next()).toEqual(DONE);
      expect(stage.starts).toBe(0);
    });

    test("the end of an iterator is not leaving early", async () => {
      const stage = new Stage();
      const reading = drain(stage.measurement);
      stage.finish("whole");
      await reading;
      expect(await stage.measurement).toBe("whole");
      expect(stage.run.signal.aborted).toBe(false);
    });
  });

  describe("stop()", () => {
    test("ends iterators after the items they have not read, and gives the partial result", async () => {
      const stage = new Stage();
      const iterator = stage.measurement[Symbol.asyncIterator]();
      const result = stage.measurement.then();
      stage.emit(1, 2);
      stage.measurement.stop();
      stage.measurement.stop();
      stage.emit(3);
      expect(await drain(iterator)).toEqual({ items: [1, 2] });
      expect(await result).toBe("partial");
      expect(await drain(stage.measurement)).toEqual({ items: [1, 2] });
    });

    test("ends a next() that waits, at once, even if the run takes its time", async () => {
      const stage = new Stage({ endless: true, obedient: false });
      const waiting = stage.measurement[Symbol.asyncIterator]().next();
      stage.measurement.stop();
      expect(await waiting).toEqual(DONE);
      const result = stage.measurement.then();
      expect(await isPending(result)).toBe(true);
      stage.finish("slow");
      expect(await result).toBe("slow");
    });

    test("nothing is published by what hears the signal", async () => {
      const stage = new Stage({
        onStart: (run) => run.signal.addEventListener("abort", () => run.emit(99)),
      });
      const reading = drain(stage.measurement);
      stage.measurement.stop();
      expect(await reading).toEqual({ items: [] });
    });

    test("before the beginning: iterators are empty, nothing is begun", async () => {
      const stage = new Stage();
      stage.measurement.stop();
      expect(await drain(stage.measurement)).toEqual({ items: [] });
      expect(stage.starts).toBe(0);
    });

    test("before the beginning: await begins with a signal that has fired", async () => {
      const stage = new Stage({ endless: true });
      stage.measurement.stop();
      expect(await stage.measurement).toBe("partial");
      expect(stage.starts).toBe(1);
    });

    test("after the end changes nothing", async () => {
      const stage = new Stage();
      stage.finish();
      await stage.measurement;
      stage.measurement.stop();
      expect(stage.run.signal.aborted).toBe(false);
      expect(await stage.measurement).toBe("result");
    });

    test("a failure while stopping reaches who awaits, and iterators end in peace", async () => {
      const stage = new Stage({ obedient: false });
      const reading = drain(stage.measurement);
      stage.measurement.stop();
      stage.crash("broken");
      expect(await reading).toEqual({ items: [] });
      expect(await stage.measurement.catch((reason: unknown) => reason)).toBe("broken");
    });

    test("await using stops, and waits until the run has let go", async () => {
      const stage = new Stage({ obedient: false });
      const { promise: disposing, resolve } = Promise.withResolvers<void>();
      const block = (async () => {
        await using measurement = stage.measurement;
        measurement[Symbol.asyncIterator]().next();
        queueMicrotask(resolve);
      })();
      await disposing;
      expect(stage.run.signal.aborted).toBe(true);
      expect(await isPending(block)).toBe(true);
      stage.crash("while stopping");
      await block;
    });

    test("await using of what was never used begins nothing", async () => {
      const stage = new Stage();
      {
        await using _measurement = stage.measurement;
      }
      expect(stage.starts).toBe(0);
    });
  });

  describe("its signal", () => {
    test("aborted beforehand: rejects, throws, and begins nothing", async () => {
      const stage = new Stage({ signal: AbortSignal.abort("early") });
      expect(await stage.measurement.catch((reason: unknown) => reason)).toBe("early");
      expect(await drain(stage.measurement)).toEqual({ items: [], thrown: "early" });
      expect(stage.starts).toBe(0);
    });

    test("aborted between creation and use: the same", async () => {
      const controller = new AbortController();
      const stage = new Stage({ signal: controller.signal, endless: true });
      const iterator = stage.measurement[Symbol.asyncIterator]();
      controller.abort("between");
      expect(await drain(iterator)).toEqual({ items: [], thrown: "between" });
      expect(await stage.measurement.catch((reason: unknown) => reason)).toBe("between");
      expect(stage.starts).toBe(0);
    });

    test("aborted during the run: items first, then its reason, without waiting for the run", async () => {
      const controller = new AbortController();
      const stage = new Stage({ signal: controller.signal, obedient: false });
      const result = stage.measurement.catch((reason: unknown) => reason);
      const iterator = stage.measurement[Symbol.asyncIterator]();
      stage.emit(1, 2);
      const reason = new Error("abort");
      controller.abort(reason);
      stage.emit(3);
      expect(await result).toBe(reason);
      expect(await drain(iterator)).toEqual({ items: [1, 2], thrown: reason });
      expect(stage.run.signal.reason).toBe(reason);
      expect(await drain(stage.measurement)).toEqual({ items: [1, 2], thrown: reason });
    });

    test("aborted while several next() wait: the first throws, the others are done", async () => {
      const controller = new AbortController();
      const stage = new Stage({ signal: controller.signal });
      const iterator = stage.measurement[Symbol.asyncIterator]();
      const calls = [iterator.next(), iterator.next()];
      controller.abort("now");
      expect(await Promise.allSettled(calls)).toEqual([
        { status: "rejected", reason: "now" },
        { status: "fulfilled", value: DONE },
      ]);
      expect(await iterator.next()).toEqual(DONE);
    });

    test("aborted after stop(): who still waits for the result gets the reason", async () => {
      const controller = new AbortController();
      const stage = new Stage({ signal: controller.signal, obedient: false });
      const result = stage.measurement.catch((reason: unknown) => reason);
      stage.measurement.stop();
      controller.abort("impatient");
      expect(await result).toBe("impatient");
      expect(await drain(stage.measurement)).toEqual({ items: [] });
    });

    test("aborted after the end changes nothing", async () => {
      const controller = new AbortController();
      const stage = new Stage({ signal: controller.signal });
      stage.finish();
      await stage.measurement;
      controller.abort("late");
      expect(await stage.measurement).toBe("result");
      expect(await drain(stage.measurement)).toEqual({ items: [] });
      expect(stage.run.signal.aborted).toBe(false);
    });

    test("aborted with nobody listening is no unhandled rejection", async () => {
      const controller = new AbortController();
      const stage = new Stage({ signal: controller.signal, obedient: false });
      const iterator = stage.measurement[Symbol.asyncIterator]();
      iterator.next();
      await iterator.return?.();
      controller.abort("alone");
      stage.crash("after the abort");
      await settle();
    });

    test("keeps no listener: before the beginning, after the end, after a failure, after an abort", async () => {
      const { controller, listeners } = countingController();
      const { signal } = controller;
      const finished = new Stage({ signal });
      expect(listeners()).toBe(0);
      finished.finish();
      const running = finished.measurement.then();
      expect(listeners()).toBe(1);
      await running;
      expect(listeners()).toBe(0);

      const stopped = new Stage({ signal });
      stopped.measurement[Symbol.asyncIterator]().next();
      stopped.measurement.stop();
      await stopped.measurement;
      expect(listeners()).toBe(0);

      const failed = new Stage({ signal });
      failed.crash("failed");
      await drain(failed.measurement);
      expect(listeners()).toBe(0);

      const aborted = new Stage({ signal });
      const rejected = aborted.measurement.catch(() => {});
      controller.abort();
      await rejected;
      expect(listeners()).toBe(0);
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
        import { Measurement } from ${JSON.stringify(import.meta.resolve("../../src/client/measurement.ts"))};
        const start = async () => { throw new Error("unseen"); };
        new Measurement({ name: "ping", endless: false, start }).then(() => {});
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

  describe("failMeasurement()", () => {
    test("rejects, throws and stops a run", async () => {
      const { controller, listeners } = countingController();
      const stage = new Stage({ obedient: false, signal: controller.signal });
      const result = stage.measurement.catch((reason: unknown) => reason);
      const reading = drain(stage.measurement);
      stage.emit(1);
      failMeasurement(stage.measurement, "closed");
      expect(await result).toBe("closed");
      expect(await reading).toEqual({ items: [1], thrown: "closed" });
      expect(stage.run.signal.reason).toBe("closed");
      expect(listeners()).toBe(0);
    });

    test("before the beginning: nothing is begun", async () => {
      const stage = new Stage({ endless: true });
      failMeasurement(stage.measurement, "closed");
      expect(await stage.measurement.catch((reason: unknown) => reason)).toBe("closed");
      expect(await drain(stage.measurement)).toEqual({ items: [], thrown: "closed" });
      expect(stage.starts).toBe(0);
    });

    test("after the end changes nothing", async () => {
      const stage = new Stage();
      stage.finish();
      await stage.measurement;
      failMeasurement(stage.measurement, "closed");
      expect(await stage.measurement).toBe("result");
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
      const measurement = new Measurement<{ index: number; ballast: number[] }, number>({
        name: "flood",
        endless: true,
        start: async (run) => {
          for (let index = 0; index < COUNT && !run.signal.aborted; index += 1) {
            run.emit({ index, ballast: [index, index, index, index] });
            if (index % 64 === 0) await Promise.resolve();
          }
          return COUNT;
        },
      });
      const heap = (): number => {
        Bun.gc(true);
        return process.memoryUsage().heapUsed;
      };
      const reader = measurement[Symbol.asyncIterator]();
      // Read once and forgotten without being closed: garbage, which must not hold on to what came later.
      await (async () => measurement[Symbol.asyncIterator]().next())();
      let next = 0;
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
