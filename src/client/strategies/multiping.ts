import {
  type IcmpxError,
  RawSocketPermissionError,
  ResolveError,
  RouteError,
  SystemError,
} from "../../errors.ts";
import { canonicalAddress } from "../../packet/address.ts";
import type {
  EchoResult,
  MultipingResult,
  MultipingTarget,
  TargetFailure,
  TargetStatistics,
} from "../results/results.ts";
import { Statistics } from "../results/statistics.ts";
import type { Destination } from "../run/destinations.ts";
import { heedGate } from "../run/gate.ts";
import type { PingSettings } from "../run/options.ts";
import {
  Completion,
  onAbort,
  openPublisher,
  type RunContext,
  repeatingPace,
} from "../run/run-context.ts";
import { NS_PER_MS } from "../time/clock.ts";
import { type Pace, tickingPace } from "../time/pace.ts";
import { Pinger, PingerGroup } from "./ping.ts";

/** The longest pause between the first probes of two neighbouring targets. */
const MAX_GAP_NS = 10 * NS_PER_MS;
/**
 * Targets closer together than the longest pause leave in groups of so many, 10 to 50 ms apart, or
 * a tenth of a short interval.
 */
const GROUP = 50;
const MIN_TICK_NS = 10 * NS_PER_MS;
const MAX_TICK_NS = 50 * NS_PER_MS;
const MIN_TICKS = 10;
/** Names that are looked up at a time. */
const LOOKUPS = 16;

/** An item of a multiping: what became of a probe, or a target that cannot be probed. */
export type MultipingItem = EchoResult | TargetFailure;

/** What stands in the result for one target. */
interface Slot {
  readonly host: string;
  target: Destination | undefined;
  pinger: Pinger | undefined;
  failure: TargetFailure | undefined;
}

/**
 * Pings many targets side by side, each by the rules of {@link Pinger}.
 *
 * 1. The first probes of the targets are spread over the interval, at most 10 ms apart, so that the
 *    replies do not come all at once. Each target then keeps its own beat. Of targets closer
 *    together than that, those that are due within the same 10 to 50 ms (the time of 50 probes, or
 *    a tenth of the interval if that is shorter) leave together, and answers are read when the next
 *    ones do; not those with more data than an Ethernet frame has room for.
 * 2. Names are looked up at most 16 at a time; a slow one delays nobody but, with 15 others as
 *    slow, the names that wait for their turn.
 * 3. A name that does not resolve, or an address that this host cannot probe at all, ends that
 *    target with its cause. A failed send is the result of that one probe: the route may be back
 *    for the next.
 * 4. What no target could do anything about (no permission, no descriptors left) ends the run.
 *    A socket that cannot be read any more ends its targets with the cause, and those of the other
 *    IP version go on. Where there are none, it ends the run.
 * 5. After a pause the targets are as far apart as before, so that probes do not leave as a burst.
 */
