import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { outputOf } from "../lab/namespaces.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { CrowdInput, CrowdReport } from "./children/crowd.ts";

setDefaultTimeout(60_000);

const CLIENTS = 20;
const COUNT = 20;

describeIf(requiresLab("ping"), "many clients on one host", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const family of [4, 6] as const) {
    test(`IPv${family}: ${CLIENTS} clients in each of four processes take only their own replies, and not ping's`, async () => {
      const loopback = family === 4 ? "127.0.0.1" : "::1";
      const targets = [chain.destination[family], loopback];
      // As root: nobody may not run a program with file capabilities, as ping(8) often is, once
      // they are out of bounds.
      const others = targets.map((target) =>
        chain.source.spawn(["ping", "-q", "-i", "0.005", target]),
      );
      const kinds = SOCKET_KINDS.filter((kind) => kind.family === family);
      const reports = await Promise.all(
        [...kinds, ...kinds].map(async ({ privileged, as }) => {
          const input: CrowdInput = { clients: CLIENTS, targets, count: COUNT, privileged };
          return (await chain.source.run("crowd.ts", input, { as })) as CrowdReport[];
        }),
      );
      const sent = CLIENTS * targets.length * COUNT;
      for (const [report] of reports) {
        expect(report).toMatchObject({
          sent,
          received: sent,
          duplicates: 0,
          late: 0,
          corrupt: 0,
          errors: 0,
          wrong: 0,
        });
      }
      for (const [report] of reports) expect(report?.identifiers).toBeGreaterThan(CLIENTS - 3);
      for (const other of others) {
        expect(other.exitCode).toBeNull();
        other.kill("SIGINT");
        const summary = await outputOf(other, "ping");
        const [, transmitted, received] =
          /(\d+) packets transmitted, (\d+) received/.exec(summary) ?? [];
        expect(Number(transmitted)).toBeGreaterThan(10);
        // And ping is not disturbed either; its last request may have been on its way.
        expect(Number(transmitted) - Number(received)).toBeLessThan(3);
      }
    });
  }
});
