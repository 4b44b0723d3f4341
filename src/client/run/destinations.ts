import { ClientClosedError } from "../../errors.ts";
import { addressFamily, canonicalAddress, type Family, needsZone } from "../../packet/address.ts";
import { EchoQuestion, NONCE_LENGTH } from "../probing/echo-question.ts";
import type { ProbeStream, StreamOptions } from "../probing/probe-stream.ts";
import { Prober } from "../probing/prober.ts";
import { addCounters, type ClientCounters, NO_COUNTS } from "../results/counters.ts";
import type { Facilities, SocketCapabilities } from "../transport/capabilities.ts";
import { InterfaceNames } from "../transport/interface-names.ts";
import { openTransport, type Privileged } from "../transport/open.ts";
import type { Platform } from "../transport/platform.ts";
import type { Route } from "../transport/transport.ts";
import type { CommonSettings } from "./options.ts";
import { interfaceOfRoute } from "./route-interface.ts";

/** A target that is ready to be probed. */
export interface Destination {
  /** As it was given. */
  readonly host: string;
  /** Canonical, with its zone. */
  readonly address: string;
  readonly family: Family;
  /** Opens the stream of its probes. */
  openStream(listener: StreamListener): ProbeStream;
}

/** Who hears of the probes of a stream, and how soon. */
export type StreamListener = Pick<
  StreamOptions,
  "onResult" | "onProvisional" | "onCorrupt" | "onFailure" | "patienceNs"
>;

/**
 * Turns targets into destinations, and owns the sockets that these share: one prober for each
 * family and value of `privileged`, and for each source of IPv6 datagrams.
 */
export class Destinations {
  readonly #platform: () => Platform;
  readonly #bindAddr: string | undefined;
  readonly #probers = new Map<string, Prober>();
  /** Takes the counts of a prober that is closed. */
  readonly #settle = new Map<Prober, () => void>();
  /** What `privileged: "auto"` has come to: raw or not. */
  readonly #isRawByFamily = new Map<Family, boolean>();
  /**
   * What the latest socket of each kind can do: those of sweeps, and those of probes once asked
   * for.
   */
  readonly #facilities = new Map<string, Facilities>();
  /** What sockets that are open have counted, and those that were. */
  readonly #counted = new Set<() => ClientCounters>();
  #countedBefore = NO_COUNTS;
  #nonce: Uint8Array | undefined;
  #isClosed = false;

  /**
   * @param platform may throw `UnsupportedPlatformError`, and is asked only when something opens
   * @param bindAddr the client's default source
   */
  constructor(platform: () => Platform, bindAddr: string | undefined) {
    this.#platform = platform;
    this.#bindAddr = bindAddr;
  }

