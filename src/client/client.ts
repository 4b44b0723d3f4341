import { ClientClosedError, UnsupportedPlatformError } from "../errors.ts";
import { canonicalAddress, type Family } from "../packet/address.ts";
import type { Resolver } from "./names/resolver.ts";
import type { ClientCounters } from "./results/counters.ts";
import type {
  EchoResult,
  MtrResult,
  MtrRound,
  MtrStatistics,
  MultipingResult,
  PathStatistics,
  PingResult,
  TargetStatistics,
  TracerouteEntry,
  TracerouteResult,
} from "./results/results.ts";
import { Statistics, type StatisticsSnapshot } from "./results/statistics.ts";
import { Destinations } from "./run/destinations.ts";
import { addressOf, held, Lookups, nameOf } from "./run/lookups.ts";
import { failMeasurement, Measurement } from "./run/measurement.ts";
import {
  type ClientOptions,
  type CommonSettings,
  checkClientOptions,
  checkResolveOptions,
  checkTarget,
  DEFAULTS,
  type MtrOptions,
  mtrSettings,
  type PingOptions,
  type ProbeOptions,
  pingSettings,
  probeSettings,
  type TracerouteOptions,
  targetList,
  tracerouteSettings,
} from "./run/options.ts";
import type { RunContext, RunServices } from "./run/run-context.ts";
import { emptyPath } from "./strategies/hop-record.ts";
import { emptyMtr, mtr } from "./strategies/mtr.ts";
import { emptyMultiping, type MultipingItem, multiping } from "./strategies/multiping.ts";
import { ping, probe } from "./strategies/ping.ts";
import { traceroute } from "./strategies/traceroute.ts";
import { openSweep } from "./sweep/open-sweep.ts";
import { type SweepOptions, sweepSettings } from "./sweep/sweep-options.ts";
import {
  NOT_BEGUN,
  type SweepItem,
  SweepMeasurement,
  type SweepReply,
} from "./sweep/sweep-results.ts";
import { SweepZone } from "./sweep/targets/sweep-zone.ts";
import { TargetStream, type Targets } from "./sweep/targets/target-stream.ts";
import { NS_PER_MS } from "./time/clock.ts";
import { type Pace, promptPace, tickingPace } from "./time/pace.ts";
import type { SocketCapabilities } from "./transport/capabilities.ts";
import {
  diagnosePermission,
  type PermissionDiagnosis,
  unsupportedDiagnosis,
} from "./transport/permission.ts";
import {
  type Platform,
  systemPlatform,
  systemRandom,
  systemResolver,
} from "./transport/platform.ts";
import { readProcessFacts } from "./transport/process-facts.ts";

/** What the runs of all methods but `sweep` have of their own. */
interface RunOptions<Live> {
  readonly endless: boolean;
  readonly settings: CommonSettings;
  /** Statistics of a run that has not begun. */
  readonly statistics: () => Live;
}

/**
 * Sends ICMP probes and tells what became of them. Sockets open on first use, one for each family
 * and value of `privileged` (and for each source of IPv6 datagrams), and are shared by everything
 * the client does at once. It keeps the process alive only while something is in flight or due.
 *
 * Close it with `using`, `await using` or `close()`; until then its sockets stay open. (Also in a
 * Worker before `terminate()`, which leaves the descriptors of its thread open.)
 *
 * @example
 * ```ts
 * import { Client, isDecisive } from "icmpx";
 *
 * using client = new Client({ timeout: 1500 });
 * const results = await client.ping("127.0.0.1", { count: 3 });
 * for (const result of results) {
 *   if (!isDecisive(result)) continue;
 *   if (result.error) console.log(`${result.request.addr}: ${result.error}`);
 *   else console.log(`reply from ${result.reply.addr} in ${result.rtt.toFixed(2)} ms`);
 * }
 * ```
 */
export class Client {
  readonly #options: ClientOptions;
  readonly #givenPlatform: Platform | undefined;
  readonly #destinations: Destinations;
  readonly #running = new Set<Measurement<unknown, unknown>>();
  readonly #lookups = new Lookups();
  /** That of all runs, so that their probes leave together. */
  #pace: Pace | undefined;
  #isClosed = false;

