import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { addDeadRoute, countOutput, reject } from "../lab/impairments.ts";
import type { Json } from "../lab/json.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import type { Namespace } from "../lab/namespaces.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { SweepInput, SweepReport } from "./children/sweep.ts";

setDefaultTimeout(60_000);

/** Networks behind the router: whose hosts all answer, and which the router says are prohibited. */
const LIVING = { 4: "10.90.0.0/20", 6: "fd90::/116" } as const;
const LIVING_HOSTS = { 4: 4094, 6: 4096 } as const;
const PROHIBITED = { 4: "10.92.0.0/20", 6: "fd92::/116" } as const;
const PROHIBITED_HOSTS = LIVING_HOSTS;
const SILENT = { 4: "10.91.0.2", 6: "fd91::2" } as const;
const UNSENDABLE = { 4: "10.91.0.3", 6: "fd91::3" } as const;

async function sweep(
  host: Namespace,
  { privileged, as }: SocketKind,
  input: Omit<SweepInput, "privileged">,
): Promise<Json<SweepReport>> {
  const [report] = await host.run("sweep.ts", { ...input, privileged }, { as });
  if (report === undefined) throw new Error("The sweep printed nothing");
  return report as Json<SweepReport>;
}

describeIf(requiresLab("nft"), "sweep on a real kernel", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
    const [router] = chain.routers;
    if (router === undefined) throw new Error("The chain has no router");
    // A "local" route makes a host answer for a whole prefix.
    await chain.target.exec("ip", "route", "add", "local", LIVING[4], "dev", "lo");
    await chain.target.exec("ip", "-6", "route", "add", "local", LIVING[6], "dev", "lo");
    for (const family of [4, 6] as const) {
      await reject(router, [
        { family, destination: PROHIBITED[family], reason: "admin-prohibited" },
      ]);
      await addDeadRoute(router, "blackhole", SILENT[family]);
      await addDeadRoute(chain.source, "unreachable", UNSENDABLE[family]);
    }
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    const { family, name } = kind;
    const count = LIVING_HOSTS[family];

    test(`${name}: ${count} hosts answer at full rate, each for itself`, async () => {
      const { hosts, totals, living } = await sweep(chain.source, kind, {
        targets: LIVING[family],
        options: { order: "random" },
        unpaced: true,
      });
      expect(totals).toMatchObject({
        hosts: count,
        answered: count,
        silent: 0,
        sendErrors: 0,
        failed: 0,
      });
      expect(totals).toMatchObject({ corrupt: 0, duplicates: 0, late: 0 });
      // A small receive buffer may overflow; what was lost by it was asked for again.
      expect(totals.sent).toBe(count + totals.overflows);
      expect(new Set(living).size).toBe(count);
      expect(new Set(hosts.map((host) => ("addr" in host ? host.addr : "")))).toEqual(
        new Set(living),
      );
      for (const host of hosts) {
        if (host.kind !== "reply") throw new Error(`Not a reply: ${JSON.stringify(host)}`);
        expect(host.from).toBe(host.addr);
        // One router on the way.
        expect(host.ttl).toBe(63);
        expect(host.rtt).toBeLessThan(1000);
      }
    });

    test(`${name}: the whole type of service byte is on the wire, ECN bits included`, async () => {
      const header = family === 4 ? "ip" : "ip6";
      const count = await countOutput(chain.source, [`${header} dscp 11 ${header} ecn ce`]);
      const targets = chain.destination[family];
      const { totals } = await sweep(chain.source, kind, {
        targets,
        options: { tos: 0x2f, retries: 0 },
      });
      expect(totals.answered).toBe(1);
      expect(await count()).toEqual([1]);
    });

    test(`${name}: errors come from the router for every host, at full rate`, async () => {
      const count = PROHIBITED_HOSTS[family];
      const { hosts, totals } = await sweep(chain.source, kind, {
        targets: PROHIBITED[family],
        options: { timeout: 3000 },
        unpaced: true,
      });
      expect(totals).toMatchObject({
        hosts: count,
        answered: 0,
        icmpErrors: count,
        silent: 0,
        late: 0,
      });
      const [type, code] = family === 4 ? [3, 13] : [1, 1];
      for (const host of hosts) {
        expect(host).toMatchObject({
          kind: "icmpError",
          type,
          code,
          from: chain.hops[family][0] ?? "",
        });
      }
      expect(new Set(hosts.map((host) => ("addr" in host ? host.addr : ""))).size).toBe(count);
    });

    test(`${name}: what ails one host leaves the others alone`, async () => {
      const targets = [
        chain.destination[family],
        SILENT[family],
        UNSENDABLE[family],
        chain.hops[family][0] ?? "",
      ];
      const { hosts, totals } = await sweep(chain.source, kind, {
        targets,
        options: { timeout: 200, retries: 2 },
      });
      const outcome = hosts.map((host) =>
        "addr" in host ? [host.addr, host.kind, host.attempts] : [],
      );
      expect(outcome.sort()).toEqual(
        [
          [chain.destination[family], "reply", 1],
          [SILENT[family], "timeout", 3],
          [UNSENDABLE[family], "sendError", 0],
          [chain.hops[family][0] ?? "", "reply", 1],
        ].sort(),
      );
      expect(totals).toMatchObject({ hosts: 4, sent: 5, answered: 2, silent: 1, sendErrors: 1 });
    });

    test(`${name}: an event loop held up costs no answer and no accuracy`, async () => {
      const { totals } = await sweep(chain.source, kind, {
        targets: LIVING[family],
        options: { rate: 20_000, timeout: 100, retries: 1 },
        block: { afterProbes: 400, forMs: 400 },
        printReplies: false,
      });
      expect(totals).toMatchObject({
        answered: LIVING_HOSTS[family],
        silent: 0,
        late: 0,
        duplicates: 0,
      });
      // The kernel's stamps say when the answers came, however late they were read.
      expect(totals.rtt.max).toBeLessThan(100);
    });
  }

  for (const kind of [SOCKET_KINDS[0], SOCKET_KINDS[2]]) {
    if (kind === undefined) throw new Error("There are four kinds of socket");

    test(`${kind.name}: an unpaced sweep of 65,534 hosts leaves the event loop to others`, async () => {
      const { totals, pinged } = await sweep(chain.source, kind, {
        targets: "127.1.0.0/16",
        options: { retries: 3 },
        unpaced: true,
        printReplies: false,
        ping: chain.destination[4],
      });
      expect(totals).toMatchObject({ hosts: 65_534, answered: 65_534, silent: 0 });
      expect(pinged.received).toBeGreaterThan(0);
      expect(pinged.lost).toBe(0);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: garbage is collected in the middle of batches: no crash, no wrong answer`, async () => {
      const { totals, living } = await sweep(chain.source, kind, {
        targets: LIVING[kind.family],
        unpaced: true,
        collectEvery: 50,
      });
      expect(totals).toMatchObject({
        answered: LIVING_HOSTS[kind.family],
        corrupt: 0,
        sendErrors: 0,
      });
      expect(new Set(living).size).toBe(LIVING_HOSTS[kind.family]);
    });
  }

  test("sweeps in a Worker, where sockets are polled", async () => {
    for (const kind of SOCKET_KINDS) {
      const { hosts, totals } = await sweep(chain.source, kind, {
        targets: [LIVING[kind.family], SILENT[kind.family]],
        options: { timeout: 300 },
        inWorker: true,
        printReplies: false,
      });
      expect(totals).toMatchObject({ answered: LIVING_HOSTS[kind.family], silent: 1 });
      expect(hosts).toHaveLength(1);
    }
  });

  test("several sweeps of several processes take only their own answers", async () => {
    const kinds = SOCKET_KINDS.filter(({ family }) => family === 4);
    const reports = await Promise.all(
      [...kinds, ...kinds].map((kind) =>
        sweep(chain.source, kind, {
          targets: LIVING[4],
          options: { rate: 10_000, timeout: 3000 },
          printReplies: false,
        }),
      ),
    );
    for (const { totals } of reports) {
      expect(totals).toMatchObject({
        answered: LIVING_HOSTS[4],
        duplicates: 0,
        late: 0,
        corrupt: 0,
        icmpErrors: 0,
      });
    }
  });
});
