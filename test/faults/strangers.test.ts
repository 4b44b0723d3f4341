import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import { measureOne } from "../lab/measure.ts";
import { type Addresses, buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { CostInput, CostReport } from "./children/cost.ts";
import type { ForeignInput } from "./children/foreign.ts";
import { runChild } from "./run-child.ts";
import { addSilentAddress } from "./silent-address.ts";

setDefaultTimeout(60_000);

const STORM = 100_000;
/** Reading and dropping so many cost 260 to 320 ms when the kernel let them through. */
const CPU_MARGIN_MS = 120;
const RTT_MARGIN_MS = 0.5;
/** A machine that does something else in between may spoil a comparison, but not each of them. */
const ATTEMPTS = 3;
const OWN = { 4: "10.77.1.1", 6: "fd77:1::1" } as const;

describeIf(requiresLab("nft"), "packets of strangers", () => {
  let chain: Chain;
  let silent: Addresses;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    silent = await addSilentAddress(chain);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  async function storm(input: Omit<ForeignInput, "from" | "to">): Promise<void> {
    const ends = { from: chain.destination[input.family], to: OWN[input.family] };
    const printed = await runChild(chain.target, "foreign.ts", { ...input, ...ends });
    expect(printed).toEqual([{ sent: input.packets }]);
  }

  async function cost({ family, privileged, as }: SocketKind): Promise<CostReport> {
    const input: CostInput = {
      target: chain.destination[family],
      privileged,
      count: 100,
      interval: 10,
    };
    const [report] = (await runChild(chain.source, "cost.ts", input, { as })) as CostReport[];
    if (report === undefined) throw new Error("The ping printed nothing");
    expect(report.statistics).toMatchObject({
      sent: 100,
      received: 100,
      lost: 0,
      duplicates: 0,
      corrupt: 0,
    });
    return report;
  }

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: ${STORM} of them hardly cost a ping anything`, async () => {
      const comparisons: { cpuMs: number; p50: number }[] = [];
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const calm = await cost(kind);
        const received = await icmpReceived();
        const [stormy] = await Promise.all([
          cost(kind),
          storm({ family: kind.family, packets: STORM, corrupt: false, intervalMs: 5 }),
        ]);
        expect((await icmpReceived()) - received).toBeGreaterThan(STORM);
        const comparison = {
          cpuMs: stormy.cpuMs - calm.cpuMs,
          p50: (stormy.statistics.p50 ?? Number.NaN) - (calm.statistics.p50 ?? Number.NaN),
        };
        if (comparison.cpuMs < CPU_MARGIN_MS && comparison.p50 < RTT_MARGIN_MS) return;
        comparisons.push(comparison);
      }
      throw new Error(`Each time it cost too much: ${JSON.stringify(comparisons)}`);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: corrupt ones are no overflow of the receive queue`, async () => {
      // Raw IPv6 sockets count them as dropped, before any filter has seen them.
      const [unanswered, answered] = await Promise.all([
        measureOne(chain.source, kind, {
          method: "ping",
          target: silent[kind.family],
          options: { count: 3, interval: 100, timeout: 500 },
        }),
        measureOne(chain.source, kind, {
          method: "ping",
          target: chain.destination[kind.family],
          options: { count: 5, interval: 100 },
        }),
        storm({ family: kind.family, packets: 1000, corrupt: true, intervalMs: 300 }),
      ]);
      expect(unanswered.statistics).toMatchObject({ sent: 3, lost: 3, overflows: 0, loss: 1 });
      expect(answered.statistics).toMatchObject({ sent: 5, received: 5, corrupt: 0 });
    });
  }

  /** How many ICMP messages have come to the source, of both families (proc_net_snmp). */
  async function icmpReceived(): Promise<number> {
    const [v4, v6] = await Promise.all(
      ["snmp", "snmp6"].map((name) => chain.source.exec("cat", `/proc/net/${name}`)),
    );
    const inMessages = /^Icmp: (\d+)/m.exec(v4 ?? "")?.[1];
    const inMessages6 = /^Icmp6InMsgs\s+(\d+)/m.exec(v6 ?? "")?.[1];
    return Number(inMessages) + Number(inMessages6);
  }
});
