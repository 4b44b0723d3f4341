import { ClientClosedError, UnsupportedPlatformError } from "../errors.ts";
import { addressFamily, canonicalAddress, type Family, needsZone } from "../packet/address.ts";
import type { Resolver } from "./names/resolver.ts";
import { NONCE_LENGTH, Payload } from "./probing/payload.ts";
import { Prober } from "./probing/prober.ts";
import type {
  EchoResult,
  MtrResult,
  MtrRound,
  MultipingResult,
  PingResult,
  TracerouteEntry,
  TracerouteResult,
} from "./results/results.ts";
import { addressOf, held, Lookups, nameOf } from "./run/lookups.ts";
import { failMeasurement, Measurement, type Run } from "./run/measurement.ts";
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
import { interfaceOfRoute } from "./run/route-interface.ts";
import type { StrategyContext, Target } from "./run/run-context.ts";
import { mtr } from "./strategies/mtr.ts";
import { type MultipingItem, multiping } from "./strategies/multiping.ts";
import { ping, probe } from "./strategies/ping.ts";
import { traceroute } from "./strategies/traceroute.ts";
import { openSweep } from "./sweep/open-sweep.ts";
import type { Sweep } from "./sweep/sweep.ts";
import { SweepMeasurement } from "./sweep/sweep-measurement.ts";
import { type SweepOptions, sweepSettings } from "./sweep/sweep-options.ts";
import { NOT_BEGUN, type SweepItem, type SweepReply } from "./sweep/sweep-results.ts";
import { SweepZone } from "./sweep/targets/sweep-zone.ts";
import { TargetStream, type Targets } from "./sweep/targets/target-stream.ts";
import { NS_PER_MS, sleepUntil } from "./time/clock.ts";
import { type Pace, promptPace, tickingPace } from "./time/pace.ts";
import type { Facilities, SocketCapabilities } from "./transport/capabilities.ts";
import { openTransport, type Privileged } from "./transport/open.ts";
import {
  diagnosePermission,
  type PermissionDiagnosis,
  unsupportedDiagnosis,
} from "./transport/permission.ts";
import { type Platform, systemPlatform, systemResolver } from "./transport/platform.ts";
import { readProcessFacts } from "./transport/process-facts.ts";
import type { Route } from "./transport/transport.ts";

