import {
  echoReply,
  type FakeArrival,
  type FakeErrorOptions,
  type FakeNetwork,
  type FakeProbe,
  timeExceeded,
  unreachable,
} from "./fake-network.ts";

/** Who answers at a hop, and when. */
export interface FakeHop {
  /**
   * The address that answers; several take turns, as load balancers make them. Default: the target.
   */
  readonly from?: string | readonly string[];
  /**
   * Milliseconds after which answers come: one number for every probe, or a row for each probe in
   * turn, over and over. An empty row is a loss, one with several numbers a duplicate. Default: 5
   * for each hop.
   */
  readonly delays?: number | readonly (readonly number[])[];
  /**
   * What is answered. Default: "reply" at the last hop, "expired" (time exceeded) at the others.
   * "port" is port unreachable, a number the code of a destination unreachable.
   */
  readonly says?: "reply" | "expired" | "port" | number;
}

/** A hop in short: the address of a router, or null for a silent one. */
export type FakeHopScript = string | null | FakeHop;

const PORT_UNREACHABLE = { 4: 3, 6: 4 } as const;

/**
 * A path as data: `hops[0]` answers probes with TTL 1, and so on; the last hop is the target, which
 * also answers every greater TTL. `hops` may be replaced at any time: routes change.
 */
export class FakePath {
  hops: readonly FakeHopScript[];
  /** How many probes have come to each TTL. */
  readonly #turns = new Map<number, number>();
  /**
   * Milliseconds from the start of the clock (one second) at which each probe was answered first,
   * in order of sending.
   */
  readonly answeredAtMs: (number | undefined)[] = [];

  constructor(...hops: readonly FakeHopScript[]) {
    this.hops = hops;
  }

  /** For the fake kernel. */
  readonly network: FakeNetwork = (probe) => {
    const turn = this.#turns.get(probe.ttl) ?? 0;
    this.#turns.set(probe.ttl, turn + 1);
    const at = Math.min(probe.ttl, this.hops.length);
    const script = this.hops[at - 1] ?? null;
    const hop: FakeHop =
      script === null ? { delays: [[]] } : typeof script === "string" ? { from: script } : script;
    const delays = delaysOf(hop, { turn, ttl: at });
    this.answeredAtMs.push(
      delays[0] === undefined ? undefined : probe.sentAtNs / 1e6 - 1000 + delays[0],
    );
    const from = fromOf(hop, turn) ?? probe.destination;
    const says = hop.says ?? (at === this.hops.length ? "reply" : "expired");
    return delays.map((delayMs) => answer(probe, says, { from, delayMs }));
  };
}

/**
 * `count` routers named by their distance: 10.0.1.1, 10.0.2.1, ... or 2001:db8:f::1, 2001:db8:f::2,
 * ...
 */
export function routers(count: number, family: 4 | 6 = 4): readonly string[] {
  return Array.from({ length: count }, (_, index) =>
    family === 4 ? `10.0.${index + 1}.1` : `2001:db8:f::${(index + 1).toString(16)}`,
  );
}

function delaysOf(hop: FakeHop, place: { turn: number; ttl: number }): readonly number[] {
  const { delays = 5 * place.ttl } = hop;
  if (typeof delays === "number") return [delays];
  return delays[place.turn % delays.length] ?? [];
}

function fromOf({ from }: FakeHop, turn: number): string | undefined {
  return typeof from === "object" ? from[turn % from.length] : from;
}

function answer(
  probe: FakeProbe,
  says: NonNullable<FakeHop["says"]>,
  options: FakeErrorOptions & { readonly delayMs: number },
): FakeArrival {
  if (says === "reply") return echoReply(probe, options);
  if (says === "expired") return timeExceeded(probe, options);
  return unreachable(probe, {
    ...options,
    code: says === "port" ? PORT_UNREACHABLE[probe.family] : says,
  });
}
