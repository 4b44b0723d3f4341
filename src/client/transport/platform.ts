import { Libc } from "../../ffi/libc.ts";
import { openReactor, type Reactor } from "../../ffi/reactor.ts";
import { openLibc } from "../../ffi/symbols.ts";
import { Resolver, type ResolverClock } from "../names/resolver.ts";
import { ReverseLookup } from "../names/reverse-lookup.ts";
import { type Clock, NS_PER_MS } from "../time/clock.ts";
import { Turns } from "../time/turns.ts";
import { type ProcessFacts, readProcessFacts } from "./process-facts.ts";
import { ReceiveStamps } from "./receive-stamps.ts";
import { SystemDns } from "./system-dns.ts";

/**
 * Everything outside that a client uses, and its only source of libc, clocks, names and chance.
 * Tests put fakes here.
 */
export interface Platform {
  readonly libc: Libc;
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly stamps: ReceiveStamps;
  readonly resolver: Resolver;
  /** What the kernel says of this process. */
  readonly processFacts: () => ProcessFacts;
  /** Fills `bytes` with random ones and returns it. */
  random(bytes: Uint8Array): Uint8Array;
}

/** The parts of a platform that a test replaces. */
export interface PlatformParts {
  readonly libc: Libc;
  readonly reactor: Reactor;
  readonly schedule: Clock["schedule"];
  /** Blocks for a moment. */
  readonly pause?: () => void;
  readonly resolver?: Resolver;
  readonly processFacts?: () => ProcessFacts;
  readonly random?: (bytes: Uint8Array) => Uint8Array;
}

export function assemblePlatform(parts: PlatformParts): Platform {
  const { libc, reactor, schedule } = parts;
  const clock: Clock = {
    epochMs: libc.epochSeconds * 1000,
    monotonicNs: () => libc.monotonicNs(),
    realtimeNs: () => libc.realtimeNs(),
    schedule,
  };
  return {
    libc,
    reactor,
    clock,
    stamps: new ReceiveStamps(libc, clock, parts.pause),
    resolver: parts.resolver ?? systemResolver(),
    processFacts: parts.processFacts ?? readProcessFacts,
    random: parts.random ?? systemRandom,
  };
}

/** The clock of resolvers: its timers keep no process alive. */
export const RESOLVER_CLOCK: ResolverClock = {
  monotonicNs: () => performance.now() * NS_PER_MS,
  schedule: (delayNs, callback) => {
    const timer = setTimeout(callback, delayNs / NS_PER_MS);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

let reverseLookup: ReverseLookup | undefined;
let resolver: Resolver | undefined;
let system: Platform | undefined;

/** Fills `bytes` with random ones and returns it. */
export function systemRandom(bytes: Uint8Array): Uint8Array {
  return crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
}

/**
 * This process's resolver, with one cache of names. Unlike the rest of the platform, it works off
 * Linux.
 */
export function systemResolver(): Resolver {
  resolver ??= new Resolver(
    new SystemDns({
      clock: { monotonicNs: RESOLVER_CLOCK.monotonicNs, schedule: scheduleTimer },
      idleClock: RESOLVER_CLOCK,
      reverse: nameOf,
    }),
    RESOLVER_CLOCK,
  );
  return resolver;
}

function nameOf(address: string, timeoutNs: number): Promise<string | null> {
  reverseLookup ??= new ReverseLookup({ random: systemRandom });
  return reverseLookup.nameOf(address, timeoutNs);
}

/**
 * This process's platform, made on first use. All clients of a thread share it: one listener for
 * readiness, one pair of arenas for messages, one cache of names.
 *
 * @throws {UnsupportedPlatformError} off Linux.
 */
export function systemPlatform(): Platform {
  if (system === undefined) {
    const libc = new Libc(openLibc());
    system = assemblePlatform({
      libc,
      reactor: openReactor(libc),
      schedule: scheduleTimer,
      resolver: systemResolver(),
    });
  }
  return system;
}

const turns = new Turns(() => performance.now());

function scheduleTimer(delayNs: number, callback: () => void): () => void {
  // A timer of 0 ms waits for 1 ms. What is due now has a turn of the event loop after everybody
  // who waits has had one.
  if (delayNs <= 0) return turns.schedule(callback);
  const timer = setTimeout(callback, Math.ceil(delayNs / NS_PER_MS));
  return () => clearTimeout(timer);
}
