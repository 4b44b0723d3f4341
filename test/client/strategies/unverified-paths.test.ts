import { describe, expect, test } from "bun:test";
import type {
  EchoIcmpErrorResult,
  EchoResult,
  MtrRound,
} from "../../../src/client/results/results.ts";
import { isDecisive } from "../../../src/client/results/verdicts.ts";
import { exceededThroughNat, unreachableThroughNat } from "../../support/fake-nat.ts";
import { echoReply, type FakeNetwork, type FakeProbe } from "../../support/fake-network.ts";
import { routers } from "../../support/fake-path.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { scene } from "../support.ts";

const TARGET = "198.51.100.1";
const HOPS = routers(12);
const SIX = routers(12, 6);

/**
 * Twelve routers behind a NAT that leaves quoted checksums as they are; `other` may answer in their
 * place.
 */
function behindNat(
  other: (probe: FakeProbe) => ReturnType<FakeNetwork> | undefined = () => undefined,
) {
  return {
    network: (probe: FakeProbe) => {
      const answers = other(probe);
      if (answers !== undefined) return answers;
      const from = (probe.family === 4 ? HOPS : SIX)[probe.ttl - 1];
      const delayMs = 10 * probe.ttl;
      return from === undefined
        ? [echoReply(probe, { delayMs: 130 })]
        : [exceededThroughNat(probe, { from, delayMs })];
    },
  };
}

/** What the callbacks of a run heard. */
function listener() {
  const provisional: EchoIcmpErrorResult[] = [];
  const results: EchoResult[] = [];
  return {
    provisional,
    results,
    callbacks: {
      onProvisional: (result: EchoIcmpErrorResult) => provisional.push(result),
      onResult: (result: EchoResult) => results.push(result),
    },
  };
}

describe("traceroute() through a NAT that leaves quoted checksums", () => {
  for (const kind of SOCKET_KINDS) {
    test(`finds twelve hops within 1.2 timeouts, each probe with one result, ${kind.name}`, async () => {
      const { client, outcome, watch, nowMs } = scene(behindNat(), { privileged: kind.privileged });
      const heard = listener();
      const trace = client.traceroute(kind.target, heard.callbacks);
      const seen = watch(trace);
      const { hops, reached, stopReason } = await outcome(trace);
      expect(nowMs()).toBeLessThan(1200);
      expect([reached, stopReason]).toEqual([true, "target"]);
      expect(hops.map(({ ttl, responders }) => [ttl, responders.map(({ rtts }) => rtts)])).toEqual(
        Array.from({ length: 13 }, (_, index) => [
          index + 1,
          [[10, 10, 10].map((ms) => ms * (index + 1))],
        ]),
      );
      const flags = hops.map(({ probes }) =>
        probes.map((each) => each.kind === "icmpError" && each.unverified),
      );
      expect(flags).toEqual(
        Array.from({ length: 13 }, (_, index) => [0, 1, 2].map(() => index < 12)),
      );
      await seen.ended;
      expect(seen.items).toEqual([...hops]);
      // The first comes while nothing is decided yet.
      expect(heard.provisional[0]?.rtt).toBe(10);
      expect(heard.provisional).toHaveLength(36);
      const numbers = heard.results.filter(isDecisive).map(({ request }) => request.number);
      expect(new Set(numbers).size).toBe(numbers.length);
      // One more may be answered at the moment at which the target is found.
      expect(numbers.filter((number) => number <= 39)).toHaveLength(39);
    });
  }

  test("sends one probe after the other without waiting for timeouts", async () => {
    const { client, outcome, nowMs } = scene(behindNat());
    const { hops } = await outcome(client.traceroute(TARGET, { concurrency: 1, probes: 1 }));
    expect(hops).toHaveLength(13);
    // 10 + 20 + ... + 130 ms of round trips, then one timeout for the last hop but one.
    expect(nowMs()).toBeLessThan(910 + 1000);
  });

  test("is done as fast as without, once two checksums have proven the NAT", async () => {
    const { client, outcome, nowMs } = scene(behindNat());
    const payload = new Uint8Array(32).fill(7);
    const { hops } = await outcome(client.traceroute(TARGET, { payload }));
    expect(nowMs()).toBeLessThan(500);
    expect(
      hops.flatMap(({ probes }) => probes).some((each) => "unverified" in each && each.unverified),
    ).toBe(false);
  });
});

