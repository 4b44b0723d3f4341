import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Family } from "../../src/packet/address.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { openLab, type SimulatedLab } from "../lab/open-lab.ts";
import type { Scenario } from "../lab/scenario.ts";
import type { AnswerTruth, ProbeTruth, Truth } from "../lab/truth.ts";
import { SCENARIOS } from "../scenarios/all.ts";
import { describeIf, requires } from "../support/requires.ts";
import { labStand, type Method, type Ours, type Stand } from "./stand.ts";
import {
  compareMtr,
  comparePing,
  compareTraceroute,
  expectEqualMinima,
  unequal,
} from "./tool-comparison.ts";
import { mtr, ping, traceroute } from "./tools.ts";

// Tests wait for a lab to become free.
setDefaultTimeout(300_000);

const FAMILIES = [4, 6] as const;
/** The labs mostly wait, so more of them than there are cores do no harm. */
const LABS = 8;
const TIMEOUT = 400;
const PROBES = { count: 30, interval: 10 };
const ROUNDS = { count: 6, interval: 50 };
const PROBES_PER_HOP = 3;

/** A scenario of which the tools can see the truth, and how to look. */
interface Comparison {
  readonly scenario: string;
  /** Default target. */
  readonly target?: string;
  /** Default 10. Traces that do not reach the target go as far. */
  readonly maxHops?: number;
  /** What there is nothing to compare with, and why. */
  readonly except?: { readonly [Check in `${Method} IPv${Family}`]?: string };
}

const COMPARISONS: readonly Comparison[] = [
  { scenario: "plain-chain" },
  { scenario: "periodic-loss" },
  { scenario: "burst-loss" },
  { scenario: "loss-there" },
  { scenario: "loss-back" },
  { scenario: "loss-of-errors" },
  { scenario: "rate-limit" },
  { scenario: "jitter" },
  { scenario: "reordering" },
  { scenario: "duplicates" },
  { scenario: "silent-router" },
  { scenario: "silent-target" },
  { scenario: "other-address" },
  { scenario: "prohibited" },
  { scenario: "target-refuses" },
  {
    scenario: "redirects",
    except: {
      "ping IPv4":
        "it counts a redirect as an error, and ends when replies and errors are as many as its count",
    },
  },
  { scenario: "nat" },
  { scenario: "nat-leaving-quotes" },
  { scenario: "short-quotes" },
  { scenario: "mpls-proper" },
  { scenario: "mpls-legacy" },
  { scenario: "interface-information" },
  { scenario: "packet-balancing" },
  { scenario: "destination-balancing", target: "t1" },
  { scenario: "destination-balancing", target: "t2" },
  { scenario: "routing-loop" },
  { scenario: "long-path", maxHops: 30 },
];

type Check = (situation: Situation) => Promise<void>;

const CHECKS: Readonly<Record<Method, Check>> = {
  traceroute: checkTraceroute,
  mtr: checkMtr,
  ping: checkPing,
};

/** A lab that one test at a time uses. */
interface Place {
  readonly lab: SimulatedLab;
  readonly stand: Stand;
}

const REASON = requires.all(requiresLab("nsenter", "ping", "traceroute", "mtr"), requires.tun());

describeIf(REASON, "beside the tools, in a simulated internet", () => {
  const places: Place[] = [];
  const free: Place[] = [];
  const waiting: ((place: Place) => void)[] = [];

  beforeAll(async () => {
    const labs = Array.from({ length: LABS }, () => openLab(scenarioOf("plain-chain")));
    for (const lab of await Promise.all(labs)) places.push({ lab, stand: labStand(lab) });
    free.push(...places);
  });
  afterAll(async () => {
    await Promise.all(places.map(({ lab }) => lab[Symbol.asyncDispose]()));
  });

  async function inPlace(use: (place: Place) => Promise<void>): Promise<void> {
    const place = free.pop() ?? (await new Promise<Place>((resolve) => waiting.push(resolve)));
    try {
      await use(place);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(place);
      else next(place);
    }
  }

  for (const comparison of COMPARISONS) {
    const { scenario, target = "target", except = {} } = comparison;
    for (const family of FAMILIES) {
      const name = `${scenario} (${target}), IPv${family}`;
      for (const [method, check] of Object.entries(CHECKS) as [Method, Check][]) {
        if (except[`${method} IPv${family}`] !== undefined) continue;
        test.concurrent(`${name}: ${method}`, () =>
          inPlace((place) => check(new Situation(place, comparison, family))));
      }
    }
  }
});

/**
 * A comparison in a lab. Every measurement finds the simulator in its initial state, so that like
 * probes have a like fate.
 */
