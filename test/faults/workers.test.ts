import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { ThreadReport, WorkerLoadInput, WorkerLoadReport } from "./children/worker-load.ts";
import { runChild } from "./run-child.ts";

setDefaultTimeout(60_000);

const WORKERS = 3;

describeIf(requiresLab(), "clients in Workers under load", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  test("each thread has its own replies, all of them, and true RTTs", async () => {
    await Promise.all(
      SOCKET_KINDS.map(async ({ family, privileged, as }) => {
        const input: WorkerLoadInput = {
          target: chain.destination[family],
          workers: WORKERS,
          privileged,
        };
        const lines = await runChild(chain.source, "worker-load.ts", input, { as });
        const { sockets } = lines.pop() as WorkerLoadReport;
        const reports = lines as ThreadReport[];
        expect(reports.map(({ thread }) => thread)).toEqual([
          "main",
          "worker 0",
          "worker 1",
          "worker 2",
        ]);
        for (const { statistics, strays } of reports) {
          expect(statistics).toMatchObject({
            sent: 50,
            received: 50,
            lost: 0,
            duplicates: 0,
            corrupt: 0,
          });
          expect(strays).toBe(0);
          // The loops were blocked for 50 ms at a time.
          expect(statistics.p50).toBeLessThan(20);
        }
        // Of the Worker that was ended from outside its one socket is left; of the others nothing.
        const [before, during, after] = sockets;
        expect(during).toBeGreaterThan(before);
        expect(after).toBeLessThan(before + 2);
      }),
    );
  });
});
