import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { SweepInput, SweepReport } from "../kernel/children/sweep.ts";
import type { Json } from "../lab/json.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import type { Namespace } from "../lab/namespaces.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

const LIVING = { 4: "10.90.0.0/21", 6: "fd90::/117" } as const;
const HOSTS = { 4: 2046, 6: 2048 } as const;

async function sweep(
  host: Namespace,
  { privileged, as }: SocketKind,
  input: Omit<SweepInput, "privileged">,
): Promise<Json<SweepReport>> {
  const [report] = await host.run(
    "sweep.ts",
    { ...input, privileged, printReplies: false },
    { as },
  );
  if (report === undefined) throw new Error("The sweep printed nothing");
  return report as Json<SweepReport>;
}

/** Makes a device send at a rate (tc-tbf(8)) while `use` runs; `limit` bytes wait there. */
async function slowed<Result>(
  host: Namespace,
  shape: { device: string; rate: string; limit: string },
  use: () => Promise<Result>,
): Promise<Result> {
  const { device, rate, limit } = shape;
  const tbf = ["root", "tbf", "rate", rate, "burst", "5kb", "limit", limit];
  await host.exec("tc", "qdisc", "replace", "dev", device, ...tbf);
  try {
    return await use();
  } finally {
    await host.exec("tc", "qdisc", "del", "dev", device, "root");
  }
}

describeIf(requiresLab("tc"), "a sweep and full queues of this host", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    await chain.target.exec("ip", "route", "add", "local", LIVING[4], "dev", "lo");
    await chain.target.exec("ip", "-6", "route", "add", "local", LIVING[6], "dev", "lo");
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: an unpaced sweep goes at the pace of a slow device, and loses nothing`, async () => {
      const shape = { device: "above", rate: "40mbit", limit: "10mb" };
      const { totals } = await slowed(chain.source, shape, () =>
        sweep(chain.source, kind, {
          targets: LIVING[kind.family],
          options: { retries: 0, size: 1000, timeout: 5000 },
          unpaced: true,
        }),
      );
      const count = HOSTS[kind.family];
      expect(totals).toMatchObject({
        hosts: count,
        sent: count,
        answered: count,
        sendErrors: 0,
        late: 0,
      });
      // 2 MB at 40 Mbit/s take 0.4 s.
      expect(totals.duration).toBeGreaterThan(250);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: what the device has no room for is sent again later`, async () => {
      const shape = { device: "above", rate: "40mbit", limit: "20kb" };
      const { totals } = await slowed(chain.source, shape, () =>
        sweep(chain.source, kind, {
          targets: LIVING[kind.family],
          options: { retries: 0, size: 1000, timeout: 2000 },
          unpaced: true,
        }),
      );
      const count = HOSTS[kind.family];
      expect(totals).toMatchObject({ hosts: count, answered: count, sendErrors: 0 });
      // The kernel drops those of a datagram IPv6 socket without a word (ping_v6_sendmsg).
      const isSilent = kind.family === 6 && !kind.privileged;
      expect(totals.sent - count).toBeGreaterThanOrEqual(isSilent ? 1 : 0);
      if (!isSilent) expect(totals.sent).toBe(count);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: answers that found no room are counted and asked for again`, async () => {
      const count = HOSTS[kind.family];
      const { totals } = await sweep(chain.source, kind, {
        targets: LIVING[kind.family],
        options: { retries: 3 },
        unpaced: true,
        receiveBuffer: 16_384,
        unread: 60,
      });
      expect(totals.overflows).toBeGreaterThanOrEqual(60);
      expect(totals).toMatchObject({ hosts: count, answered: count, silent: 0, corrupt: 0 });
      // Each of them cost one more probe, and nothing else did.
      expect(totals.sent).toBe(count + totals.overflows);
    });
  }
});
