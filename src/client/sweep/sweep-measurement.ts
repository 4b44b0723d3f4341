import { Measurement } from "../run/measurement.ts";
import type { SweepProgress, SweepResult } from "./sweep-results.ts";

/** A sweep: awaitable for its totals, iterable for its hosts, and at any time it tells how far it has come. */
export class SweepMeasurement<out Item> extends Measurement<Item, SweepResult, SweepProgress> {
  /** The same as `statistics`: all zeros before the sweep begins. Reading it is cheap. */
  get progress(): SweepProgress {
    return this.statistics;
  }
}
