import { describe, expect, test } from "bun:test";
import { decodeExtensions } from "../../src/packet/extensions.ts";
import { decodeIcmpv4, type Icmpv4Message } from "../../src/packet/icmpv4.ts";
import { decodeIpv4Header } from "../../src/packet/ipv4.ts";
import { SCENARIOS } from "../scenarios/all.ts";
import { Departures } from "./departures.ts";
import { Fate } from "./fate.ts";
import { Internet } from "./internet.ts";
import { allocate, viewOf } from "./probe-packet.ts";
import { TokenBucket } from "./rate-limit.ts";
import { addressPair, checkScenario, type Node, node, type Scenario } from "./scenario.ts";
import { SOURCE } from "./simulator.ts";
import type { ProbeTruth } from "./truth.ts";

const MS = 1e6;
const START = 1000 * MS;

/** A scenario with these nodes in a row, the last of them the target. */
function chain(nodes: Readonly<Record<string, Node>>, seed = 1): Scenario {
  const names = Object.keys(nodes);
  const to = names.at(-1) ?? "";
  return {
    name: "test",
    about: "",
    seed,
    nodes,
    routes: [{ to, via: names.slice(0, -1) }],
    runs: [],
  };
}

/**
 * An IPv4 packet from the source, from scratch: header without checksum, then 8 bytes and the data.
 */
function packet(options: {
  readonly to?: string;
  readonly ttl?: number;
  readonly protocol?: number;
  readonly words?: readonly number[];
  readonly size?: number;
}): Uint8Array {
  const {
    to = "10.20.0.100",
    ttl = 64,
    protocol = 1,
    words = [0x0800, 0x1234, 7, 1],
    size = 56,
  } = options;
  const bytes = allocate(28 + size);
  const view = viewOf(bytes);
  view.setUint8(0, 0x45);
  view.setUint16(2, bytes.length);
  view.setUint8(8, ttl);
  view.setUint8(9, protocol);
  bytes.set(SOURCE[4].split(".").map(Number), 12);
  bytes.set(to.split(".").map(Number), 16);
  for (const [index, word] of words.entries()) view.setUint16(20 + 2 * index, word);
  return bytes;
}

/**
 * Sends packets 1 ms apart, and gives what became of them once everything has departed, and the
 * departed bytes.
 */
function play(scenario: Scenario, packets: readonly Uint8Array[]) {
  const internet = new Internet(scenario, SOURCE);
  for (const [index, bytes] of packets.entries()) internet.receive(bytes, START + index * MS);
  const departed: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  for (;;) {
    const { nextNs } = internet;
    const due = nextNs === undefined ? undefined : internet.takeDue(nextNs);
    if (due === undefined) break;
    departed.push({ at: (due.atNs - START) / MS, bytes: due.bytes });
  }
  return { probes: internet.truth().probes, ignored: internet.truth().ignored, departed };
}

function icmpOf(bytes: Uint8Array | undefined): Icmpv4Message {
  const view = viewOf(bytes ?? new Uint8Array());
  const { headerLength } = decodeIpv4Header(view);
  return decodeIcmpv4(new DataView(view.buffer, view.byteOffset + headerLength));
}

function fatesOf(probes: readonly ProbeTruth[]): string[] {
  return probes.map(({ ttl, ordinal, lost, answers }) =>
    JSON.stringify([ttl, ordinal, lost, answers.map(({ delay }) => delay)]),
  );
}

const LOSSY = chain({
  r1: node(1, { delay: 1, jitter: { exponential: 3 } }),
  r2: node(2, {
    jitter: { normal: 2 },
    effects: [
      { on: "back", pick: { random: 0.3 }, action: { kind: "drop" } },
      { on: "there", pick: { bursts: { enter: 0.2, leave: 0.5 } }, action: { kind: "drop" } },
    ],
  }),
  target: node(100, { jitter: { uniform: 5 } }),
});