  /**
   * Opens nothing yet.
   *
   * @param options defaults of everything the client sends
   * @param platform what stands for libc, time and names in tests; by default this process's own
   * @throws {TypeError | RangeError} for a wrong option, naming it and what it may be
   */
  constructor(options: ClientOptions = {}, platform?: Platform) {
    checkClientOptions(options);
    this.#options = { ...options };
    this.#givenPlatform = platform;
    this.#destinations = new Destinations(() => this.#platform, options.bindAddr);
  }

  /**
   * Whether `addr` is the text of an IP address: a strict dotted quad, or IPv6 as RFC 4291 has it,
   * zone allowed.
   */
  static validIp(addr: string): boolean {
    return typeof addr === "string" && canonicalAddress(addr) !== undefined;
  }

  /**
   * Resolves a name to an address, in canonical text. An address resolves to itself.
   *
   * @throws {ResolveError} when it has none of the wanted family, or the lookup failed; `cause`
   * tells why
   * @throws {TypeError} for a wrong host or option
   */
  static async resolveHost(
    host: string,
    options: { readonly family?: Family | undefined } = {},
  ): Promise<string> {
    return addressOf(systemResolver(), host, options);
  }

  /**
   * The name of an address, from /etc/hosts or else DNS: null when it has none, and when no name
   * server told in 5 seconds. Names are cached.
   *
   * @throws {TypeError} when `addr` is not an IP address
   */
  static async reverseDns(addr: string): Promise<string | null> {
    return held(nameOf(systemResolver(), addr));
  }

  /**
   * As the static {@link Client.resolveHost}, with this client's `family` for a default.
   *
   * @throws {ClientClosedError} when the client is closed, or is before there is an answer
   */
  async resolveHost(
    host: string,
    options: { readonly family?: Family | undefined } = {},
  ): Promise<string> {
    checkResolveOptions(options);
    const family = options.family ?? this.#options.family;
    return this.#lookups.await((signal) => addressOf(this.#resolver, host, { family }, signal));
  }

  /**
   * As the static {@link Client.reverseDns}.
   *
   * @throws {ClientClosedError} when the client is closed, or is before there is an answer
   */
  async reverseDns(addr: string): Promise<string | null> {
    return this.#lookups.await(() => nameOf(this.#resolver, addr));
  }

  /**
   * What the sockets opened so far can do on this system, one entry for each kind: probes or sweep,
   * IPv4 or IPv6, raw or datagram. Empty before the first run. It is plain data, and a copy.
   */
  get capabilities(): readonly SocketCapabilities[] {
    return this.#destinations.capabilities;
  }

