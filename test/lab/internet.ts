import { type Answer, AnswerMaker } from "./answers.ts";
import { Departures } from "./departures.ts";
import { Fate, type Subject } from "./fate.ts";
import { type IcmpCodes, REDIRECT, TIME_EXCEEDED, TOO_BIG } from "./icmp-codes.ts";
import { type ProbePacket, readProbe } from "./probe-packet.ts";
import { TokenBucket } from "./rate-limit.ts";
import { chooseRoute } from "./route-choice.ts";
import {
  type AddressPair,
  checkScenario,
  type Nat,
  type Node,
  type Route,
  type Scenario,
} from "./scenario.ts";
import type { AnswerTruth, ProbeTruth, Truth } from "./truth.ts";
import { combined, type Stop, wayBack, wayThere } from "./ways.ts";

const NS_PER_MS = 1e6;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A packet that is due to arrive at the source. */
export interface Departure {
  readonly atNs: number;
  readonly bytes: Uint8Array;
}

interface PlannedDeparture extends Departure {
  readonly arrivedNs: number;
  readonly truth: Mutable<AnswerTruth>;
}

/** A probe on its way. */
interface Journey {
  readonly packet: ProbePacket;
  readonly subject: Subject;
  readonly truth: Mutable<ProbeTruth> & { path: string[]; answers: AnswerTruth[] };
  readonly arrivedNs: number;
  /** Nodes it came to. */
  readonly nodes: Stop[];
  /** Milliseconds since it left. */
  delay: number;
  /** When the copies of it run, in milliseconds behind it; itself first. */
  copies: readonly number[];
  ttl: number;
  /** The translations it has gone through. */
  nats: Nat[];
}

/**
 * A simulated internet: packets in, packets and their times out. It knows neither sockets nor
 * clocks.
 *
 * The whole fate of a packet is decided when it comes in, along its way there and back. So an ICMP
 * rate limit is asked in the order in which packets leave the source, at the time they will reach
 * the router.
 */
export class Internet {
  readonly #scenario: Scenario;
  readonly #fate: Fate;
  readonly #maker: AnswerMaker;
  readonly #routesTo = new Map<string, Route[]>();
  readonly #nameOf = new Map<string, string>();
  readonly #departures = new Departures<PlannedDeparture>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #counts = new Map<string, number>();
  readonly #firstNs = new Map<string, number>();
  readonly #probes: ProbeTruth[] = [];
  #ignored = 0;
  #lagNs = 0;

  /**
   * @param source where the packets come from
   * @throws Error when the names and numbers of the scenario do not fit together.
   */
  constructor(scenario: Scenario, source: AddressPair) {
    checkScenario(scenario);
    this.#scenario = scenario;
    this.#fate = new Fate(scenario.seed ?? 1);
    this.#maker = new AnswerMaker(source);
    for (const route of scenario.routes) {
      this.#routesTo.set(route.to, [...(this.#routesTo.get(route.to) ?? []), route]);
      const { address } = this.#node(route.to);
      for (const text of Object.values(address)) this.#nameOf.set(text, route.to);
    }
  }

  /** When the next packet is due, in nanoseconds; undefined when none is. */
  get nextNs(): number | undefined {
    return this.#departures.nextNs;
  }