describe("Internet", () => {
  test("gives the same packets the same fate, in whichever order TTLs interleave", () => {
    const ttls = Array.from({ length: 90 }, (_, index) => 1 + (index % 3));
    const interleaved = play(
      LOSSY,
      ttls.map((ttl) => packet({ ttl })),
    ).probes;
    const sorted = play(
      LOSSY,
      ttls.toSorted().map((ttl) => packet({ ttl })),
    ).probes;
    expect(fatesOf(sorted)).toEqual(fatesOf(interleaved).toSorted((a, b) => order(a) - order(b)));
    expect(interleaved.filter(({ lost }) => lost !== undefined).length).toBeGreaterThan(20);
    const other = play(
      { ...LOSSY, seed: 2 },
      ttls.map((ttl) => packet({ ttl })),
    ).probes;
    expect(fatesOf(other)).not.toEqual(fatesOf(interleaved));
  });

  test("answers after the delay of the path, with the TTL that is left", () => {
    const { departed, probes } = play(
      chain({
        r1: node(1, { delay: { there: 1, back: 4 } }),
        target: node(100, { delay: 2, initialTtl: 255 }),
      }),
      [packet({}), packet({ ttl: 1 })],
    );
    // The second packet leaves 1 ms after the first and has 5 ms to go.
    expect(departed.map(({ at }) => at)).toEqual([6, 9]);
    expect(departed.map(({ bytes }) => decodeIpv4Header(viewOf(bytes)).ttl)).toEqual([64, 254]);
    expect(probes.map(({ path }) => path)).toEqual([["r1", "target"], ["r1"]]);
    expect(probes[0]?.answers[0]?.took).toBeCloseTo(9, 9);
    expect(icmpOf(departed[1]?.bytes)).toMatchObject({
      kind: "echoReply",
      identifier: 7,
      sequence: 1,
    });
    const error = icmpOf(departed[0]?.bytes);
    if (error.kind !== "timeExceeded") throw new Error(`It is ${error.kind}`);
    expect(decodeIpv4Header(viewOf(error.originalDatagram)).ttl).toBe(1);
  });

  test("ignores what is for nobody, fragments and answers", () => {
    const fragment = packet({});
    viewOf(fragment).setUint16(6, 0x2000);
    const reply = packet({ words: [0, 0, 7, 1] });
    const { ignored, probes } = play(LOSSY, [
      packet({ to: "192.0.2.1" }),
      fragment,
      reply,
      new Uint8Array(3),
    ]);
    expect(ignored).toBe(4);
    expect(probes).toEqual([]);
  });

  test("answers UDP by port unreachable, TCP by a reset, and balances both by their ports", () => {
    const branches = [["a"], ["b"]];
    const balanced: Scenario = {
      ...chain({ target: node(100) }),
      nodes: { a: node(1), b: node(2), target: node(100) },
      routes: [{ to: "target", via: [{ balance: "flow", branches }] }],
    };
    const ports = Array.from({ length: 20 }, (_, index) => 33_000 + index);
    for (const protocol of [17, 6]) {
      const packets = ports.map((port) => packet({ protocol, words: [40_000, port, 0, 9] }));
      const { probes, departed } = play(balanced, [...packets, ...packets]);
      const taken = probes.map(({ path }) => path[0]);
      expect(new Set(taken)).toEqual(new Set(["a", "b"]));
      expect(taken.slice(20)).toEqual(taken.slice(0, 20));
      const [first] = departed;
      if (protocol === 17) expect(icmpOf(first?.bytes)).toMatchObject({ type: 3, code: 3 });
      else {
        const segment = viewOf((first?.bytes ?? new Uint8Array()).subarray(20));
        expect([segment.getUint16(0), segment.getUint16(2)]).toEqual([33_000, 40_000]);
        expect(segment.getUint32(8)).toBe(10);
        expect(segment.getUint8(13)).toBe(0x14);
      }
    }
  });

  test("balances ICMP by checksum and identifier alone", () => {
    const branches = [["a"], ["b"]];
    const balanced: Scenario = {
      ...chain({ target: node(100) }),
      nodes: { a: node(1), b: node(2), target: node(100) },
      routes: [{ to: "target", via: [{ balance: "flow", branches }] }],
    };
    const pathsOf = (words: (index: number) => readonly number[]): Set<string | undefined> => {
      const packets = Array.from({ length: 30 }, (_, index) => packet({ words: words(index) }));
      return new Set(play(balanced, packets).probes.map(({ path }) => path[0]));
    };
    expect(pathsOf((index) => [0x0800, 0x1234, 7, index]).size).toBe(1);
    expect(pathsOf((index) => [0x0800, index, 7, 1]).size).toBe(2);
    expect(pathsOf((index) => [0x0800, 0x1234, index, 1]).size).toBe(2);
  });

  test("quotes through a NAT what that NAT leaves", () => {
    const quoteThrough = (restores: "all" | "identifier" | "nothing") => {
      const nat = { source: addressPair(200), identifier: 1000, restores };
      const { departed } = play(chain({ nat: node(1, { nat }), r2: node(2), target: node(100) }), [
        packet({ ttl: 2 }),
      ]);
      const error = icmpOf(departed[0]?.bytes);
      if (error.kind !== "timeExceeded") throw new Error(`It is ${error.kind}`);
      const { source } = decodeIpv4Header(viewOf(error.originalDatagram));
      return [source, viewOf(error.originalDatagram).getUint16(24)];
    };
    expect(quoteThrough("all")).toEqual([SOURCE[4], 7]);
    expect(quoteThrough("identifier")).toEqual(["10.20.0.200", 7]);
    expect(quoteThrough("nothing")).toEqual(["10.20.0.200", 1007]);
  });

  test("puts legacy extensions at offset 128 behind a length of zero, proper ones behind their length", () => {
    const label = { label: 5, trafficClass: 0, bottomOfStack: true, ttl: 1 };
    const objects = [{ kind: "mpls", labels: [label] } as const];
    const errorIn = (form: "legacy" | "proper", size: number): Uint8Array => {
      const { departed } = play(
        chain({ r1: node(1, { extensions: { form, objects } }), target: node(100) }),
        [packet({ ttl: 1, size })],
      );
      return departed[0]?.bytes.subarray(20) ?? new Uint8Array();
    };
    const extensionsAt = (message: Uint8Array, offset: number): unknown =>
      decodeExtensions(viewOf(message.subarray(8 + offset))).objects[0];
    for (const size of [0, 56, 400]) {
      const legacy = errorIn("legacy", size);
      expect(legacy[5]).toBe(0);
      expect(extensionsAt(legacy, 128)).toMatchObject({ labels: [label] });
      const proper = errorIn("proper", size);
      expect(proper[5]).toBe(Math.max(32, (28 + size) / 4));
      expect(extensionsAt(proper, (proper[5] ?? 0) * 4)).toMatchObject({ labels: [label] });
    }
  });

  test("changes the route at a packet or at a time", () => {
    const scenario = (from: { packet: number } | { ms: number }): Scenario => ({
      ...chain({ target: node(100) }),
      nodes: { old: node(1), late: node(2), target: node(100) },
      routes: [
        { to: "target", via: ["old"] },
        { to: "target", via: ["late"], from },
      ],
    });
    const packets = Array.from({ length: 6 }, () => packet({}));
    const routers = (from: { packet: number } | { ms: number }) =>
      play(scenario(from), packets).probes.map(({ path }) => path[0]);
    expect(routers({ packet: 3 })).toEqual(["old", "old", "late", "late", "late", "late"]);
    expect(routers({ ms: 4 })).toEqual(["old", "old", "old", "old", "late", "late"]);
  });
});