  /**
   * What arrived at all sockets so far and became no result, those of closed ones and of sweeps
   * included. A copy.
   */
  get counters(): ClientCounters {
    return { ...this.#destinations.counters };
  }

  /**
   * Finds out by trying which kinds of ICMP socket this process may open, and what would allow the
   * others: the remedies that can work for this process, the narrowest first. Sends nothing, and
   * throws nothing off Linux.
   */
  diagnosePermission(): PermissionDiagnosis {
    let platform: Platform;
    try {
      platform = this.#platform;
    } catch (error) {
      if (error instanceof UnsupportedPlatformError)
        return unsupportedDiagnosis(error, readProcessFacts());
      throw error;
    }
    return diagnosePermission(platform);
  }

  /**
   * Sends one echo request and tells what became of it. Timeouts, ICMP errors and refused sends are
   * results, too.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   *
   * The run rejects with `ResolveError`, `RouteError`, `RawSocketPermissionError`,
   * `UnsupportedPlatformError`, a `SystemError` of opening the socket, `RangeError` for an
   * interface that this host does not have, `ClientClosedError`, or the reason of the aborted
   * signal; so do those of the other methods.
   */
  probe(
    target: string,
    options: ProbeOptions = {},
  ): Measurement<EchoResult, EchoResult, StatisticsSnapshot> {
    checkTarget(target);
    const settings = probeSettings(this.#options, options);
    return this.#measure(
      "probe",
      { endless: false, settings, statistics: noProbes },
      async (context) => {
        const result = await probe(
          context,
          await this.#destinations.open(target, settings, context.signal),
          settings,
        );
        if (result === undefined) throw context.signal.reason;
        return result;
      },
    );
  }

  /**
   * Sends `count` echo requests, one each `interval`. Iterating gives each result as it becomes
   * known.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  ping(
    target: string,
    options: PingOptions = {},
  ): Measurement<EchoResult, PingResult, StatisticsSnapshot> {
    checkTarget(target);
    const settings = pingSettings("ping()", this.#options, options);
    const endless = settings.count === Number.POSITIVE_INFINITY;
    return this.#measure("ping", { endless, settings, statistics: noProbes }, async (context) =>
      ping(context, await this.#destinations.open(target, settings, context.signal), settings),
    );
  }

  /**
   * Pings many targets side by side, on one socket per family (raw IPv4: two), and further ones
   * while silent neighbours fill its send buffer. Iterating gives results of all targets as they
   * become known, and a {@link TargetFailure} for each target that cannot be probed at all, or any
   * more.
   *
   * The targets are spread over the interval, so that their answers do not come all at once: their
   * first probes leave 10 ms apart, or if there are more in groups of 50, 10 to 50 ms apart (a
   * tenth of the interval at most; not with over 1,472 bytes). Each target keeps its beat. Answers
   * to a group are read when the next one leaves, or after twice that time; their times are the
   * kernel's.
   *
   * @param targets host names or IP addresses, as many as you like; repeated ones are separate
   * targets
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  multiping(
    targets: Iterable<string>,
    options: PingOptions = {},
  ): Measurement<MultipingItem, MultipingResult, readonly TargetStatistics[]> {
    const hosts = targetList(targets);
    const settings = pingSettings("multiping()", this.#options, options);
    const endless = settings.count === Number.POSITIVE_INFINITY && hosts.length > 0;
    const statistics = () => emptyMultiping(hosts);
    return this.#measure("multiping", { endless, settings, statistics }, (context) =>
      multiping(context, hosts, settings, (host) =>
        this.#destinations.open(host, settings, context.signal),
      ),
    );
  }

  /**
   * Finds the routers on the way to a target. Iterating gives each hop, in order, when all of its
   * probes are decided.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  traceroute(
    target: string,
    options: TracerouteOptions = {},
  ): Measurement<TracerouteEntry, TracerouteResult, PathStatistics> {
    checkTarget(target);
    const settings = tracerouteSettings(this.#options, options);
    const statistics = () => emptyPath(target);
    return this.#measure("traceroute", { endless: false, settings, statistics }, async (context) =>
      traceroute(
        context,
        await this.#destinations.open(target, settings, context.signal),
        settings,
      ),
    );
  }

  /**
   * Measures every hop on the way to a target, round after round. Iterating gives the state after
   * each round; awaiting wants a `count`.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  mtr(target: string, options: MtrOptions = {}): Measurement<MtrRound, MtrResult, MtrStatistics> {
    checkTarget(target);
    const settings = mtrSettings(this.#options, options);
    const endless = settings.count === Number.POSITIVE_INFINITY;
    const statistics = () => emptyMtr(target);
    return this.#measure("mtr", { endless, settings, statistics }, async (context) =>
      mtr(context, await this.#destinations.open(target, settings, context.signal), settings),
    );
  }

  /**
   * Pings any number of hosts, once each and the silent ones again, at up to hundreds of thousands
   * of packets a second, on sockets of its own and in constant memory. Iterating gives a small
   * result for each host that answered, in the order in which they answer, or with `all: true` for
   * every host; awaiting gives totals and the set of the living.
   *
   * What is iterated is not kept: an iterator made while the sweep runs begins with the next
   * result. Hosts of IPv4 networks come without network and broadcast address, as with `fping -g`.
   * No packet goes to a broadcast, multicast or unspecified address.
   *
   * Link-local targets need the option `interface`, or a zone (`fe80::1%eth0`, `fe80::%eth0/120`),
   * which is the one of all.
   *
   * @param targets an address, a host name, a network (`192.0.2.0/24`), a range (`192.0.2.5-9`), or
   * any iterable or async iterable of these, which is read as it is needed
   * @throws {TypeError | RangeError} at once, for a wrong option or a single wrong target
   */
  sweep(
    targets: Targets,
    options: SweepOptions & { readonly all: true },
  ): SweepMeasurement<SweepItem>;
  sweep(
    targets: Targets,
    options?: SweepOptions & { readonly all?: false | undefined },
  ): SweepMeasurement<SweepReply>;
  sweep(targets: Targets, options?: SweepOptions): SweepMeasurement<SweepItem>;
  sweep(targets: Targets, options: SweepOptions = {}): SweepMeasurement<SweepItem> {
    const settings = sweepSettings(this.#options, options);
    const { order, seed, exclude, family, signal } = settings;
    const by = settings.interface ?? settings.sources[6]?.split("%", 2)[1];
    const zone = new SweepZone(by, () => this.#platform.libc);
    const stream = new TargetStream(targets, {
      resolver: this.#resolver,
      random: this.#givenPlatform?.random ?? systemRandom,
      order,
      seed,
      exclude,
      family,
      zone,
    });
    const measurement: SweepMeasurement<SweepItem> = new SweepMeasurement<SweepItem>({
      name: "sweep",
      endless: false,
      keep: false,
      signal,
      statistics: () => ({ total: stream.total, ...NOT_BEGUN }),
      services: () => this.#services(),
      start: (context) =>
        this.#register(measurement, () => {
          const sweep = openSweep(this.#platform, context, {
            targets: stream,
            zone,
            settings,
            onSocket: (facilities) => this.#destinations.note(facilities),
          });
          context.showStatistics(() => sweep.progress());
          const settle = this.#destinations.count(() => sweep.counters);
          return sweep.run().finally(settle);
        }),
    });
    return measurement;
  }

