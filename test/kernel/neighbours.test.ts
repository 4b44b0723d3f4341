import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Json } from "../lab/json.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import type { Namespace } from "../lab/namespaces.ts";
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
  ): Promise<{ name: string; sockets: number; report: Json<NeighboursReport> }[]> {
    return Promise.all(
      kinds.map(async (kind) => {
        const { name, sockets } = kind;
        return { name, sockets, report: await run(kind, input) };
      }),
    );
  }

  test("a sweep finds the two that live among 251", async () => {
    for (const { name, report } of await runAll({ method: "sweep", dead: 251 })) {
      expect([name, report.first, report.last]).toEqual([name, { reply: 1 }, { reply: 1 }]);
      expect([name, report.others["ENOBUFS"]]).toEqual([name, undefined]);
    }
  });

  for (const pair of [SOCKET_KINDS.slice(0, 2), SOCKET_KINDS.slice(2)]) {
    const names = pair.map(({ name }) => name).join(", ");

    // More than the kernel's table has room for (gc_thresh3).
    test(`a sweep finds the two that live among 1,200, and calls none silent that got no probe: ${names}`, async () => {
      await emptyTables(chain.source);
      for (const { name, report } of await runAll({ method: "sweep", dead: 1200 }, pair)) {
        expect([name, report.first, report.last]).toEqual([name, { reply: 1 }, { reply: 1 }]);
        const { totals } = report;
        if (totals === null) throw new Error("The sweep has no totals");
        expect(totals).toMatchObject({ hosts: 1202, answered: 2 });
        expect(totals.silent + totals.icmpErrors + totals.noRoom).toBe(1200);
        // Two for each host that was silent, one for each that an error told of.
        expect(totals.sent).toBeGreaterThanOrEqual(2 * totals.silent + totals.icmpErrors);
      }
    });
  }

  describe("multiping", () => {
    test("ten at 1,400 bytes each 100 ms cost two that live nothing", async () => {
      const options = { count: 40, interval: 100, size: 1400 };
      for (const { name, report } of await runAll({ method: "multiping", dead: 10, options })) {
        expect([name, report.first, report.last]).toEqual([name, { reply: 40 }, { reply: 40 }]);
        expect([name, report.others["ENOBUFS"]]).toEqual([name, undefined]);
      }
    });

    test("251 at the default options cost two that live nothing, and are timed out for themselves", async () => {
      const options = { count: 5 };
      for (const { name, report } of await runAll({ method: "multiping", dead: 251, options })) {
        expect([name, report.first, report.last]).toEqual([name, { reply: 5 }, { reply: 5 }]);
        expect([name, report.others["ENOBUFS"]]).toEqual([name, undefined]);
      }
    });

    // The kernel's table has room for 1,024 of each family (gc_thresh3), this machine's others
    // included.
    for (const pair of [SOCKET_KINDS.slice(0, 2), SOCKET_KINDS.slice(2)]) {
      const names = pair.map(({ name }) => name).join(", ");

      test(`900 cost two that live nothing: ${names}`, async () => {
        const options = { count: 4 };
        const input = { method: "multiping", dead: 900, options, againAfterMs: 3500 } as const;
        for (const { name, report, sockets } of await runAll(input, pair)) {
          expect([name, report.first, report.last]).toEqual([name, { reply: 4 }, { reply: 4 }]);
          expect(report.others["timeout"]).toBeGreaterThan(900);
          // Those that were opened to gain room are closed when they hold nothing any more.
          expect(report.mostSockets).toBeGreaterThan(sockets);
          expect(report.mostSockets).toBeLessThan(16 + sockets);
          expect([name, report.lastSockets]).toEqual([name, sockets]);
        }
      });

      test(`1,300 cost one that is known nothing, and where there is no room is not loss: ${names}`, async () => {
        const input = { method: "multiping", dead: 1300, options: { count: 4 } } as const;
        for (const { name, report } of await runAll(input, pair)) {
          expect([name, report.first]).toEqual([name, { reply: 4 }]);
          // Whether there is room for the last is a matter of luck.
          const { reply = 0, ENOBUFS = 0 } = report.last;
          expect([name, reply + ENOBUFS]).toEqual([name, 4]);
          expect(report.others["ENOBUFS"]).toBeGreaterThan(250);
          expect([name, report.others["EINVAL"]]).toEqual([name, undefined]);
        }
      });
    }

    test("where the table is full of others, all that is refused says so, and nobody is lost", async () => {
      await emptyTables(chain.source);
      await chain.source.exec("ping", "-c1", "-W2", "10.88.0.2");
      await chain.source.exec("ping", "-c1", "-W2", "fd88::2");
      await fillTables(chain.source);
      try {
        const options = { count: 10, interval: 50, timeout: 400 };
        for (const { name, report } of await runAll({ method: "multiping", dead: 10, options })) {
          expect([name, report.first, report.measured]).toEqual([name, { reply: 10 }, 10]);
          expect([name, report.others]).toEqual([name, { ENOBUFS: 100 }]);
        }
        for (const { name, report } of await runAll({ method: "sweep", dead: 10 })) {
          expect([name, report.first]).toEqual([name, { reply: 1 }]);
          expect([name, report.others]).toEqual([name, { ENOBUFS: 10 }]);
          expect([name, report.totals?.silent]).toEqual([name, 0]);
        }
      } finally {
        await emptyTables(chain.source);
      }
    });
  });
});

/**
 * Takes away what tests before have left, which comes in the way of others on this machine, too.
 */
async function emptyTables(host: Namespace): Promise<void> {
  for (const family of ["-4", "-6"])
    await host.exec("ip", family, "neigh", "flush", "dev", "above");
}

/**
 * Fills the tables of neighbours with some that are known, so that the kernel drops none of them
 * for others.
 */
async function fillTables(host: Namespace): Promise<void> {
  const known = "lladdr 02:00:00:00:00:01 nud reachable dev above";
  for (const [family, at] of [
    ["-4", (index: number) => `10.89.${index >> 8}.${index & 0xff}`],
    ["-6", (index: number) => `fd89::${index.toString(16)}`],
  ] as const) {
    const lines = Array.from(
      { length: 1024 },
      (_, index) => `neigh replace ${at(index + 1)} ${known}`,
    );
    // The last of them find no room.
    const script = `ip -force ${family} -batch - || true`;
    await host.exec("sh", "-c", `printf '%s\n' "$1" | { ${script}; }`, "sh", lines.join("\n"));
  }
}
