import { describe, expect, test } from "bun:test";
import { echoReply, type FakeNetwork, packetTooBig } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { scene } from "../support.ts";
import { rangeOf } from "../sweep/support.ts";

const OPTIONS = { size: 1300, timeout: 100 } as const;

describe.each(SOCKET_KINDS)("a router that finds a packet too big, $name", (kind) => {
  const { privileged, router, target } = kind;
  const code = kind.family === 4 ? "dest_unreachable(code=4)" : "packet_too_big(code=0)";
  /** Whether a probe may be cut in two makes no difference to it. */
  const network: FakeNetwork = (probe) => [
    packetTooBig(probe, { from: router, mtu: 1280, delayMs: 5 }),
  ];

  test.each([undefined, true, false])("is heard with dontFragment: %p", async (dontFragment) => {
    const { client, outcome } = scene({ network }, { privileged });
    const options = { ...OPTIONS, dontFragment };
    const { results } = await outcome(client.ping(target, { ...options, count: 3, interval: 10 }));
    expect(results.map(({ error }): string | null => error)).toEqual(Array(3).fill(code));
    expect(results[0]).toMatchObject({ icmpError: { mtu: 1280 } });
    const sweep = client.sweep(rangeOf(kind, 3).text, { ...options, retries: 0 });
    expect(await outcome(sweep)).toMatchObject({ hosts: 3, icmpErrors: 3, silent: 0 });
  });

  test("is heard by a run beside one whose packets may be cut in two", async () => {
    const { client, outcome } = scene(
      {
        network: (probe) => (probe.dontFragment ? network(probe) : [echoReply(probe)]),
      },
      { privileged },
    );
    const often = { ...OPTIONS, count: 5, interval: 10 };
    const [whole, cut] = await outcome(
      Promise.all([
        client.ping(target, { ...often, dontFragment: true }),
        client.ping(target, { ...often, dontFragment: false }),
      ]),
    );
    expect(whole.results.map(({ error }): string | null => error)).toEqual(Array(5).fill(code));
    expect(cut.statistics).toMatchObject({ sent: 5, received: 5 });
  });
});
