import { afterEach, describe, expect, test } from "bun:test";
import { failMeasurement } from "../../../src/client/run/measurement.ts";
import {
  countingController,
  DONE,
  drain,
  isPending,
  item,
  Stage,
  settle,
} from "../../support/stage.ts";

describe("Measurement that ends early", () => {
  // The runner fails a test that leaves an unhandled rejection behind, so what must not be reported
  // needs no check of its own below; it is given a turn of the event loop to be reported in.
  afterEach(() => new Promise(setImmediate));

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
});
