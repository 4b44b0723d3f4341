import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { fixtureDissection, fixtureNames, fixturePacket } from "../fixtures/tshark.ts";
import { capture } from "../lab/capture.ts";
import { requiresLab } from "../lab/kinds.ts";
import { openLab } from "../lab/open-lab.ts";
import { buildChain } from "../lab/topologies.ts";
import { ourDissection } from "../packet/dissection.ts";
import { SCENARIOS } from "../scenarios/all.ts";
import { toHex } from "../support/hex.ts";
import { describeIf, requires } from "../support/requires.ts";
import { RULES } from "./differences.ts";
import { compareDissections, judge, type Verdict } from "./dissect.ts";
import { captureInLab } from "./lab-capture.ts";
import { generator, mutate } from "./mutations.ts";
import { EXEC } from "./stand.ts";

setDefaultTimeout(60_000);

const FAMILIES = [4, 6] as const;
/** Scenarios whose answers look different on the wire. */
const SCENARIO_NAMES = [
  ...[
    "plain-chain",
    "mpls-proper",
    "mpls-legacy",
    "interface-information",
    "short-quotes",
    "short-quote-with-labels",
  ],
  ...[
    "redirects",
    "nat-leaving-addresses",
    "nat-leaving-quotes",
    "prohibited",
    "parameter-problem",
    "target-refuses",
  ],
];
/** What a traceroute sends: ICMP, UDP and TCP; and how large. */
const PROBES = [
  ["-I", "60"],
  ["-I", "600"],
  ["-U", "60"],
  ["-U", "200"],
  ["-T", "60"],
] as const;
const MUTANTS_OF_FIXTURE = 250;
const MUTANTS_OF_CAPTURE = 2;
const SEED = 20_231_105;
/**
 * The share of mutants, at least, of which both say the same. More differences would make the
 * comparison worthless.
 */
const ALIKE = 0.8;
/**
 * What even sound packets may need: e.g. quoted data at offset 128 are no extensions, though tshark
 * shows them as such.
 */
const RULES_OF_SOUND_PACKETS = [
  ...["unsoundStructure", "legacyIcmpv6Structure", "nonAsciiName", "cutTcpQuote", "tcpInRedirect"],
];

/** Mutants that chance would hardly make: a fixture, and which bytes of it to replace. */
const RARE_MUTANTS: readonly (readonly [
  fixture: string,
  changes: Readonly<Record<number, number>>,
])[] = [
  // The total length of the quoted header is 0.
  ["icmpv4-port-unreachable", { 31: 0 }],
  // The address is said to have no byte, and followed by four.
  ["icmpv4-extended-echo-by-address", { 35: 2, 41: 1 }],
  // The name begins with an e acute; the structure has no checksum.
  ["icmpv4-interface-information", { 158: 0, 159: 0, 177: 0xc3, 178: 0xa9 }],
  // No length field.
  ["icmpv6-mpls", { 44: 0 }],
  // A redirect that quotes TCP.
  ["icmpv4-time-exceeded-tcp", { 20: 5 }],
  // No more fragments.
  ["ipv6-first-fragment", { 43: 0 }],
  // Traffic class and payload length look like PPP.
  ["icmpv6-echo-reply", { 1: 0xff, 2: 0x03 }],
];

