import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measure, resultOf } from "../lab/measure.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

const COUNT = 5;
const INTERVAL = 100;
const SLACK = 100;

describeIf(requiresLab(), "slack on a real kernel", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: answers wait to be read, and their times do not`, async () => {
      const options = { count: COUNT, interval: INTERVAL };
      const destination = chain.destination[kind.family];
      const hop = chain.hops[kind.family][0] ?? "";
      const [first, second, third] = await measure(
        chain.source,
        kind,
        [
          { method: "ping", target: destination, options },
          { method: "multiping", target: [hop, destination], options },
          { method: "mtr", target: destination, options },
        ] as const,
        { client: { slack: SLACK } },
      );
      const many = resultOf(second).targets;
      const results = [...resultOf(first).results, ...many.flatMap((target) => target.results)];
      expect(results).toHaveLength(3 * COUNT);
      for (const { kind, rttSource, request, reply } of results) {
        expect([kind, rttSource]).toEqual(["reply", "kernel"]);
        const sentAt = request.sentPacket?.timestamp ?? Number.NaN;
        const receivedAt = reply?.receivedPacket.receivedAt ?? Number.NaN;
        // Answers come at once here, and are read a slack later or more.
        expect(receivedAt - sentAt).toBeLessThan(SLACK);
      }
      const { hops, reached } = resultOf(third);
      expect(reached).toBe(true);
      expect(hops.map(({ statistics }) => [statistics.sent, statistics.lost])).toEqual([
        [COUNT, 0],
        [COUNT, 0],
      ]);
    });
  }
});
