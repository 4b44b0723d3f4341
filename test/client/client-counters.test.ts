import { expect, test } from "bun:test";
import type { Client } from "../../src/client/client.ts";
import { NO_COUNTS } from "../../src/client/results/counters.ts";
import { echoReply, type FakeNetwork, icmpError } from "../support/fake-network.ts";
import { scene } from "./support.ts";

const TARGET = "198.51.100.1";
/** RFC 792: advice to this host. */
const REDIRECT = 5;

/** A reply with a wrong checksum and a piece of advice come before each reply. */
const noisy: FakeNetwork = (probe) => {
  const reply = echoReply(probe, { delayMs: 3 });
  const icmp = reply.icmp.slice();
  icmp[2] = (icmp[2] ?? 0) ^ 0xff;
  return [
    { ...reply, icmp, keepChecksum: true, delayNs: 1_000_000 },
    icmpError(probe, { from: "192.0.2.1", type: REDIRECT, code: 1, delayMs: 2 }),
    reply,
  ];
};

const RUNS: readonly [string, (client: Client) => PromiseLike<unknown>, count: number][] = [
  ["probes", (client) => client.ping(TARGET, { count: 3 }), 3],
  ["a sweep", (client) => client.sweep([TARGET]), 1],
];

test.each(RUNS)("Client.counters has what %s heard and did not use", async (_, begin, count) => {
  const world = scene({ network: noisy });
  const { client } = world;
  expect(client.counters).toEqual(NO_COUNTS);
  await world.outcome(begin(client));
  const counted = { ...NO_COUNTS, corrupt: count, advice: count };
  expect(client.counters).toEqual(counted);
  client.close();
  expect(client.counters).toEqual(counted);
});