export async function multiping(
  context: RunContext<MultipingItem, readonly TargetStatistics[]>,
  hosts: readonly string[],
  settings: PingSettings,
  openTarget: (host: string) => Promise<Destination>,
): Promise<MultipingResult> {
  const { clock, gate, signal } = context;
  const completion = new Completion();
  const publisher = openPublisher(context, settings);
  const slots = hosts.map(emptySlot);
  context.showStatistics(() => slots.map(targetStatistics));
  let remaining = slots.length;
  const onDone = () => {
    remaining -= 1;
    if (remaining === 0) completion.finish();
  };
  const gapNs = Math.min(settings.intervalNs / slots.length, MAX_GAP_NS);
  const pace = paceOf(context, settings, gapNs);
  /** When the first target was ready: opening a socket and looking a name up take their time. */
  let startNs: number | undefined;

  const end = (slot: Slot, { code, message }: IcmpxError) => {
    const failure = { kind: "targetFailure", target: slot.host, error: code, message } as const;
    slot.failure = failure;
    publisher.publish([], () => failure);
    onDone();
  };
  /** Those whose socket cannot be read any more, in this task. */
  let broken: Slot[] = [];
  const onBroken = (slot: Slot, error: SystemError) => {
    slot.pinger?.stop();
    broken.push(slot);
    // All targets of a socket hear of it in one task.
    if (broken.length === 1) queueMicrotask(() => endBroken(error));
  };
  const endBroken = (error: SystemError) => {
    if (completion.isOver) return;
    const ended = new Set(broken);
    broken = [];
    const hasOthers =
      ended.size < remaining || slots.some((slot) => isProbed(slot) && !ended.has(slot));
    if (!hasOthers) completion.fail(error);
    else for (const slot of ended) end(slot, error);
  };

  const begin = async (slot: Slot, index: number): Promise<void> => {
    try {
      slot.target = await openTarget(slot.host);
    } catch (error) {
      if (!concernsTarget(error)) throw error;
      end(slot, error);
      return;
    }
    const { target } = slot;
    if (completion.isOver) return;
    slot.pinger = new Pinger({
      ...{ target, settings, clock, gate, ...pace, completion, publisher },
      onDone,
      onFailure: (error) => onBroken(slot, error),
    });
    startNs ??= clock.monotonicNs();
    slot.pinger.start(startNs + index * gapNs);
  };

  const group = new PingerGroup(clock, () =>
    slots.filter(isProbed).flatMap(({ pinger }) => pinger ?? []),
  );
  const forgetGate = heedGate(gate, {
    pause: () => group.pause(),
    resume: () => {
      const delayNs = group.resume();
      if (startNs === undefined || settings.intervalNs === 0) return;
      // Targets whose names are still being looked up have their turn in the interval that is on.
      startNs += delayNs;
      const intervals = Math.floor((clock.monotonicNs() - startNs) / settings.intervalNs);
      startNs += Math.max(0, intervals) * settings.intervalNs;
    },
  });
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
    // A failure of the whole run surfaces at once; when the run ends otherwise, lookups under way
    // no longer matter.
    begun.catch((error: unknown) => completion.fail(error));
    await completion.promise;
    await publisher.settled();
  } finally {
    forgetAbort();
    forgetGate();
    stop();
  }
  const targets = slots.map(targetResult);
  return { targets, [Symbol.iterator]: () => targets[Symbol.iterator]() };
}

/**
 * How the probes to neighbouring targets, `gapNs` apart, are sent: alone, or several in one turn of
 * the event loop.
 */
function paceOf(context: RunContext<MultipingItem>, settings: PingSettings, gapNs: number): Pace {
  const { intervalNs } = settings;
  const wantedNs = Math.min(Math.max(GROUP * gapNs, MIN_TICK_NS), MAX_TICK_NS);
  // A whole number of them, so that the beat of each target falls on the end of one.
  const tickNs = intervalNs / Math.max(MIN_TICKS, Math.ceil(intervalNs / wantedNs));
  const isCrowded = gapNs < Math.min(tickNs, MAX_GAP_NS);
  const { clock } = context;
  return repeatingPace(isCrowded ? { clock, pace: tickingPace(clock, tickNs) } : context, settings);
}

function emptySlot(host: string): Slot {
  return { host, target: undefined, pinger: undefined, failure: undefined };
}

/** The statistics of a multiping that has not begun. */
export function emptyMultiping(hosts: readonly string[]): readonly TargetStatistics[] {
  return hosts.map((host) => targetStatistics(emptySlot(host)));
}

/** Whether it has been probed, to the end so far. */
function isProbed({ pinger, failure }: Slot): boolean {
  return pinger !== undefined && failure === undefined;
}

function isAddress(host: string): boolean {
  return canonicalAddress(host) !== undefined;
}

function concernsTarget(error: unknown): error is IcmpxError {
  if (error instanceof RawSocketPermissionError) return false;
  if (error instanceof ResolveError || error instanceof RouteError) return true;
  return error instanceof SystemError && error.code === "EAFNOSUPPORT";
}

function targetResult(slot: Slot): MultipingTarget {
  const results = slot.pinger?.results ?? [];
  return {
    ...targetStatistics(slot),
    results,
    [Symbol.iterator]: () => results[Symbol.iterator](),
  };
}

function targetStatistics({ host, target, pinger, failure }: Slot): TargetStatistics {
  return {
    target: host,
    resolved: target?.address ?? null,
    family: target?.family ?? null,
    statistics: (pinger?.statistics ?? new Statistics()).snapshot(),
    duration: pinger?.duration ?? 0,
    failure: failure ?? null,
  };
}