class Situation {
  readonly lab: SimulatedLab;
  readonly maxHops: number;
  readonly kinds;
  readonly call;
  readonly #stand: Stand;
  readonly #scenario: Scenario;

  constructor(
    { lab, stand }: Place,
    { scenario, target = "target", maxHops = 10 }: Comparison,
    family: Family,
  ) {
    this.lab = lab;
    this.maxHops = maxHops;
    this.kinds = SOCKET_KINDS.filter((kind) => kind.family === family);
    this.#stand = stand;
    this.#scenario = scenarioOf(scenario);
    const address = this.#scenario.nodes[target]?.address[family];
    if (address === undefined) throw new Error(`Scenario ${scenario} has no target ${target}`);
    this.call = { family, target: address, timeout: TIMEOUT };
  }

  async fresh(): Promise<Stand> {
    await this.lab.load(this.#scenario);
    return this.#stand;
  }
}

async function checkTraceroute(situation: Situation): Promise<void> {
  const { call, maxHops, kinds } = situation;
  const theirs = await traceroute(await situation.fresh(), call, maxHops);
  for (const kind of kinds) {
    const ours = await (await situation.fresh()).ours(kind, "traceroute", {
      target: call.target,
      options: { timeout: TIMEOUT, maxHops, gapLimit: maxHops, probes: PROBES_PER_HOP },
    });
    expectNone(kind.name, compareTraceroute(ours, theirs));
  }
}

async function checkMtr(situation: Situation): Promise<void> {
  const { call, maxHops, kinds, lab } = situation;
  const theirs = await mtr(await situation.fresh(), call, { maxHops, ...ROUNDS });
  for (const kind of kinds) {
    const ours = await (await situation.fresh()).ours(kind, "mtr", {
      target: call.target,
      options: { timeout: TIMEOUT, maxHops, gapLimit: maxHops, ...ROUNDS },
    });
    const { probes } = await lab.truth();
    expectNone(kind.name, [...compareMtr(ours, theirs), ...lossOfHops(ours, probes)]);
  }
}

async function checkPing(situation: Situation): Promise<void> {
  const { call, kinds, lab } = situation;
  for (const kind of kinds) {
    await expectEqualMinima(async () => {
      const theirs = await ping(await situation.fresh(), call, PROBES);
      const theirTook = leastTook(await lab.truth());
      const ours = await (await situation.fresh()).ours(kind, "ping", {
        target: call.target,
        options: { timeout: TIMEOUT, ...PROBES },
      });
      const truth = await lab.truth();
      expectNone(kind.name, [...comparePing(ours, theirs), ...lossOfReplies(ours, truth.probes)]);
      const { min } = ours.result.statistics;
      return {
        ours: min === null ? null : min - leastTook(truth),
        theirs: theirs.min === null ? null : theirs.min - theirTook,
      };
    });
  }
}

/**
 * What the quickest answer of the target took, in milliseconds. The simulator wakes up as the
 * scheduler wills: where delays are random the least RTT is that of one certain probe, and no
 * number of others makes up for its being late.
 */
function leastTook({ probes }: Truth): number {
  return Math.min(
    ...probes.flatMap(({ answers }) =>
      answers.filter(isReply).map(({ took }) => took ?? Number.POSITIVE_INFINITY),
    ),
  );
}

/** Where our loss at a hop is not what the simulator did. */
function lossOfHops({ result }: Ours<"mtr">, probes: readonly ProbeTruth[]): string[] {
  return result.hops.flatMap(({ ttl, statistics }) =>
    unequal(
      `loss at hop ${ttl}, and what was lost`,
      statistics.lost,
      probes.filter((probe) => probe.ttl === ttl && !isAnswered(probe)).length,
    ),
  );
}

/** Where the loss of our ping is not what the simulator did. */
function lossOfReplies({ result }: Ours<"ping">, probes: readonly ProbeTruth[]): string[] {
  const lost = probes.filter(({ answers }) => !isAnswered({ answers: answers.filter(isReply) }));
  return unequal("loss, and what was lost", result.statistics.lost, lost.length);
}

function isReply({ type }: AnswerTruth): boolean {
  return type === 0 || type === 129;
}

function isAnswered({ answers }: Pick<ProbeTruth, "answers">): boolean {
  return answers.some(({ lost, isAdvice, isUnrecognisable }) => {
    return lost === undefined && !isAdvice && !isUnrecognisable;
  });
}

function expectNone(name: string, problems: readonly string[]): void {
  expect({ name, problems }).toEqual({ name, problems: [] });
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`There is no scenario ${name}`);
  return scenario;
}