describe("traceroute() and an unverified unreachable", () => {
  /** One about the third hop, from somebody who saw nothing. */
  const forged = (probe: FakeProbe) =>
    probe.ttl === 3
      ? [unreachableThroughNat(probe, { from: "203.0.113.66", delayMs: 1 })]
      : undefined;

  test("is not ended by it where somebody farther away gives a verified answer", async () => {
    const { client, outcome } = scene(behindNat(forged));
    const { hops, reached, stopReason } = await outcome(client.traceroute(TARGET));
    expect([hops.length, reached, stopReason]).toEqual([13, true, "target"]);
    expect(hops[2]?.probes.map(({ error }) => error)).toEqual(
      Array(3).fill("dest_unreachable(code=1)"),
    );
  });

  test("is ended by it where nobody does, and not before the timeout", async () => {
    const { client, outcome, watch, nowMs } = scene(
      behindNat((probe) => forged(probe) ?? (probe.ttl > 3 ? [] : undefined)),
    );
    const trace = client.traceroute(TARGET);
    const seen = watch(trace);
    const { hops, reached, stopReason } = await outcome(trace);
    expect([hops.length, reached, stopReason]).toEqual([3, false, "unreachable"]);
    expect(nowMs()).toBeWithin(1000, 1200);
    await seen.ended;
    expect(Math.min(...seen.atMs)).toBeGreaterThanOrEqual(1000);
  });

  test("gives way to the true answer of the hop", async () => {
    const { client, outcome, nowMs } = scene({
      network: (probe) => [
        unreachableThroughNat(probe, { from: "203.0.113.66", delayMs: 1 }),
        echoReply(probe, { delayMs: 20 }),
      ],
    });
    const { hops, stopReason } = await outcome(client.traceroute(TARGET));
    expect([hops.length, stopReason]).toEqual([1, "target"]);
    expect(hops[0]?.responders.map(({ addr }) => addr)).toEqual([TARGET]);
    expect(nowMs()).toBeLessThan(100);
  });
});

describe("mtr() through a NAT that leaves quoted checksums", () => {
  const addresses = ({ hops }: MtrRound) => hops.map(({ addr }) => addr);

  test("finds the whole path in its first round, and counts its unverified answers", async () => {
    const { client, outcome } = scene(behindNat());
    const heard = listener();
    const result = await outcome(client.mtr(TARGET, { count: 2, gapLimit: 2, ...heard.callbacks }));
    expect(addresses(result)).toEqual([...HOPS, TARGET]);
    expect(result.hops.map(({ statistics }) => statistics.received)).toEqual(Array(13).fill(2));
    expect(
      result.hops.map(({ addresses }) => addresses.map(({ unverified }) => unverified)),
    ).toEqual(Array.from({ length: 13 }, (_, index) => [index < 12 ? 2 : 0]));
    expect(heard.provisional.filter(({ request }) => request.ttl === 1)).toHaveLength(2);
  });

  test("keeps the hops beyond an unverified unreachable while somebody there gives verified answers", async () => {
    const { client, outcome } = scene(
      behindNat((probe) =>
        probe.ttl === 3 ? [unreachableThroughNat(probe, { from: "203.0.113.66" })] : undefined,
      ),
    );
    const result = await outcome(client.mtr(TARGET, { count: 3 }));
    expect(addresses(result)).toEqual([
      ...HOPS.slice(0, 2),
      "203.0.113.66",
      ...HOPS.slice(3),
      TARGET,
    ]);
    expect(result.reached).toBe(true);
  });

  test("lets one end the path when the target has fallen silent for a round", async () => {
    const cutFrom = 20 * 13;
    let sent = 0;
    const { client, outcome } = scene(
      behindNat((probe) => {
        sent += 1;
        if (sent <= cutFrom || probe.ttl < 3) return undefined;
        return [unreachableThroughNat(probe, { from: HOPS[2] ?? "", delayMs: 30 })];
      }),
    );
    const result = await outcome(client.mtr(TARGET, { count: 25 }));
    expect(addresses(result)).toEqual(HOPS.slice(0, 3));
  });
});
