import { addressFamily, canonicalAddress, type Family } from "../../packet/address.ts";
import type { EchoIcmpErrorResult, EchoResult } from "../results/results.ts";
import { NS_PER_MS } from "../time/clock.ts";
import type { Privileged } from "../transport/open.ts";
import {
  abortSignal,
  address,
  between,
  bytesOrText,
  type Check,
  callable,
  check,
  integer,
  interfaceName,
  MAX_SIZE,
  oneOf,
  shown,
} from "./checks.ts";

/** Defaults of the options. Times are in milliseconds. */
export const DEFAULTS = {
  timeout: 1000,
  ttl: 64,
  size: 56,
  count: 4,
  interval: 1000,
  maxHops: 30,
  firstTtl: 1,
  probes: 3,
  concurrency: 100,
  gapLimit: 10,
  slack: 0,
} as const;

/** How probes are sent, common to all measurements and to the defaults of a client. */
export interface SendOptions {
  /** How long to wait for an answer to each probe, in milliseconds, more than 0. Default 1000. */
  readonly timeout?: number | undefined;
  /** Which kind of address to use for a name. By default the system's first choice (RFC 6724). */
  readonly family?: Family | undefined;
  /** Interface to send by, as a name or an index. */
  readonly interface?: string | number | undefined;
  /** Differentiated services code point (RFC 2474), 0 to 63. The ECN bits beside it are 0. */
  readonly dscp?: number | undefined;
  /**
   * The whole type of service byte (IPv6: traffic class), 0 to 255: the code point, and in the
   * lowest two bits ECN (RFC 3168). In place of `dscp`.
   */
  readonly tos?: number | undefined;
  /**
   * true: set DF, and let a packet that is too big come back as an ICMP error or fail with
   * EMSGSIZE. false: allow fragments. By default the kernel decides by its path MTU discovery
   * (ip(7) IP_MTU_DISCOVER).
   */
  readonly dontFragment?: boolean | undefined;
  /**
   * Firewall mark (SO_MARK, socket(7)), 0 to 4294967295. Needs CAP_NET_ADMIN, or CAP_NET_RAW since
   * Linux 5.17.
   */
  readonly mark?: number | undefined;
  /**
   * true: raw sockets only (CAP_NET_RAW). false: datagram sockets only (net.ipv4.ping_group_range).
   * "auto", the default: raw if permitted, else datagram.
   */
  readonly privileged?: Privileged | undefined;
}

/** Options of a {@link Client}: the defaults of everything it sends. */
export interface ClientOptions extends SendOptions {
  /** Source address of the targets of its family. By default the kernel chooses. */
  readonly bindAddr?: string | undefined;
  /** TTL, or hop limit, of `probe`, `ping` and `multiping`, 1 to 255. Default 64. */
  readonly defaultTtl?: number | undefined;
  /**
   * Whether to look up the names of those who answer, where `resolveDns` does not say. Default
   * false.
   */
  readonly resolveDnsDefault?: boolean | undefined;
  /**
   * How late the probes of `ping`, `multiping` and `mtr` may leave, in milliseconds, so that those
   * of several runs leave together; their results are handed out up to twice as late. The process
   * is woken up more rarely, which is much of what several runs of short intervals cost. RTTs do
   * not change, being the kernel's. The first probe of a run, runs with interval 0 or more than
   * 1,472 bytes, `probe` and `traceroute` do not wait. 0 to 100, default 0. (The kernel's word for
   * it: prctl(2) PR_SET_TIMERSLACK.)
   */
  readonly slack?: number | undefined;
}

/** Options that every measurement takes. */
export interface CommonOptions extends SendOptions {
  /**
   * Source address, one of this host's. By default the client's `bindAddr`, else the kernel
   * chooses.
   */
  readonly source?: string | undefined;
  /**
   * Bytes of ICMP data, 0 to 65507. Default 56. Below 14 there is no room to recognise answers by
   * more than their header.
   */
  readonly size?: number | undefined;
  /** The same as `size`. */
  readonly payloadSize?: number | undefined;
  /** The ICMP data to send, instead of `size` bytes of our own. Text is sent as UTF-8. */
  readonly payload?: Uint8Array | string | undefined;
  /** Whether to look up the names of those who answer (reverse DNS). No probe ever waits for it. */
  readonly resolveDns?: boolean | undefined;
  /** Stops the run when aborted; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the result of each probe the moment it is known, late ones and duplicates included.
   * Names are not looked up yet.
   */
  readonly onResult?: ((result: EchoResult) => void) | undefined;
}