describeIf(requires.command("tshark"), "decoding beside tshark", () => {
  const mutants: Uint8Array[] = [];
  let verdicts: Verdict[] = [];

  beforeAll(() => {
    const random = generator(SEED);
    for (const name of fixtureNames()) {
      for (let count = 0; count < MUTANTS_OF_FIXTURE; count += 1)
        mutants.push(mutate(fixturePacket(name), random));
    }
    for (const [name, changes] of RARE_MUTANTS) {
      mutants.push(fixturePacket(name).map((byte, index) => changes[index] ?? byte));
    }
    verdicts = compareDissections(mutants);
  });

  test("mutated fixtures differ only as the list of differences says", () => {
    expect(mutants.length).toBeGreaterThan(2000);
    expect(unexplained(mutants, verdicts)).toEqual([]);
  });

  test("most mutated fixtures do not differ at all", () => {
    const alike = verdicts.filter(({ rules }) => rules.length === 0);
    expect(alike.length / verdicts.length).toBeGreaterThan(ALIKE);
  });

  test("the list of differences has nothing in it that does not occur", () => {
    const used = new Set(verdicts.flatMap(({ rules }) => rules));
    expect(RULES.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  test("a wrong value in any field of any fixture is found", () => {
    const missed = fixtureNames().flatMap((name) =>
      Object.entries(fixtureDissection(name))
        // Fields that we do not show are a matter of the list of differences.
        .filter(
          ([field]) => ourDissection(new DataView(fixturePacket(name).buffer))[field] !== undefined,
        )
        .filter(([field, values]) => {
          const tampered = [`${values[0]}0`, ...values.slice(1)];
          const theirs = { ...fixtureDissection(name), [field]: tampered };
          return judge(fixturePacket(name), theirs).unexplained.length === 0;
        })
        .map(([field]) => `${name} ${field}`),
    );
    expect(missed).toEqual([]);
  });

  test("fixtures do not differ", () => {
    const packets = fixtureNames().map(fixturePacket);
    const found = compareDissections(packets);
    expect(unexplained(packets, found)).toEqual([]);
    expect(rulesUsed(found)).toEqual([]);
  });
});

const CAPTURING = requires.all(
  requiresLab("tshark", "tcpdump", "traceroute", "ping", "nsenter"),
  requires.tun(),
);

describeIf(CAPTURING, "decoding beside tshark, what was captured", () => {
  const captured: Uint8Array[] = [];

  beforeAll(async () => {
    captured.push(...(await Promise.all([captureOnChain(), captureScenarios()])).flat());
  });

  test("packets of the chain and of the simulated internet do not differ", () => {
    expect(captured.length).toBeGreaterThan(1000);
    const found = compareDissections(captured);
    expect(unexplained(captured, found)).toEqual([]);
    expect(rulesUsed(found)).toEqual([]);
  });

  test("mutated, they differ only as the list of differences says", () => {
    const random = generator(SEED);
    const mutants = captured.flatMap((packet) =>
      Array.from({ length: MUTANTS_OF_CAPTURE }, () => mutate(packet, random)),
    );
    const found = compareDissections(mutants);
    expect(unexplained(mutants, found)).toEqual([]);
    expect(found.filter(({ rules }) => rules.length === 0).length / found.length).toBeGreaterThan(
      ALIKE,
    );
  });
});

/** What no rule explains, with the packet. */
function unexplained(packets: readonly Uint8Array[], verdicts: readonly Verdict[]): object[] {
  return verdicts.flatMap(({ unexplained: problems }, index) =>
    problems.length === 0 ? [] : [{ packet: toHex(packets[index] ?? new Uint8Array()), problems }],
  );
}

/** The rules that even sound packets needed, but for those that they may need. */
function rulesUsed(verdicts: readonly Verdict[]): string[] {
  const used = new Set(verdicts.flatMap(({ rules }) => rules));
  return [...used].filter((rule) => !RULES_OF_SOUND_PACKETS.includes(rule));
}

/** What the tools provoke from real routers and a real host. */
async function captureOnChain(): Promise<Uint8Array[]> {
  await using chain = await buildChain({ routers: 3, lastMtu: 1300 });
  const { source, destination, vacant } = chain;
  const capturing = await capture(source, "above", "ip or ip6");
  for (const family of FAMILIES) {
    const target = destination[family];
    for (const probes of PROBES) await source.exec(...traceroute(family, target, probes));
    for (const size of [0, 1, 56, 57, 1260, 1400, 3000]) {
      await source.exec(
        "ping",
        "-q",
        `-${family}`,
        "-c",
        "5",
        "-i",
        "0.002",
        "-W",
        "1",
        "-s",
        `${size}`,
        target,
      );
    }
    // Beyond the MTU with DF set, and with options.
    const extras =
      family === 4
        ? [["-R"], ["-T", "tsandaddr"], ["-M", "do", "-s", "1400"]]
        : [["-M", "do", "-s", "1400"]];
    for (const extra of [...extras, ["-Q", "0xb8"], ["-t", "2"]])
      await source.exec(...gracious(family, target, extra));
    await source.exec(...gracious(family, vacant[family], []));
  }
  return (await capturing.stop()).map(
    ({ ip }) => new Uint8Array(ip.buffer, ip.byteOffset, ip.byteLength),
  );
}

/** A ping that may stay without an answer. */
function gracious(family: 4 | 6, target: string, options: readonly string[]): string[] {
  const command = [
    "ping",
    "-n",
    `-${family}`,
    "-c",
    "3",
    "-i",
    "0.01",
    "-W",
    "0.2",
    ...options,
    target,
  ];
  return ["sh", "-c", `${command.join(" ")} || test $? -eq 1`];
}

function traceroute(
  family: 4 | 6,
  target: string,
  [method, size]: (typeof PROBES)[number],
): string[] {
  return [
    "traceroute",
    "-n",
    `-${family}`,
    method,
    "-q",
    "3",
    "-w",
    "0.3",
    "-m",
    "8",
    target,
    size,
  ];
}

/** What the tools provoke from simulated routers. */
async function captureScenarios(): Promise<Uint8Array[]> {
  const [first] = SCENARIOS;
  if (first === undefined) throw new Error("There are no scenarios");
  await using lab = await openLab(first);
  return await captureInLab(lab, async () => {
    for (const name of SCENARIO_NAMES) {
      const scenario = SCENARIOS.find((one) => one.name === name);
      const address = scenario?.nodes["target"]?.address;
      if (scenario === undefined || address === undefined)
        throw new Error(`There is no scenario ${name} with a target`);
      await lab.load(scenario);
      const runs = FAMILIES.flatMap((family) =>
        PROBES.map((probes) => lab.run(EXEC, traceroute(family, address[family], probes))),
      );
      await Promise.all(runs);
    }
  });
}
