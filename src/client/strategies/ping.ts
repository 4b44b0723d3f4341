import type { EchoResult, PingResult } from "../results/results.ts";
import type { CommonSettings, PingSettings } from "../run/options.ts";
import {
  Completion,
  onAbort,
  openPublisher,
  repeatingPace,
  type StrategyContext,
  type Target,
} from "../run/run-context.ts";
import { Pinger } from "./pinger.ts";

/** Probes a target `count` times. The rules are {@link Pinger}'s. */
export async function ping(
  context: StrategyContext<EchoResult>,
  target: Target,
  settings: PingSettings,
): Promise<PingResult> {
  const completion = new Completion();
  const publisher = openPublisher(context, settings);
  const { clock } = context;
  const onDone = () => completion.finish();
  const pace = repeatingPace(context, settings);
  const pinger = new Pinger({ target, settings, clock, ...pace, completion, publisher, onDone });
  const forgetAbort = onAbort(context.signal, onDone);
  try {
    if (!context.signal.aborted) pinger.start(clock.monotonicNs());
    await completion.promise;
    await publisher.settled();
  } finally {
    forgetAbort();
    pinger.stop();
  }
  const { results } = pinger;
  return {
    target: target.host,
    resolved: target.address,
    family: target.family,
    statistics: pinger.statistics.snapshot(),
    duration: pinger.duration,
    results,
    [Symbol.iterator]: () => results[Symbol.iterator](),
  };
}

/**
 * Probes a target once.
 *
 * @returns its result, or undefined when the run was stopped before there was one
 */
export async function probe(
  context: StrategyContext<EchoResult>,
  target: Target,
  settings: CommonSettings,
): Promise<EchoResult | undefined> {
  const { results } = await ping(context, target, { ...settings, count: 1, intervalNs: 0 });
  return results[0];
}
