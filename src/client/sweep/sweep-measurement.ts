import { Measurement, type MeasurementOptions } from "../run/measurement.ts";
import type { SweepProgress, SweepResult } from "./sweep-results.ts";

/** A sweep: awaitable for its totals, iterable for its hosts, and at any time it tells how far it has come. */
export class SweepMeasurement<out Item> extends Measurement<Item, SweepResult> {
  readonly #progress: () => SweepProgress;

  /** Called by the client; users get sweeps from `Client.sweep`. */
  constructor(options: MeasurementOptions<Item, SweepResult>, progress: () => SweepProgress) {
    super(options);
    this.#progress = progress;
  }

  /** How far the sweep has come; all zeros before it has begun. Reading it costs next to nothing. */
  get progress(): SweepProgress {
    return this.#progress();
  }
}