/** Options of `Client.probe`. */
export interface ProbeOptions extends CommonOptions {
  /** TTL or hop limit, 1 to 255. Default: the client's `defaultTtl`. */
  readonly ttl?: number | undefined;
}

/** Options of `Client.ping` and `Client.multiping`. */
export interface PingOptions extends ProbeOptions {
  /** How many probes to send to each target: a positive integer, or Infinity. Default 4. */
  readonly count?: number | undefined;
  /**
   * Milliseconds from one probe to the next to the same target. Default 1000. 0: as soon as the one
   * before is decided.
   */
  readonly interval?: number | undefined;
}

/** Options of measurements of a path. */
interface PathOptions extends CommonOptions {
  /**
   * Called at once with an `unverified` error that a probe may have to be content with: see
   * {@link EchoIcmpErrorResult}. Its probe goes on waiting, and `onResult` hears of the final
   * result, which may be this one, at the timeout at the latest. Good for showing a hop without
   * waiting. Names are not looked up yet.
   */
  readonly onProvisional?: ((result: EchoIcmpErrorResult) => void) | undefined;
}

/** Options of `Client.traceroute`. */
export interface TracerouteOptions extends PathOptions {
  /** TTL of the last hop to try, 1 to 255. Default 30. */
  readonly maxHops?: number | undefined;
  /** TTL of the first hop, 1 to `maxHops`. Default 1. */
  readonly firstTtl?: number | undefined;
  /** Probes per hop, 1 to 1000. Default 3. */
  readonly probes?: number | undefined;
  /**
   * Probes in flight at most, 1 to 10000. It begins with 16 and comes to more as answers do.
   * Default 100.
   */
  readonly concurrency?: number | undefined;
  /** How many silent hops in a row end the trace: a positive integer, or Infinity. Default 10. */
  readonly gapLimit?: number | undefined;
}

/** Options of `Client.mtr`. */
export interface MtrOptions extends PathOptions {
  /** How many rounds: a positive integer, or Infinity, the default. */
  readonly count?: number | undefined;
  /**
   * Milliseconds from one round to the next. Default 1000. 0: as soon as the one before is decided.
   */
  readonly interval?: number | undefined;
  /** TTL of the last hop to try, 1 to 255. Default 30. */
  readonly maxHops?: number | undefined;
  /** TTL of the first hop, 1 to `maxHops`. Default 1. */
  readonly firstTtl?: number | undefined;
  /**
   * How many silent hops to probe beyond the last that answers, while the target has not: a
   * positive integer, or Infinity. Default 10.
   */
  readonly gapLimit?: number | undefined;
}

/** The checked options that every measurement has, with the defaults filled in. */
export interface CommonSettings {
  readonly timeoutNs: number;
  readonly ttl: number;
  readonly content: number | Uint8Array;
  readonly family: Family | undefined;
  readonly source: string | undefined;
  readonly interface: string | number | undefined;
  readonly tos: number;
  readonly dontFragment: boolean | undefined;
  readonly mark: number;
  readonly privileged: Privileged;
  readonly resolveDns: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onResult: ((result: EchoResult) => void) | undefined;
}

export interface PingSettings extends CommonSettings {
  readonly count: number;
  readonly intervalNs: number;
}

interface PathSettings extends CommonSettings {
  readonly maxHops: number;
  readonly firstTtl: number;
  readonly gapLimit: number;
  readonly onProvisional: PathOptions["onProvisional"];
}

export interface TracerouteSettings extends PathSettings {
  readonly probes: number;
  readonly concurrency: number;
}

export interface MtrSettings extends PathSettings {
  readonly count: number;
  readonly intervalNs: number;
}