describe("Fate", () => {
  const subject = (ordinal: number) => ({ name: "target|64", ordinal });
  const ordinals = Array.from({ length: 20_000 }, (_, index) => index + 1);

  test("picks about as many packets as the probability says", () => {
    const fate = new Fate(5);
    const picked = ordinals.filter((ordinal) =>
      fate.picks({ random: 0.2 }, "rule", subject(ordinal)),
    );
    // Seven standard deviations of a binomial distribution.
    expect(Math.abs(picked.length - 4000)).toBeLessThan(400);
  });

  test("makes bursts of the length that `leave` says, as often as `enter` does", () => {
    const fate = new Fate(5);
    const pick = { bursts: { enter: 0.1, leave: 0.25 } };
    const states = ordinals.map((ordinal) => fate.picks(pick, "rule", subject(ordinal)));
    const lost = states.filter((state) => state).length;
    const bursts = states.filter((state, index) => state && !states[index - 1]).length;
    expect(lost / bursts).toBeCloseTo(4, 0);
    expect(lost / states.length).toBeCloseTo(0.1 / 0.35, 1);
  });

  test("picks by number", () => {
    const fate = new Fate(1);
    const picked = (pick: Parameters<Fate["picks"]>[0]) =>
      ordinals.slice(0, 10).filter((ordinal) => fate.picks(pick, "rule", subject(ordinal)));
    expect(picked({ every: 3 })).toEqual([3, 6, 9]);
    expect(picked({ every: 4, from: 2 })).toEqual([2, 6, 10]);
    expect(picked({ numbers: [1, 7] })).toEqual([1, 7]);
    expect(picked(undefined)).toHaveLength(10);
  });

  test("draws delays of the mean that each distribution has, and none below zero", () => {
    const fate = new Fate(9);
    const mean = (jitter: Parameters<Fate["jitter"]>[0]): number => {
      const delays = ordinals.map((ordinal) => fate.jitter(jitter, "link", subject(ordinal)));
      expect(delays.every((delay) => delay >= 0 && Number.isFinite(delay))).toBe(true);
      return delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    };
    expect(mean({ uniform: 4 })).toBeCloseTo(2, 1);
    expect(mean({ exponential: 4 })).toBeCloseTo(4, 0);
    expect(mean({ normal: 4 })).toBeCloseTo(4 * Math.sqrt(2 / Math.PI), 0);
    expect(mean(undefined)).toBe(0);
  });
});