  /**
   * Ends everything that runs (it rejects with `ClientClosedError`) and closes the sockets. More
   * than once is harmless.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const reason = new ClientClosedError();
    for (const measurement of this.#running) failMeasurement(measurement, reason);
    this.#lookups.close();
    this.#destinations.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  get #platform(): Platform {
    return this.#givenPlatform ?? systemPlatform();
  }

  get #resolver(): Resolver {
    return this.#givenPlatform?.resolver ?? systemResolver();
  }

  #services(): RunServices {
    if (this.#isClosed) throw new ClientClosedError();
    const { clock, resolver } = this.#platform;
    const slackNs = (this.#options.slack ?? DEFAULTS.slack) * NS_PER_MS;
    this.#pace ??= slackNs > 0 ? tickingPace(clock, slackNs) : promptPace(clock);
    return { clock, pace: this.#pace, resolver };
  }

  #measure<Item, Result, Live>(
    name: string,
    { endless, settings, statistics }: RunOptions<Live>,
    carryOut: (context: RunContext<Item, Live>) => Promise<Result>,
  ): Measurement<Item, Result, Live> {
    const measurement: Measurement<Item, Result, Live> = new Measurement<Item, Result, Live>({
      name,
      endless,
      statistics,
      signal: settings.signal,
      services: () => this.#services(),
      start: (context) => this.#register(measurement, () => carryOut(context)),
    });
    return measurement;
  }

  /** Carries out a measurement, which closing the client ends. */
  async #register<Result>(
    measurement: Measurement<unknown, unknown>,
    carryOut: () => Promise<Result>,
  ): Promise<Result> {
    this.#running.add(measurement);
    try {
      return await carryOut();
    } finally {
      this.#running.delete(measurement);
    }
  }
}

/** The statistics of a ping that has not begun. */
function noProbes(): StatisticsSnapshot {
  return new Statistics().snapshot();
}