/** Where the DSCP begins in the type of service byte (RFC 2474 section 3). */
const DSCP_SHIFT = 2;
/** The longest delay that timers hold (2^31 - 1 ms). */
const MAX_MS = 2_147_483_647;

/** The checks of {@link SendOptions}. */
export const SEND_CHECKS: Readonly<Record<keyof SendOptions, Check>> = {
  timeout: between(0, MAX_MS, { aboveLowest: true, unit: "ms" }),
  family: oneOf(4, 6),
  interface: interfaceName,
  dscp: integer(0, 63),
  tos: integer(0, 255),
  dontFragment: oneOf(true, false),
  mark: integer(0, 2 ** 32 - 1),
  privileged: oneOf("auto", true, false),
};

const CLIENT_CHECKS = {
  ...SEND_CHECKS,
  bindAddr: address,
  defaultTtl: integer(1, 255),
  resolveDnsDefault: oneOf(true, false),
  slack: between(0, 100, { unit: "ms" }),
} satisfies Record<keyof ClientOptions, Check>;

const COMMON_CHECKS = {
  ...SEND_CHECKS,
  source: address,
  size: integer(0, MAX_SIZE),
  payloadSize: integer(0, MAX_SIZE),
  payload: bytesOrText,
  resolveDns: oneOf(true, false),
  signal: abortSignal,
  onResult: callable,
} satisfies Record<keyof CommonOptions, Check>;

const PROBE_CHECKS = { ...COMMON_CHECKS, ttl: integer(1, 255) } satisfies Record<
  keyof ProbeOptions,
  Check
>;

const PING_CHECKS = {
  ...PROBE_CHECKS,
  count: integer(1, Number.POSITIVE_INFINITY),
  interval: between(0, MAX_MS, { unit: "ms" }),
} satisfies Record<keyof PingOptions, Check>;

const HOP_CHECKS = {
  ...COMMON_CHECKS,
  onProvisional: callable,
  maxHops: integer(1, 255),
  firstTtl: integer(1, 255),
  gapLimit: integer(1, Number.POSITIVE_INFINITY),
};

const TRACEROUTE_CHECKS = {
  ...HOP_CHECKS,
  probes: integer(1, 1000),
  concurrency: integer(1, 10_000),
} satisfies Record<keyof TracerouteOptions, Check>;

const MTR_CHECKS = {
  ...HOP_CHECKS,
  count: integer(1, Number.POSITIVE_INFINITY),
  interval: between(0, MAX_MS, { unit: "ms" }),
} satisfies Record<keyof MtrOptions, Check>;

/** @throws {TypeError | RangeError} naming the option and what it may be. */
export function checkClientOptions(options: ClientOptions): void {
  check("new Client()", options, CLIENT_CHECKS);
  tosOf(options);
}

/** @throws {TypeError | RangeError} naming the option and what it may be. */
export function probeSettings(defaults: ClientOptions, options: ProbeOptions): CommonSettings {
  check("probe()", options, PROBE_CHECKS);
  return commonSettings(defaults, options);
}

/** @throws {TypeError | RangeError} naming the option and what it may be. */
export function pingSettings(
  method: string,
  defaults: ClientOptions,
  options: PingOptions,
): PingSettings {
  check(method, options, PING_CHECKS);
  return {
    ...commonSettings(defaults, options),
    count: options.count ?? DEFAULTS.count,
    intervalNs: (options.interval ?? DEFAULTS.interval) * NS_PER_MS,
  };
}

/** @throws {TypeError | RangeError} naming the option and what it may be. */
export function tracerouteSettings(
  defaults: ClientOptions,
  options: TracerouteOptions,
): TracerouteSettings {
  check("traceroute()", options, TRACEROUTE_CHECKS);
  return {
    ...commonSettings(defaults, options),
    ...hopSettings(options),
    probes: options.probes ?? DEFAULTS.probes,
    concurrency: options.concurrency ?? DEFAULTS.concurrency,
  };
}

