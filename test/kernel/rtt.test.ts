import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measureOne } from "../lab/measure.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

const COUNT = 50;
const INTERVAL_MS = 10;
/** How much more than ping's our minimum may be, in milliseconds. */
const MARGIN = 0.1;
/** A machine that does something else in between may spoil a comparison, but not each of them. */
const ATTEMPTS = 3;

describeIf(requiresLab("ping"), "round-trip times on a real kernel", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: the least RTT is no more than ping's on the same path`, async () => {
      const comparisons: [ours: number, pings: number][] = [];
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const pings = await leastOfPing(chain, chain.destination[kind.family]);
        const { statistics } = await measureOne(chain.source, kind, {
          method: "ping",
          target: chain.destination[kind.family],
          options: { count: COUNT, interval: INTERVAL_MS },
        });
        expect(statistics.received).toBe(COUNT);
        const ours = statistics.min ?? Number.NaN;
        expect(ours).toBeGreaterThan(0);
        comparisons.push([ours, pings]);
        if (ours <= pings + MARGIN) return;
      }
      throw new Error(
        `Each time ours was more than ${MARGIN} ms longer: ${JSON.stringify(comparisons)}`,
      );
    });
  }
});

async function leastOfPing({ source }: Chain, target: string): Promise<number> {
  const output = await source.exec(
    "ping",
    "-q",
    "-c",
    `${COUNT}`,
    "-i",
    `${INTERVAL_MS / 1000}`,
    target,
  );
  const least = /min\/avg\/max\/mdev = ([\d.]+)\//.exec(output)?.[1];
  if (least === undefined) throw new Error(`ping printed no minimum: ${output}`);
  return Number(least);
}
