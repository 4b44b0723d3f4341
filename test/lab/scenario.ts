import type { StatisticsSnapshot } from "../../src/client/results/statistics.ts";
import type { Family } from "../../src/packet/address.ts";
import type { ExtensionObjectFields } from "../../src/packet/extension-objects.ts";

/**
 * A simulated internet, and what each strategy must find in it. Plain data: the simulator gets it
 * as JSON.
 *
 * Everything random in it comes from `seed`, the name of the target, the TTL and how many packets
 * with that target and TTL came before. So the same probes have the same fate in every run, for
 * IPv4 and IPv6, however their sending interleaves.
 */
export interface Scenario {
  /** As the file is called. */
  readonly name: string;
  /** What is special here, in one sentence. */
  readonly about: string;
  /** Default 1. */
  readonly seed?: number;
  /** Routers and hosts by name. */
  readonly nodes: Readonly<Record<string, Node>>;
  /** The ways to the targets. Packets to other addresses vanish. */
  readonly routes: readonly Route[];
  /** What is measured, one after the other, each from the simulator's initial state. */
  readonly runs: readonly Run[];
}

/** An address of each family. */
export type AddressPair = Readonly<Record<Family, string>>;

/**
 * A router or host, and the link that leads to it from the node before. Times are in milliseconds.
 */
export interface Node {
  readonly address: AddressPair;
  /** What its link takes each way, or there and back. Default 0. */
  readonly delay?: number | { readonly there: number; readonly back: number };
  /** What its link takes on top of that, drawn again for every packet and direction. */
  readonly jitter?: Jitter;
  /** What its link, or the node itself, does to some packets. */
  readonly effects?: readonly Effect[];
  /**
   * The largest packet its link carries, in bytes. The router before it says so, unless `tooBig` is
   * false there.
   */
  readonly mtu?: number;
  /** Whether it answers "too big" when the link after it is too narrow. Default true. */
  readonly tooBig?: boolean;
  /** It answers nothing: no ICMP errors, no echo replies. */
  readonly silent?: boolean;
  /** Where its ICMP errors come from, instead of `address`. */
  readonly answersFrom?: AddressPair;
  /** How many ICMP errors it sends at most: a token bucket. */
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  /**
   * How many bytes after the IP header its errors quote. Default: what fits in 576 (RFC 1812) or
   * 1280 bytes (RFC 4443).
   */
  readonly quote?: number;
  /**
   * Its IPv6 errors quote the probe with a hop-by-hop and a destination options header that
   * somebody inserted.
   */
  readonly quotesOptions?: boolean;
  /** RFC 4884 objects in its errors. */
  readonly extensions?: Extensions;
  /** The TTL its answers start with. Default 64. */
  readonly initialTtl?: number;
  /** It forwards nothing, and answers with this error instead, in IPv4 and IPv6. */
  readonly refuses?: Readonly<Record<Family, IcmpCode>>;
  /** It forwards, and advises the source to use another router. */
  readonly redirects?: AddressPair;
  readonly nat?: Nat;
}

/** Type and code of an ICMP error. */
export interface IcmpCode {
  readonly type: number;
  readonly code: number;
}

/** A random delay in milliseconds, never negative. */
export type Jitter =
  /** Evenly between 0 and this. */
  | { readonly uniform: number }
  /** The absolute value of a normal deviate with this standard deviation. */
  | { readonly normal: number }
  /** With this mean. */
  | { readonly exponential: number };

/** Something that happens to some packets. */
export interface Effect {
  /**
   * To which packets: those that cross the node's link towards the target or back, or the answers
   * that the node itself makes (ICMP errors, and the replies of a target).
   */
  readonly on: "there" | "back" | "own";
  /** Default: to all. */
  readonly pick?: Selector;
  readonly action: Action;
}

/** Which packets, counted from 1 among those with the same target and TTL. */
export type Selector =
  /** Each with this probability. */
  | { readonly random: number }
  /** Every n-th, the first of them being number `from`, by default n. */
  | { readonly every: number; readonly from?: number }
  /** These. */
  | { readonly numbers: readonly number[] }
  /**
   * Runs of packets: a run begins with probability `enter`, and ends with `leave` after each packet
   * (Gilbert 1960).
   */
  | { readonly bursts: { readonly enter: number; readonly leave: number } };

/** What happens. */
export type Action =
  /** Lost. */
  | { readonly kind: "drop" }
  /** `ms` late: overtaken by others, or beyond the timeout. */
  | { readonly kind: "hold"; readonly ms: number }
  /** `copies` more of it follow, `gap` ms apart. */
  | { readonly kind: "duplicate"; readonly copies: number; readonly gap: number }
  /**
   * Answers only. Data changed: with the checksum made good, with a wrong checksum, shortened or
   * extended.
   */
  | { readonly kind: "corrupt"; readonly what: "payload" | "checksum" | "shorter" | "longer" }
  /**
   * Answers only. Somebody's forgery arrives first: from another address, with a wrong cookie or,
   * in errors, with a quote of a packet to elsewhere. With `only`, the true answer does not come.
   */
  | {
      readonly kind: "forge";
      readonly what: "source" | "cookie" | "quote";
      readonly from: AddressPair;
      readonly only?: boolean;
    }
  /**
   * Answers only. An ICMP message of this type and code arrives first, and quotes the probe as it
   * left.
   */
  | {
      readonly kind: "forge";
      readonly what: "error";
      readonly from: AddressPair;
      readonly error: Readonly<Record<Family, IcmpCode>>;
      /** How many milliseconds before the true answer. Default 1. */
      readonly lead?: number;
      readonly only?: boolean;
    };