  /** What the sockets opened so far can do: a copy, in a fixed order. */
  get capabilities(): readonly SocketCapabilities[] {
    this.#noteProbers();
    const sorted = [...this.#facilities].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([, facilities]) => facilities.snapshot());
  }

  /** What all sockets so far have counted. */
  get counters(): ClientCounters {
    return [...this.#counted].reduce(
      (sum, counters) => addCounters(sum, counters()),
      this.#countedBefore,
    );
  }

  /**
   * Includes the counts of a socket opened elsewhere. Returns what takes their last state, to call
   * when it is closed.
   */
  count(counters: () => ClientCounters): () => void {
    this.#counted.add(counters);
    return () => {
      if (!this.#counted.delete(counters)) return;
      this.#countedBefore = addCounters(this.#countedBefore, counters());
    };
  }

  /** Remembers what a socket can do that was opened elsewhere. */
  note(facilities: Facilities): void {
    const { purpose, family, privileged } = facilities;
    this.#facilities.set(`${purpose} ${family} ${privileged}`, facilities);
  }

  /** Resolves a target and opens its socket, unless it is open. */
  async open(host: string, settings: CommonSettings, signal: AbortSignal): Promise<Destination> {
    const { libc, stamps, resolver } = this.#platform();
    const bound = this.#bindAddr === undefined ? undefined : addressFamily(this.#bindAddr);
    const isAddress = canonicalAddress(host) !== undefined;
    // A bound source decides the family of a name; an address of the other family does without it.
    const asked = settings.family ?? (isAddress ? undefined : bound);
    const { address, family } = await resolver.lookup(host, { family: asked, signal });
    if (this.#isClosed) throw new ClientClosedError();
    const wanted = this.#source(family, settings);
    const by = interfaceOfRoute(libc, {
      host,
      address,
      source: wanted,
      interface: settings.interface,
    });
    const source = wanted?.split("%", 1)[0];
    const prober = this.#prober(family, settings.privileged, { source, interface: by });
    await stamps.settle(signal);
    const { tos, dontFragment, mark, content, timeoutNs } = settings;
    const route = { destination: address, source, interface: by, tos, dontFragment, mark };
    const interfaces = new InterfaceNames(libc);
    return {
      host,
      address,
      family,
      openStream: (listener) =>
        prober.openStream({
          target: host,
          hostname: isAddress ? null : host,
          route,
          spell: (from) => interfaces.withName(from),
          timeoutNs,
          question: new EchoQuestion({
            family,
            content,
            nonce: this.#clientNonce(),
            flow: this.#randomFlow(),
          }),
          ...listener,
        }),
    };
  }

  /** Closes every socket. Nothing opens after this. */
  close(): void {
    this.#isClosed = true;
    this.#noteProbers();
    for (const prober of this.#probers.values()) this.#close(prober);
    this.#probers.clear();
  }

  #close(prober: Prober): void {
    prober.close();
    this.#settle.get(prober)?.();
    this.#settle.delete(prober);
  }

  #noteProbers(): void {
    for (const { transport } of this.#probers.values()) {
      if (transport.facilities !== undefined) this.note(transport.facilities);
    }
  }

  #source(family: Family, { source }: CommonSettings): string | undefined {
    if (source !== undefined) return source;
    const bound = this.#bindAddr;
    if (bound === undefined || addressFamily(bound) !== family) return undefined;
    return canonicalAddress(bound);
  }

  #prober(
    family: Family,
    privileged: Privileged,
    from: Pick<Route, "source" | "interface">,
  ): Prober {
    // Only IPv6 datagram sockets have to be bound to their source, and if it is link-local, on one
    // interface.
    const { source } = from;
    const by = source !== undefined && needsZone(source) ? from.interface : undefined;
    const keyOf = (isRaw: boolean) =>
      `${family} ${isRaw} ${isRaw || family === 4 ? "" : [source, by]}`;
    const isRaw = privileged === "auto" ? this.#isRawByFamily.get(family) : privileged;
    const open = this.#probers.get(keyOf(isRaw ?? true));
    // A socket that could not be read any more is closed: this run gets a new one.
    if (open !== undefined) {
      if (open.failure === undefined) return open;
      this.#close(open);
    }

    const platform = this.#platform();
    const transport = openTransport(platform, {
      family,
      privileged: isRaw ?? privileged,
      identifier: this.#random16(),
      source,
      interface: by,
    });
    const prober = new Prober(transport, platform.clock, this.#random16());
    this.#settle.set(
      prober,
      this.count(() => prober.counters),
    );
    if (privileged === "auto") this.#isRawByFamily.set(family, transport.privileged);
    this.#probers.set(keyOf(transport.privileged), prober);
    return prober;
  }

  #clientNonce(): Uint8Array {
    this.#nonce ??= this.#platform().random(new Uint8Array(NONCE_LENGTH));
    return this.#nonce;
  }

  /**
   * The ICMP checksum of the probes of a run. 0 and 0xffff are the two forms of one value, and best
   * avoided.
   */
  #randomFlow(): number {
    return 1 + (this.#random16() % 0xfffe);
  }

  #random16(): number {
    const [high = 0, low = 0] = this.#platform().random(new Uint8Array(2));
    return (high << 8) | low;
  }
}
