import { describe, expect, test } from "bun:test";
import { heedGate, PauseGate } from "../../../src/client/run/gate.ts";
import { DONE, drain, Stage } from "../../support/stage.ts";

/** A gate, and what a part that heeds it was told. */
function heeded(isPaused: boolean) {
  const gate = new PauseGate();
  gate.isPaused = isPaused;
  const told: string[] = [];
  const forget = heedGate(gate, {
    pause: () => void told.push(`paused ${gate.isPaused}`),
    resume: () => void told.push(`goes on ${gate.isPaused}`),
  });
  return { gate, told, forget };
}

describe("heedGate()", () => {
  test("pauses at once what begins while the gate is shut", () => {
    expect(heeded(true).told).toEqual(["paused true"]);
    expect(heeded(false).told).toEqual([]);
  });

  test("tells of each change, once, until it is forgotten", () => {
    const { gate, told, forget } = heeded(false);
    for (const isPaused of [false, true, true, false, false, true]) gate.isPaused = isPaused;
    expect(told).toEqual(["paused true", "goes on false", "paused true"]);
    forget();
    gate.isPaused = false;
    expect(told).toHaveLength(3);
  });
});

describe("Measurement", () => {
  test("pause() and resume() are seen by its run, which may begin paused", () => {
    const stage = new Stage();
    const { measurement } = stage;
    measurement.pause();
    void measurement.then();
    expect([measurement.isPaused, stage.run.gate.isPaused]).toEqual([true, true]);
    measurement.resume();
    expect([measurement.isPaused, stage.run.gate.isPaused]).toEqual([false, false]);
  });

  test("hands out what a paused run still emits", async () => {
    const stage = new Stage();
    const reading = drain(stage.measurement);
    stage.measurement.pause();
    stage.emit(1, 2);
    stage.finish();
    expect(await reading).toEqual({ items: [1, 2] });
  });

  test("is not paused any more once it is stopped, failed or over", async () => {
    const stopped = new Stage({ obedient: false });
    void stopped.measurement.then();
    stopped.measurement.pause();
    stopped.measurement.stop();
    expect(stopped.measurement.isPaused).toBe(false);
    const over = new Stage();
    const iterator = over.measurement[Symbol.asyncIterator]();
    const next = iterator.next();
    over.measurement.pause();
    over.finish();
    expect(await next).toEqual(DONE);
    over.measurement.pause();
    expect(over.measurement.isPaused).toBe(false);
  });

  test("has the statistics that its run shows, and empty ones before", async () => {
    const stage = new Stage();
    const { measurement } = stage;
    expect(measurement.statistics).toEqual({ emitted: 0 });
    void measurement.then();
    expect(measurement.statistics).toEqual({ emitted: 0 });
    let emitted = 1;
    stage.run.showStatistics(() => ({ emitted }));
    expect(measurement.statistics).toEqual({ emitted: 1 });
    emitted = 7;
    stage.finish();
    await measurement;
    expect(measurement.statistics).toEqual({ emitted: 7 });
  });
});