/** RFC 4884 objects, and where the error message has them. */
export interface Extensions {
  /**
   * Proper: behind a length field (RFC 4884 section 4). Legacy: at offset 128, with a length of 0
   * (section 5.5).
   */
  readonly form: "proper" | "legacy";
  readonly objects: readonly Extract<
    ExtensionObjectFields,
    { kind: "mpls" | "interfaceInformation" }
  >[];
}

/** Network address translation at a router. */
export interface Nat {
  /** What it makes of the source address. */
  readonly source: AddressPair;
  /** What it adds to the identifier. Default 0. */
  readonly identifier?: number;
  /**
   * What it puts right in the quotes of errors that come back: everything, all but the ICMP
   * checksum, all but the source address, or nothing, so that nobody can tell whose packet it was.
   */
  readonly restores: "all" | "all but the checksum" | "identifier" | "nothing";
}

/** The nodes on the way to a target. */
export interface Route {
  /** Name of the target. */
  readonly to: string;
  readonly via: readonly Step[];
  /**
   * Counts from this moment on, instead of the routes to the same target before it in the list.
   * Default: the beginning.
   */
  readonly from?: Moment;
}

/**
 * A moment since the first packet to a target: with its n-th packet, from 1, or `ms` milliseconds
 * later.
 */
export type Moment = { readonly packet: number } | { readonly ms: number };

/** A node, or a load balancer (after the node before it) with its branches. */
export type Step = string | Balancer;

/** Sends packets over several branches. */
export interface Balancer {
  /**
   * flow: by the addresses, and the ICMP checksum and identifier, or the ports. packet: in turn,
   * for each target and TTL. destination: by the target.
   */
  readonly balance: "flow" | "packet" | "destination";
  readonly branches: readonly (readonly Step[])[];
}

/** One call of a client, and what must come of it. */
export type Run = {
  readonly [Method in keyof Expectations]: RunOf<Method>;
}[keyof Expectations];

/** One call of `Method`. */
export interface RunOf<Method extends keyof Expectations> {
  readonly method: Method;
  /** Name of the target, or names for `multiping`. */
  readonly target: string | readonly string[];
  /** As JSON. */
  readonly options?: object;
  /** Socket kinds that this run concerns. Default: all. */
  readonly only?: { readonly family?: Family; readonly privileged?: boolean };
  readonly expect: Expectations[Method];
}

/** What must come of each method. Whatever the simulator did to each probe is compared anyway. */
export interface Expectations {
  readonly probe: Outcome;
  readonly ping: Tally;
  /** By name of the target. */
  readonly multiping: Readonly<Record<string, Tally>>;
  readonly traceroute: {
    readonly hops: readonly Hop[];
    readonly reached: boolean;
    readonly stopReason: string;
  };
  readonly mtr: { readonly hops: readonly MtrHopExpectation[]; readonly reached: boolean };
}

/** A result: its `error` (null for a reply), of both families or of each, and who answered. */
export interface Outcome {
  readonly error: string | null | Readonly<Record<Family, string>>;
  readonly from?: string;
}

/** Figures of the statistics; those left out do not matter. */
export type Tally = Partial<
  Pick<
    StatisticsSnapshot,
    | "sent"
    | "received"
    | "lost"
    | "late"
    | "duplicates"
    | "reordered"
    | "corrupt"
    | "errors"
    | "sendErrors"
  >
>;

/** Who answered at a hop: nobody, all of these (and nobody else), or one of these. */
export type Responders = null | string | readonly string[] | { readonly oneOf: readonly string[] };

/** A hop of a traceroute: who answered, and how many probes nobody did. */
export type Hop = Responders | { readonly from: Responders; readonly lost: number };

/** A hop of an mtr. */
export interface MtrHopExpectation extends Tally {
  readonly from: Responders;
}

/** A node with addresses that end in `number`: 10.20.0.n and fd20::n. */
export function node(number: number, properties: Omit<Node, "address"> = {}): Node {
  return { address: addressPair(number), ...properties };
}

/** 10.20.0.n and fd20::n, for 1 to 255. */
export function addressPair(number: number): AddressPair {
  return { 4: `10.20.0.${number}`, 6: `fd20::${number.toString(16)}` };
}

/** Throws unless the names and numbers of a scenario fit together. */
export function checkScenario({ name, nodes, routes }: Scenario): void {
  const fail = (problem: string): never => {
    throw new Error(`Bad scenario ${name}: ${problem}`);
  };
  const owners = new Map<string, string>();
  for (const [label, { address, effects = [] }] of Object.entries(nodes)) {
    for (const text of Object.values(address)) {
      const owner = owners.get(text);
      if (owner !== undefined) fail(`${owner} and ${label} are both ${text}`);
      owners.set(text, label);
    }
    for (const { on, action } of effects) {
      if (on === "there" && (action.kind === "corrupt" || action.kind === "forge")) {
        fail(`${label} can ${action.kind} answers only`);
      }
    }
  }
  const walk = (steps: readonly Step[]): void => {
    for (const step of steps) {
      if (typeof step === "string") {
        if (nodes[step] === undefined) fail(`no node ${step}`);
      } else if (step.branches.length === 0) fail("a balancer without branches");
      else step.branches.forEach(walk);
    }
  };
  for (const { to, via } of routes) walk([...via, to]);
}
