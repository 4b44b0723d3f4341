import { addressFamily, canonicalAddress, type Family } from "../../packet/address.ts";
import { abortSignal, address, between, type Check, check, integer, oneOf } from "../run/checks.ts";
import {
  type ClientOptions,
  DEFAULTS,
  SEND_CHECKS,
  type SendOptions,
  tosOf,
} from "../run/options.ts";
import { NS_PER_MS } from "../time/clock.ts";
import type { Privileged } from "../transport/open.ts";
import { IDENTITY_LENGTH } from "../transport/sweep-probe.ts";
import { MAX_ATTEMPTS } from "./in-flight.ts";
import type { TargetOrder } from "./targets/target-stream.ts";

/** Options of `Client.sweep`. */
export interface SweepOptions extends SendOptions {
  /** Yield every host and invalid target, not only the hosts that answered. Default false. */
  readonly all?: boolean | undefined;
  /**
   * Packets a second, retries included: a number above 0, or Infinity for as fast as the kernel
   * takes them. Default 10000. No more than 5 ms of it leave at once. When answers come faster than
   * they can be read, it is lowered for a while.
   */
  readonly rate?: number | undefined;
  /**
   * How many more probes a silent host gets, 0 to 15. Each waits 1.5 times as long as the one
   * before. Default 1.
   */
  readonly retries?: number | undefined;
  /**
   * `"sequential"`: as given, the default. `"random"`: in an order that leads from one network to
   * another all the time, each address of a text or an array once. Any other iterable is read as it
   * is needed, so what it repeats is repeated, and its texts are shuffled some thousands at a time.
   */
  readonly order?: TargetOrder | undefined;
  /** Makes the random order the same each time: an integer from 0 to 2^53 - 1. */
  readonly seed?: number | undefined;
  /**
   * Addresses, networks (network and broadcast address included) and ranges that are not to be
   * probed.
   */
  readonly exclude?: Iterable<string> | undefined;
  /** TTL or hop limit, 1 to 255. Default: the client's `defaultTtl`. */
  readonly ttl?: number | undefined;
  /** Bytes of ICMP data, 16 to 65507: answers are recognised by the first 16. Default 56. */
  readonly size?: number | undefined;
  /**
   * Source address, one of this host's. By default the client's `bindAddr`, else the kernel
   * chooses.
   */
  readonly source?: string | undefined;
  /** Stops the sweep when aborted; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The checked options of a sweep, with the defaults filled in. */
export interface SweepSettings {
  readonly all: boolean;
  readonly rate: number;
  /** How long each attempt waits; as many as there are attempts. */
  readonly timeoutsNs: readonly number[];
  readonly order: TargetOrder;
  readonly seed: number | undefined;
  readonly exclude: Iterable<string> | undefined;
  readonly ttl: number;
  readonly size: number;
  readonly family: Family | undefined;
  /** The source of each family, where one is asked for. */
  readonly sources: Readonly<Partial<Record<Family, string>>>;
  readonly interface: string | number | undefined;
  readonly tos: number;
  readonly dontFragment: boolean | undefined;
  readonly mark: number;
  readonly privileged: Privileged;
  readonly signal: AbortSignal | undefined;
}

const SWEEP_DEFAULTS = { rate: 10_000, retries: 1 } as const;
const BACK_OFF = 1.5;
const MAX_SIZE = 65_507;

const SWEEP_CHECKS = {
  ...SEND_CHECKS,
  all: oneOf(true, false),
  rate: between(0, Number.POSITIVE_INFINITY, { aboveLowest: true, unit: "packets a second" }),
  retries: integer(0, MAX_ATTEMPTS - 1),
  order: oneOf("sequential", "random"),
  seed: integer(0, Number.MAX_SAFE_INTEGER),
  // The stream of the targets checks them, and says which one is wrong.
  exclude: () => {},
  ttl: integer(1, 255),
  size: integer(IDENTITY_LENGTH, MAX_SIZE),
  source: address,
  signal: abortSignal,
} satisfies Record<keyof SweepOptions, Check>;

/** @throws {TypeError | RangeError} naming the option and what it may be. */
export function sweepSettings(defaults: ClientOptions, options: SweepOptions): SweepSettings {
  check("sweep()", options, SWEEP_CHECKS);
  const { source, retries = SWEEP_DEFAULTS.retries } = options;
  const family = options.family ?? defaults.family;
  if (source !== undefined && family !== undefined && addressFamily(source) !== family) {
    throw new TypeError(
      `Option "source" (${source}) is not an IPv${family} address, as "family" wants`,
    );
  }
  const timeoutNs = (options.timeout ?? defaults.timeout ?? DEFAULTS.timeout) * NS_PER_MS;
  return {
    all: options.all ?? false,
    rate: options.rate ?? SWEEP_DEFAULTS.rate,
    timeoutsNs: Array.from(
      { length: retries + 1 },
      (_, attempt) => timeoutNs * BACK_OFF ** attempt,
    ),
    order: options.order ?? "sequential",
    seed: options.seed,
    exclude: options.exclude,
    ttl: options.ttl ?? defaults.defaultTtl ?? DEFAULTS.ttl,
    size: options.size ?? DEFAULTS.size,
    family: family ?? (source === undefined ? undefined : addressFamily(source)),
    sources: { ...sourceOf(defaults.bindAddr), ...sourceOf(source) },
    interface: options.interface ?? defaults.interface,
    tos: tosOf(options) ?? tosOf(defaults) ?? 0,
    dontFragment: options.dontFragment ?? defaults.dontFragment,
    mark: options.mark ?? defaults.mark ?? 0,
    privileged: options.privileged ?? defaults.privileged ?? "auto",
    signal: options.signal,
  };
}

function sourceOf(source: string | undefined): Partial<Record<Family, string>> {
  const canonical = source === undefined ? undefined : canonicalAddress(source);
  if (canonical === undefined) return {};
  return { [addressFamily(canonical) as Family]: canonical };
}
