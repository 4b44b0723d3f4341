import { type IcmpxError, RawSocketPermissionError, ResolveError, SystemError } from "../errors.ts";
import { canonicalAddress } from "../packet/address.ts";
import { NS_PER_MS, sleepUntil } from "./clock.ts";
import type { PingSettings } from "./options.ts";
import { Pinger } from "./pinger.ts";
import type { EchoResult, MultipingResult, MultipingTarget, TargetFailure } from "./results.ts";
import { Completion, onAbort, openPublisher, type StrategyContext, type Target } from "./run-context.ts";
import { Statistics } from "./statistics.ts";

/** The longest pause between the first probes of two neighbouring targets. */
const MAX_GAP_NS = 10 * NS_PER_MS;
/** Names that are looked up at a time. */
const LOOKUPS = 16;

/** An item of a multiping: what became of a probe, or a target that cannot be probed. */
export type MultipingItem = EchoResult | TargetFailure;

/** What stands in the result for one target. */
interface Slot {
  readonly host: string;
  target: Target | undefined;
  pinger: Pinger | undefined;
  failure: TargetFailure | undefined;
}

/**
 * Pings many targets side by side, each by the rules of {@link Pinger}.
 *
 * 1. The first probes of the targets are spread over the interval, at most 10 ms apart, so that the replies do not
 *    come all at once. Each target then keeps its own beat.
 * 2. Names are looked up at most 16 at a time; a slow one delays nobody but, with 15 others as slow, the names that wait
 *    for their turn.
 * 3. A name that does not resolve, or an address that this host cannot probe at all, ends that target with its cause.
 *    A failed send is the result of that one probe: the route may be back for the next.
 * 4. What no target could do anything about (no permission, no descriptors left) ends the run.
 */
export async function multiping(
  context: StrategyContext<MultipingItem>,
  hosts: readonly string[],
  settings: PingSettings,
  openTarget: (host: string) => Promise<Target>,
): Promise<MultipingResult> {
  const { clock, signal } = context;
  const completion = new Completion();
  const publisher = openPublisher(context, settings);
  const slots: Slot[] = hosts.map((host) => ({
    host,
    target: undefined,
    pinger: undefined,
    failure: undefined,
  }));
  let remaining = slots.length;
  const onDone = () => {
    remaining -= 1;
    if (remaining === 0) completion.finish();
  };
  const gapNs = Math.min(settings.intervalNs / slots.length, MAX_GAP_NS);
  const startNs = clock.monotonicNs();

  const begin = async (slot: Slot, index: number): Promise<void> => {
    try {
      slot.target = await openTarget(slot.host);
    } catch (error) {
      if (!concernsTarget(error)) throw error;
      slot.failure = { kind: "targetFailure", target: slot.host, error: error.code, message: error.message };
      const { failure } = slot;
      publisher.publish([], () => failure);
      onDone();
      return;
    }
    const { target } = slot;
    const pinger = new Pinger({ target, settings, clock, completion, publisher, onDone });
    slot.pinger = pinger;
    void sleepUntil(clock, startNs + index * gapNs, signal).then(() => {
      if (!signal.aborted) completion.guard(() => pinger.start());
    });
  };

  const stop = () => {
    for (const { pinger } of slots) pinger?.stop();
    completion.finish();
  };
  // At once: results that are being handed out now must reach nobody any more.
  const forgetAbort = onAbort(signal, stop);
  try {
    if (remaining === 0) completion.finish();
    const beginAll = async (entries: Iterable<[number, Slot]>) => {
      for (const [index, slot] of entries) {
        if (signal.aborted) return;
        await begin(slot, index);
      }
    };
    const entries = [...slots.entries()];
    const addresses = entries.filter(([, { host }]) => isAddress(host));
    const names = entries.filter(([, { host }]) => !isAddress(host)).values();
    const lookups = Array.from({ length: LOOKUPS }, () => beginAll(names));
    const begun = Promise.all([beginAll(addresses), ...lookups]);
    // A failure of the whole run surfaces at once; when the run ends otherwise, lookups under way no longer matter.
    begun.catch((error: unknown) => completion.fail(error));
    await completion.promise;
    await publisher.settled();
  } finally {
    forgetAbort();
    stop();
  }
  const targets = slots.map(targetResult);
  return { targets, [Symbol.iterator]: () => targets[Symbol.iterator]() };
}

function isAddress(host: string): boolean {
  return canonicalAddress(host) !== undefined;
}

function concernsTarget(error: unknown): error is IcmpxError {
  if (error instanceof RawSocketPermissionError) return false;
  return error instanceof ResolveError || (error instanceof SystemError && error.code === "EAFNOSUPPORT");
}

function targetResult({ host, target, pinger, failure }: Slot): MultipingTarget {
  const results = pinger?.results ?? [];
  return {
    target: host,
    resolved: target?.address ?? null,
    family: target?.family ?? null,
    statistics: (pinger?.statistics ?? new Statistics()).snapshot(),
    results,
    failure: failure ?? null,
    [Symbol.iterator]: () => results[Symbol.iterator](),
  };
}