/** @throws {TypeError | RangeError} naming the option and what it may be. */
export function mtrSettings(defaults: ClientOptions, options: MtrOptions): MtrSettings {
  check("mtr()", options, MTR_CHECKS);
  return {
    ...commonSettings(defaults, options),
    ...hopSettings(options),
    count: options.count ?? Number.POSITIVE_INFINITY,
    intervalNs: (options.interval ?? DEFAULTS.interval) * NS_PER_MS,
  };
}

/** @throws {TypeError} naming the option and what it may be. */
export function checkResolveOptions(options: { readonly family?: Family | undefined }): void {
  check("resolveHost()", options, { family: SEND_CHECKS.family });
}

/** @throws {TypeError} unless it is a non-empty string. */
export function checkTarget(target: unknown): asserts target is string {
  if (typeof target !== "string" || target === "") {
    throw new TypeError(`Invalid target ${shown(target)}: need a host name or an IP address`);
  }
}

/**
 * The targets of a run with several.
 *
 * @throws {TypeError} for what is no iterable of texts, and for an empty text among them
 */
export function targetList(targets: Iterable<string>): readonly string[] {
  // A text is an iterable, too: of its letters.
  if (typeof targets === "string" || typeof targets?.[Symbol.iterator] !== "function") {
    throw new TypeError(
      `Invalid targets ${JSON.stringify(targets)}: need an iterable of host names or IP addresses`,
    );
  }
  const hosts = [...targets];
  for (const host of hosts) checkTarget(host);
  return hosts;
}

function commonSettings(defaults: ClientOptions, options: ProbeOptions): CommonSettings {
  const { size, payloadSize, payload, source } = options;
  if (size !== undefined && payloadSize !== undefined && size !== payloadSize) {
    throw new TypeError(
      `Options "size" (${size}) and "payloadSize" (${payloadSize}) differ: they are the same thing`,
    );
  }
  if (payload !== undefined && (size ?? payloadSize) !== undefined) {
    throw new TypeError(
      'Options "payload" and "size" exclude each other: a payload has its own size',
    );
  }
  const family = options.family ?? defaults.family;
  if (source !== undefined && family !== undefined && addressFamily(source) !== family) {
    throw new TypeError(
      `Option "source" (${source}) is not an IPv${family} address, as "family" wants`,
    );
  }
  const dontFragment = options.dontFragment ?? defaults.dontFragment;
  return {
    timeoutNs: (options.timeout ?? defaults.timeout ?? DEFAULTS.timeout) * NS_PER_MS,
    ttl: options.ttl ?? defaults.defaultTtl ?? DEFAULTS.ttl,
    content: contentOf(payload) ?? size ?? payloadSize ?? DEFAULTS.size,
    family: family ?? (source === undefined ? undefined : addressFamily(source)),
    source: source === undefined ? undefined : canonicalAddress(source),
    interface: options.interface ?? defaults.interface,
    tos: tosOf(options) ?? tosOf(defaults) ?? 0,
    dontFragment,
    mark: options.mark ?? defaults.mark ?? 0,
    privileged: options.privileged ?? defaults.privileged ?? "auto",
    resolveDns: options.resolveDns ?? defaults.resolveDnsDefault ?? false,
    signal: options.signal,
    onResult: options.onResult,
  };
}

/** @throws {TypeError} when both options that set it are given. */
export function tosOf({ dscp, tos }: SendOptions): number | undefined {
  if (dscp === undefined) return tos;
  if (tos !== undefined)
    throw new TypeError('Options "tos" and "dscp" exclude each other: "tos" is the whole byte');
  return dscp << DSCP_SHIFT;
}

function contentOf(payload: Uint8Array | string | undefined): Uint8Array | undefined {
  return typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
}

function hopSettings(options: TracerouteOptions | MtrOptions) {
  const maxHops = options.maxHops ?? DEFAULTS.maxHops;
  const firstTtl = options.firstTtl ?? DEFAULTS.firstTtl;
  if (firstTtl > maxHops) {
    throw new RangeError(
      `Option "firstTtl" is ${firstTtl}: it must not exceed "maxHops" (${maxHops})`,
    );
  }
  const { gapLimit = DEFAULTS.gapLimit, onProvisional } = options;
  return { maxHops, firstTtl, gapLimit, onProvisional };
}