/**
 * Sends ICMP probes and tells what became of them. Sockets open on first use, one for each family and value of `privileged`
 * (and for each source of IPv6 datagrams), and are shared by everything the client does at once. It keeps the process alive only while something is in flight or due.
 *
 * Close it with `using`, `await using` or `close()`; until then its sockets stay open. (Also in a Worker before
 * `terminate()`, which leaves the descriptors of its thread open.)
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
  readonly #probers = new Map<string, Prober>();
  /** What `privileged: "auto"` has come to: raw or not. */
  readonly #isRawByFamily = new Map<Family, boolean>();
  readonly #running = new Set<Measurement<unknown, unknown>>();
  readonly #lookups = new Lookups();
  /** What the latest socket of each kind can do: those of sweeps, and those of probes once asked for. */
  readonly #facilities = new Map<string, Facilities>();
  /** That of all runs, so that their probes leave together. */
  #sharedPace: Pace | undefined;
  #nonce: Uint8Array | undefined;
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
  }

  /** Whether `addr` is the text of an IP address: a strict dotted quad, or IPv6 as RFC 4291 has it, zone allowed. */
  static validIp(addr: string): boolean {
    return typeof addr === "string" && canonicalAddress(addr) !== undefined;
  }

  /**
   * Resolves a name to an address, in canonical text. An address resolves to itself.
   *
   * @throws {ResolveError} when it has none of the wanted family, or the lookup failed; `cause` tells why
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
    return this.#lookups.await(() => addressOf(this.#resolver, host, { family }));
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
    this.#noteProbers();
    const sorted = [...this.#facilities].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([, facilities]) => facilities.snapshot());
  }

  /**
   * Finds out by trying which kinds of ICMP socket this process may open, and what would allow the
   * others: the remedies that can work for this process, the narrowest first. Sends nothing, and throws
   * nothing off Linux.
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
   * Sends one echo request and tells what became of it. Timeouts, ICMP errors and refused sends are results, too.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   *
   * The run rejects with `ResolveError`, `RawSocketPermissionError`, `UnsupportedPlatformError`, a `SystemError` of opening
   * the socket, `RangeError` for an interface that this host does not have, `ClientClosedError`, or the reason of the aborted
   * signal; so do those of the other methods.
   */
  probe(target: string, options: ProbeOptions = {}): Measurement<EchoResult, EchoResult> {
    checkTarget(target);
    const settings = probeSettings(this.#options, options);
    return this.#measure(
      "probe",
      { endless: false, settings },
      async (context: StrategyContext<EchoResult>) => {
        const result = await probe(
          context,
          await this.#openTarget(target, settings, context.signal),
          settings,
        );
        if (result === undefined) throw context.signal.reason;
        return result;
      },
    );
  }

  /**
   * Sends `count` echo requests, one each `interval`. Iterating gives each result as it becomes known.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  ping(target: string, options: PingOptions = {}): Measurement<EchoResult, PingResult> {
    checkTarget(target);
    const settings = pingSettings("ping()", this.#options, options);
    const endless = settings.count === Number.POSITIVE_INFINITY;
    return this.#measure(
      "ping",
      { endless, settings },
      async (context: StrategyContext<EchoResult>) =>
        ping(context, await this.#openTarget(target, settings, context.signal), settings),
    );
  }

  /**
   * Pings many targets side by side, on one socket per family, and further ones while silent neighbours
   * fill its send buffer. Iterating gives results of all targets as they become
   * known, and a {@link TargetFailure} for each target that cannot be probed at all.
   *
   * The targets are spread over the interval, so that their answers do not come all at once: their first probes leave 10 ms
   * apart, or if there are more in groups of 50, 10 to 50 ms apart (a tenth of the interval at most; not with over 1,472 bytes).
   * Each target keeps its beat. Answers to a group are read when the next one leaves, or after twice that time; their times are
   * the kernel's.
   *
   * @param targets host names or IP addresses, as many as you like; repeated ones are separate targets
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  multiping(
    targets: Iterable<string>,
    options: PingOptions = {},
  ): Measurement<MultipingItem, MultipingResult> {
    const hosts = targetList(targets);
    const settings = pingSettings("multiping()", this.#options, options);
    const endless = settings.count === Number.POSITIVE_INFINITY && hosts.length > 0;
    return this.#measure(
      "multiping",
      { endless, settings },
      (context: StrategyContext<MultipingItem>) =>
        multiping(context, hosts, settings, (host) =>
          this.#openTarget(host, settings, context.signal),
        ),
    );
  }

  /**
   * Finds the routers on the way to a target. Iterating gives each hop, in order, when all of its probes are decided.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  traceroute(
    target: string,
    options: TracerouteOptions = {},
  ): Measurement<TracerouteEntry, TracerouteResult> {
    checkTarget(target);
    const settings = tracerouteSettings(this.#options, options);
    return this.#measure(
      "traceroute",
      { endless: false, settings },
      async (context: StrategyContext<TracerouteEntry>) =>
        traceroute(context, await this.#openTarget(target, settings, context.signal), settings),
    );
  }

  /**
   * Measures every hop on the way to a target, round after round. Iterating gives the state after each round; awaiting
   * wants a `count`.
   *
   * @param target a host name or an IP address
   * @throws {TypeError | RangeError} at once, for a wrong target or option
   */
  mtr(target: string, options: MtrOptions = {}): Measurement<MtrRound, MtrResult> {
    checkTarget(target);
    const settings = mtrSettings(this.#options, options);
    const endless = settings.count === Number.POSITIVE_INFINITY;
    return this.#measure("mtr", { endless, settings }, async (context: StrategyContext<MtrRound>) =>
      mtr(context, await this.#openTarget(target, settings, context.signal), settings),
    );
  }

  /**
   * Pings any number of hosts, once each and the silent ones again, at up to hundreds of thousands of packets a second, on
   * sockets of its own and in constant memory. Iterating gives a small result for each host that answered, in the order in which
   * they answer, or with `all: true` for every host; awaiting gives totals and the set of the living.
   *
   * What is iterated is not kept: an iterator made while the sweep runs begins with the next result. Hosts of IPv4 networks come
   * without network and broadcast address, as with `fping -g`. No packet goes to a broadcast, multicast or unspecified address.
   *
   * Link-local targets need the option `interface`, or a zone (`fe80::1%eth0`, `fe80::%eth0/120`), which is the one of all.
   *
   * @param targets an address, a host name, a network (`192.0.2.0/24`), a range (`192.0.2.5-9`), or any iterable or async iterable of
   * these, which is read as it is needed
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
    const zone = new SweepZone(settings.interface ?? settings.sources[6]?.split("%", 2)[1]);
    const stream = new TargetStream(targets, {
      resolver: this.#resolver,
      order,
      seed,
      exclude,
      family,
      zone,
    });
    let sweep: Sweep | undefined;
    const measurement: SweepMeasurement<SweepItem> = new SweepMeasurement<SweepItem>(
      {
        name: "sweep",
        endless: false,
        keep: false,
        signal,
        start: (run) =>
          this.#register(measurement, () => {
            const onSocket = (facilities: Facilities) => this.#note(facilities);
            sweep = openSweep(this.#platform, run, { targets: stream, zone, settings, onSocket });
            return sweep.run();
          }),
      },
      () => sweep?.progress() ?? { ...NOT_BEGUN, total: stream.total },
    );
    return measurement;
  }

  /** Ends everything that runs (it rejects with `ClientClosedError`) and closes the sockets. More than once is harmless. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const reason = new ClientClosedError();
    for (const measurement of this.#running) failMeasurement(measurement, reason);
    this.#lookups.close();
    this.#noteProbers();
    for (const prober of this.#probers.values()) prober.close();
    this.#probers.clear();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #noteProbers(): void {
    for (const { transport } of this.#probers.values()) {
      if (transport.facilities !== undefined) this.#note(transport.facilities);
    }
  }

  #note(facilities: Facilities): void {
    const { purpose, family, privileged } = facilities;
    this.#facilities.set(`${purpose} ${family} ${privileged}`, facilities);
  }

  get #platform(): Platform {
    return this.#givenPlatform ?? systemPlatform();
  }

  get #pace(): Pace {
    const slackNs = (this.#options.slack ?? DEFAULTS.slack) * NS_PER_MS;
    const { clock } = this.#platform;
    this.#sharedPace ??= slackNs > 0 ? tickingPace(clock, slackNs) : promptPace(clock);
    return this.#sharedPace;
  }

  get #resolver(): Resolver {
    return this.#givenPlatform?.resolver ?? systemResolver();
  }

  #measure<Item, Result>(
    name: string,
    { endless, settings }: { readonly endless: boolean; readonly settings: CommonSettings },
    carryOut: (context: StrategyContext<Item>) => Promise<Result>,
  ): Measurement<Item, Result> {
    const start = (run: Run<Item>): Promise<Result> =>
      this.#register(measurement, () => {
        const { clock, resolver } = this.#platform;
        const pace = this.#pace;
        return carryOut({
          clock,
          pace,
          resolver,
          emit: (item) => run.emit(item),
          signal: run.signal,
        });
      });
    const measurement = new Measurement<Item, Result>({
      name,
      endless,
      signal: settings.signal,
      start,
    });
    return measurement;
  }

  /** Carries out a measurement, which closing the client ends. */
  async #register<Result>(
    measurement: Measurement<unknown, unknown>,
    carryOut: () => Promise<Result>,
  ): Promise<Result> {
    if (this.#isClosed) throw new ClientClosedError();
    this.#running.add(measurement);
    try {
      return await carryOut();
    } finally {
      this.#running.delete(measurement);
    }
  }

  async #openTarget(host: string, settings: CommonSettings, signal: AbortSignal): Promise<Target> {
    const { bindAddr } = this.#options;
    const family =
      settings.family ?? (bindAddr === undefined ? undefined : addressFamily(bindAddr));
    const isAddress = canonicalAddress(host) !== undefined;
    // A bound source decides the family of a name; an address of the other family does without it.
    const asked = isAddress ? settings.family : family;
    const { address, family: resolved } = await this.#resolver.lookup(host, {
      family: asked,
      signal,
    });
    if (this.#isClosed) throw new ClientClosedError();
    const wanted = this.#source(resolved, settings);
    const { libc } = this.#platform;
    const by = interfaceOfRoute(libc, {
      host,
      address,
      source: wanted,
      interface: settings.interface,
    });
    const source = wanted?.split("%", 1)[0];
    const prober = this.#prober(resolved, settings.privileged, { source, interface: by });
    await sleepUntil(this.#platform.clock, prober.transport.stampsFromNs, signal);
    const route = {
      destination: address,
      source,
      interface: by,
      tos: settings.tos,
      dontFragment: settings.dontFragment,
      mark: settings.mark,
    };
    return {
      host,
      address,
      family: resolved,
      openStream: (listener) =>
        prober.openStream({
          target: host,
          hostname: isAddress ? null : host,
          route,
          timeoutNs: settings.timeoutNs,
          payload: new Payload(settings.content, this.#clientNonce(), this.#randomFlow()),
          ...listener,
        }),
    };
  }

  #source(family: Family, { source }: CommonSettings): string | undefined {
    const { bindAddr } = this.#options;
    if (source !== undefined) return source;
    return bindAddr !== undefined && addressFamily(bindAddr) === family
      ? canonicalAddress(bindAddr)
      : undefined;
  }

  #prober(
    family: Family,
    privileged: Privileged,
    from: Pick<Route, "source" | "interface">,
  ): Prober {
    // Only IPv6 datagram sockets have to be bound to their source, and if it is link-local, on one interface.
    const { source } = from;
    const by = source !== undefined && needsZone(source) ? from.interface : undefined;
    const keyOf = (isRaw: boolean) =>
      `${family} ${isRaw} ${isRaw || family === 4 ? "" : [source, by]}`;
    const isRaw = privileged === "auto" ? this.#isRawByFamily.get(family) : privileged;
    const open =
      isRaw === undefined ? this.#probers.get(keyOf(true)) : this.#probers.get(keyOf(isRaw));
    // A socket that could not be read any more is closed: this run gets a new one.
    if (open !== undefined && open.failure === undefined) return open;

    const platform = this.#platform;
    const transport = openTransport(platform, {
      family,
      privileged: isRaw ?? privileged,
      identifier: this.#random16(),
      source,
      interface: by,
    });
    const prober = new Prober(transport, platform.clock, this.#random16());
    if (privileged === "auto") this.#isRawByFamily.set(family, transport.privileged);
    this.#probers.set(keyOf(transport.privileged), prober);
    return prober;
  }

  #clientNonce(): Uint8Array {
    this.#nonce ??= this.#platform.random(new Uint8Array(NONCE_LENGTH));
    return this.#nonce;
  }

  /** The ICMP checksum of the probes of a run. 0 and 0xffff are the two forms of one value, and best avoided. */
  #randomFlow(): number {
    return 1 + (this.#random16() % 0xfffe);
  }

  #random16(): number {
    const [high = 0, low = 0] = this.#platform.random(new Uint8Array(2));
    return (high << 8) | low;
  }
}