test("TokenBucket lets a burst through, then the rate", () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 3 });
  const times = [1000, 1000, 1000, 1000, 1050, 1100, 1100, 5000, 5000, 5000, 5000];
  expect(times.map((time) => bucket.take(time))).toEqual([
    true,
    true,
    true,
    false,
    false,
    true,
    false,
    true,
    true,
    true,
    false,
  ]);
});

test("Departures come out by time, and in order of arrival at one time", () => {
  const departures = new Departures<{ readonly atNs: number; readonly id: number }>();
  const times = Array.from({ length: 500 }, (_, index) => (index * 7919) % 50);
  for (const [id, atNs] of times.entries()) departures.push({ atNs, id });
  expect(departures.takeDue(-1)).toBeUndefined();
  const out = Array.from(times, () => departures.takeDue(50));
  expect(out.map((item) => item?.id)).toEqual(
    times.map((_, id) => id).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b),
  );
  expect(departures.nextNs).toBeUndefined();
});

describe("scenarios", () => {
  test("are all in the list, under the name of their file", async () => {
    const files = await Array.fromAsync(
      new Bun.Glob("*.ts").scan(`${import.meta.dir}/../scenarios`),
    );
    const names = files
      .map((file) => file.slice(0, -".ts".length))
      .filter((name) => name !== "all");
    expect(SCENARIOS.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  test("fit together", () => {
    for (const scenario of SCENARIOS) checkScenario(scenario);
  });

  test("that do not are refused", () => {
    const target = node(100);
    expect(() => checkScenario(chain({ r1: node(100), target }))).toThrow("are both 10.20.0.100");
    const corrupt = { on: "there", action: { kind: "corrupt", what: "payload" } } as const;
    expect(() => checkScenario(chain({ target: node(100, { effects: [corrupt] }) }))).toThrow(
      "answers only",
    );
    const empty = {
      ...chain({ target }),
      routes: [{ to: "target", via: [{ balance: "packet", branches: [] }] }],
    };
    expect(() => checkScenario(empty as Scenario)).toThrow("without branches");
  });
});

/** Sorts fates by TTL, then ordinal. */
function order(fate: string): number {
  const [ttl, ordinal] = JSON.parse(fate) as [number, number];
  return ttl * 1000 + ordinal;
}
