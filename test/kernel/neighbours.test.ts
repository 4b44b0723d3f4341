import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Json } from "../lab/json.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { NeighboursInput, NeighboursReport } from "./children/neighbours.ts";

setDefaultTimeout(60_000);

// A packet to a neighbour that does not answer ARP or neighbour discovery stays in the kernel for
// 3 s, and takes room in the send buffer of its socket. What sockets may send without privilege
// (net.core.wmem_max) is no matter here: they begin with 208 KiB, and ask for no more than that.
describeIf(requiresLab(), "silent neighbours", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    for (const [host, device, own] of [
      [chain.source, "above", 1],
      [chain.target, "below", 2],
    ] as const) {
      await host.exec("ip", "addr", "add", `10.88.0.${own}/21`, "dev", device);
      await host.exec("ip", "addr", "add", `fd88::${own}/64`, "dev", device, "nodad");
    }
    await chain.target.exec("ip", "addr", "add", "10.88.7.2/21", "dev", "below");
    await chain.target.exec("ip", "addr", "add", "fd88::702/64", "dev", "below", "nodad");
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  async function run(
    { family, privileged, as }: SocketKind,
    { dead, ...input }: Omit<NeighboursInput, "privileged" | "targets"> & { readonly dead: number },
  ): Promise<Json<NeighboursReport>> {
    const at = (index: number): string =>
      family === 4 ? `10.88.${index >> 8}.${index & 0xff}` : `fd88::${index.toString(16)}`;
    // The second that lives is the last to be begun.
    const targets = [
      at(2),
      ...Array.from({ length: dead }, (_, index) => at(3 + index)),
      at(0x702),
    ];
    const [report] = await chain.source.run(
      "neighbours.ts",
      { ...input, privileged, targets },
      { as },
    );
    if (report === undefined) throw new Error("The child printed nothing");
    return report as Json<NeighboursReport>;
  }

  async function runAll(
    input: Omit<NeighboursInput, "privileged" | "targets"> & { readonly dead: number },
    kinds: readonly SocketKind[] = SOCKET_KINDS,
  ): Promise<{ name: string; report: Json<NeighboursReport> }[]> {
    return Promise.all(
      kinds.map(async (kind) => ({ name: kind.name, report: await run(kind, input) })),
    );
  }

  test("a sweep finds the two that live among 251", async () => {
    for (const { name, report } of await runAll({ method: "sweep", dead: 251 })) {
      expect([name, ...report.answered]).toEqual([name, 1, 1]);
      expect([name, report.others["ENOBUFS"]]).toEqual([name, undefined]);
    }
  });

  describe("multiping", () => {
    test("ten at 1,400 bytes each 100 ms cost two that live nothing", async () => {
      const options = { count: 40, interval: 100, size: 1400 };
      for (const { name, report } of await runAll({ method: "multiping", dead: 10, options })) {
        expect([name, ...report.answered]).toEqual([name, 40, 40]);
        expect([name, report.others["ENOBUFS"]]).toEqual([name, undefined]);
      }
    });

    test("251 at the default options cost two that live nothing, and are timed out for themselves", async () => {
      const options = { count: 5 };
      for (const { name, report } of await runAll({ method: "multiping", dead: 251, options })) {
        expect([name, ...report.answered]).toEqual([name, 5, 5]);
        expect([name, report.others["ENOBUFS"]]).toEqual([name, undefined]);
      }
    });

    // The kernel's table has room for 1,024 of each family (gc_thresh3), this machine's others included.
    for (const pair of [SOCKET_KINDS.slice(0, 2), SOCKET_KINDS.slice(2)]) {
      test(`900 cost two that live nothing: ${pair.map(({ name }) => name).join(", ")}`, async () => {
        const input = {
          method: "multiping",
          dead: 900,
          options: { count: 4 },
          againAfterMs: 3500,
        } as const;
        for (const { name, report } of await runAll(input, pair)) {
          expect([name, ...report.answered]).toEqual([name, 4, 4]);
          expect(report.others["timeout"]).toBeGreaterThan(900);
          // Those that were opened for want of room are closed when they hold nothing any more.
          expect(report.mostSockets).toBeGreaterThan(1);
          expect(report.mostSockets).toBeLessThanOrEqual(16);
          expect([name, report.lastSockets]).toEqual([name, 1]);
        }
      });
    }
  });
});