  /** Takes in a packet that left the source at `nowNs`. */
  receive(bytes: Uint8Array, nowNs: number): void {
    const packet = readProbe(bytes);
    const target = packet && this.#nameOf.get(packet.destination);
    if (packet === undefined || target === undefined) {
      this.#ignored += 1;
      return;
    }
    const subject = {
      name: `${target}|${packet.ttl}`,
      ordinal: this.#count(`${target}|${packet.ttl}`),
    };
    const firstNs = this.#firstNs.get(target) ?? nowNs;
    this.#firstNs.set(target, firstNs);
    const startNs = this.#firstNs.get("") ?? nowNs;
    this.#firstNs.set("", startNs);
    const route = chooseRoute(this.#routesTo.get(target) ?? [], packet, {
      fate: this.#fate,
      subject,
      packets: this.#count(target),
      elapsed: (nowNs - firstNs) / NS_PER_MS,
    });
    const { protocol, identifier, sequence, ttl } = packet;
    const at = (nowNs - startNs) / NS_PER_MS;
    const truth = {
      ...{ target, protocol, identifier, sequence, ttl, ordinal: subject.ordinal, at },
      path: [],
      answers: [],
    };
    this.#probes.push(truth);
    const journey: Journey = {
      ...{ packet, subject, truth, arrivedNs: nowNs, ttl },
      nodes: [],
      delay: 0,
      copies: [0],
      nats: [],
    };
    if (route !== undefined) this.#travel(journey, [...route, target]);
  }

  /** The next packet that is due by `nowNs`. */
  takeDue(nowNs: number): Departure | undefined {
    const departure = this.#departures.takeDue(nowNs);
    if (departure === undefined) return undefined;
    departure.truth.took = (nowNs - departure.arrivedNs) / NS_PER_MS;
    this.#lagNs = Math.max(this.#lagNs, nowNs - departure.atNs);
    return departure;
  }

  /** Reports a delay of the lab's own making, in nanoseconds. */
  addLag(lagNs: number): void {
    this.#lagNs = Math.max(this.#lagNs, lagNs);
  }

  /** What has become of everything so far. */
  truth(): Truth {
    return { probes: this.#probes, ignored: this.#ignored, lag: this.#lagNs / NS_PER_MS };
  }

  #count(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }

  #node(name: string): Node {
    const node = this.#scenario.nodes[name];
    if (node === undefined) throw new Error(`No node ${name}`);
    return node;
  }

  #travel(journey: Journey, names: readonly string[]): void {
    const { packet, truth } = journey;
    const last = names.length - 1;
    for (const [index, name] of names.entries()) {
      const node = this.#node(name);
      if (
        node.mtu !== undefined &&
        packet.bytes.length > node.mtu &&
        index > 0 &&
        packet.dontFragment
      ) {
        if (journey.nodes.at(-1)?.node.tooBig === false) {
          truth.lost = { node: names[index - 1] ?? "", why: "too big" };
        } else {
          this.#answerError(journey, TOO_BIG, { word: node.mtu });
        }
        return;
      }
      const way = wayThere(this.#fate, { name, node }, journey.subject);
      if (way.lost !== undefined) {
        truth.lost = way.lost;
        return;
      }
      journey.delay += way.delay;
      journey.copies = combined(journey.copies, way.copies);
      journey.nodes.push({ name, node });
      truth.path.push(name);
      if (index === last) {
        this.#deliver(journey, node);
        return;
      }
      if (journey.ttl === 1) {
        this.#answerError(journey, TIME_EXCEEDED);
        return;
      }
      if (node.refuses !== undefined) {
        this.#answerError(journey, node.refuses);
        return;
      }
      if (node.redirects !== undefined) {
        this.#answerError(journey, REDIRECT, { gateway: node.redirects[packet.family] });
      }
      journey.ttl -= 1;
      if (node.nat !== undefined) journey.nats = [...journey.nats, node.nat];
    }
  }

  /** Gives a packet to its target. */
  #deliver(journey: Journey, node: Node): void {
    if (node.refuses !== undefined) this.#answerError(journey, node.refuses);
    else this.#answer(journey, this.#maker.reply(journey.packet, node, journey.nodes.length - 1));
  }

  #answerError(
    journey: Journey,
    codes: IcmpCodes,
    extra: { readonly word?: number; readonly gateway?: string } = {},
  ): void {
    const sender = journey.nodes.at(-1);
    if (sender === undefined) return;
    const { rateLimit } = sender.node;
    if (rateLimit !== undefined && !sender.node.silent) {
      const bucket = this.#buckets.get(sender.name) ?? new TokenBucket(rateLimit);
      this.#buckets.set(sender.name, bucket);
      if (!bucket.take(journey.arrivedNs / NS_PER_MS + journey.delay)) {
        if (codes !== REDIRECT) journey.truth.lost = { node: sender.name, why: "rate limit" };
        return;
      }
    }
    const { packet, ttl, nats, nodes } = journey;
    const answer = this.#maker.error(packet, sender.node, {
      ...codes[packet.family],
      ...extra,
      ...{ ttl, nats, distance: nodes.length - 1 },
    });
    this.#answer(journey, answer, codes === REDIRECT);
  }

  /** Sends an answer back from the node that the journey has come to. */
  #answer(journey: Journey, answer: Answer, isAdvice = false): void {
    const { subject, truth } = journey;
    const sender = journey.nodes.at(-1);
    if (sender === undefined) return;
    if (sender.node.silent) {
      if (!isAdvice) truth.lost = { node: sender.name, why: "silent" };
      return;
    }
    const back = wayBack(this.#fate, journey.nodes, subject);
    for (const [copy, copyDelay] of combined(journey.copies, back.copies).entries()) {
      const delay = journey.delay + back.delay + copyDelay;
      for (const forge of copy === 0 ? back.forgeries : []) {
        // Forgers are quick: theirs comes first.
        const lead = (forge.what === "error" && forge.lead) || 1;
        const forged = this.#maker.forge(answer, forge);
        this.#plan(journey, forged, {
          delay: Math.max(0, delay - Math.min(lead, delay / 2)),
          copy: 0,
          forged: forge.what,
        });
      }
      const lost =
        back.lost ??
        (back.isReplaced ? { node: sender.name, why: "dropped own" as const } : undefined);
      const corrupted =
        back.corrupt === undefined ? answer : this.#maker.corrupt(answer, back.corrupt);
      this.#plan(journey, corrupted, {
        ...{ delay, copy },
        ...(lost !== undefined && { lost }),
        ...(back.corrupt !== undefined && { corrupt: back.corrupt }),
        ...(isAdvice && { isAdvice }),
      });
      if (lost !== undefined && !isAdvice && !back.isReplaced) truth.lost = lost;
    }
  }

  #plan(
    { truth, arrivedNs, nodes }: Journey,
    { bytes, envelope, type, code, isUnrecognisable }: Answer,
    fields: Pick<AnswerTruth, "delay" | "copy" | "lost" | "corrupt" | "forged" | "isAdvice">,
  ): void {
    const answer: Mutable<AnswerTruth> = {
      ...{ node: nodes.at(-1)?.name ?? "", from: envelope.from, type, code, ttl: envelope.ttl },
      ...fields,
      ...(isUnrecognisable && { isUnrecognisable }),
    };
    truth.answers.push(answer);
    if (fields.lost !== undefined) return;
    this.#departures.push({
      atNs: arrivedNs + fields.delay * NS_PER_MS,
      bytes,
      arrivedNs,
      truth: answer,
    });
  }
}
