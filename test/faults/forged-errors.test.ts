import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { SweepInput, SweepReport } from "../kernel/children/sweep.ts";
import type { Json } from "../lab/json.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import { measureOne } from "../lab/measure.ts";
import { type Addresses, buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { ForgedInput } from "./children/forged.ts";
import { runChild } from "./run-child.ts";
import { addSilentAddress } from "./silent-address.ts";

setDefaultTimeout(60_000);

const OWN = { 4: "10.77.1.1", 6: "fd77:1::1" } as const;
/**
 * When the forged errors begin: the measurements are under way then, and go on for longer than they
 * take.
 */
const FORGED_AFTER_MS = 1000;
const MEASURED_MS = 4000;

describeIf(requiresLab("nft"), "forged ICMP errors of a sender that sees no probe", () => {
  let chain: Chain;
  let silent: Addresses;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    silent = await addSilentAddress(chain);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  async function sweep({ family, privileged, as }: SocketKind): Promise<Json<SweepReport>> {
    const input: SweepInput = {
      privileged,
      targets: [silent[family], chain.destination[family]],
      options: { retries: 0, timeout: MEASURED_MS },
    };
    const [report] = await chain.source.run("sweep.ts", input, { as });
    return report as Json<SweepReport>;
  }

  function ping(kind: SocketKind) {
    const options = { count: MEASURED_MS / 100, interval: 100 };
    return measureOne(chain.source, kind, {
      method: "ping",
      target: chain.destination[kind.family],
      options,
    });
  }

  async function forge(family: 4 | 6): Promise<void> {
    const input: ForgedInput = {
      family,
      from: chain.destination[family],
      to: OWN[family],
      guesses: [
        { destination: silent[family], sequence: 0 },
        { destination: chain.destination[family], sequence: 1 },
      ],
      afterMs: FORGED_AFTER_MS,
    };
    expect(await runChild(chain.target, "forged.ts", input)).toEqual([{ sent: 2 * 65_536 }]);
  }

  test("65,536 of them, of every identifier, change no probe of a ping and no host of a sweep", async () => {
    const [pings, sweeps] = await Promise.all([
      Promise.all(SOCKET_KINDS.map(ping)),
      Promise.all(SOCKET_KINDS.map(sweep)),
      forge(4),
      forge(6),
    ]);
    for (const { statistics } of pings) {
      expect(statistics).toMatchObject({ sent: 40, received: 40, lost: 0, errors: 0 });
    }
    for (const { totals } of sweeps) {
      expect(totals).toMatchObject({ hosts: 2, answered: 1, silent: 1, icmpErrors: 0, late: 0 });
    }
  });
});
