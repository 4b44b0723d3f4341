import { describe, expect, test } from "bun:test";
import { exceededThroughNat, unreachableThroughNat } from "../../support/fake-nat.ts";
import { echoReply, type FakeNetwork, timeExceeded } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { type BenchStreamOptions, briefly, ProberBench } from "../../support/fake-prober.ts";

describe.each(SOCKET_KINDS)("An ICMP error on a $name socket", (kind) => {
  const { router, target } = kind;
  const headers = kind.family === 4 ? 28 : 48;
  const exceeded = "time_exceeded(code=0)";

  /**
   * Sends probes, and tells after two seconds what was heard, and when after the first one left.
   */
  async function hear(
    network: FakeNetwork,
    options: BenchStreamOptions & { readonly count?: number } = {},
  ) {
    const bench = new ProberBench(kind, { network });
    const startNs = bench.clock.monotonicNs();
    const heard: string[] = [];
    const note = (what: string) =>
      heard.push(`${(bench.clock.monotonicNs() - startNs) / 1e6}: ${what}`);
    const { stream, send } = bench.open({
      ...options,
      onProvisional: (result) => note(`provisional ${briefly(result)}`),
      onResult: (result) => note(briefly(result)),
    });
    for (let index = 0; index < (options.count ?? 1); index++) send();
    await bench.clock.advance(2000);
    expect([stream.inFlight, stream.unanswered]).toEqual([0, 0]);
    return { heard, counters: bench.prober.counters };
  }

  test.each([0, 1, 8, 13, 56, 57])(
    "is verified by the checksum it quotes, of %d bytes of data",
    async (size) => {
      const network: FakeNetwork = (probe) => [
        timeExceeded(probe, { from: router, quoteLength: headers }),
      ];
      const { heard, counters } = await hear(network, { content: size });
      expect(heard).toEqual([`10: #1 ${exceeded} 10 ms from ${router}`]);
      expect(counters.unverified).toBe(0);
    },
  );

  test("is verified by the checksum of data that the caller gave", async () => {
    const content = Uint8Array.from({ length: 33 }, (_, index) => index * 7);
    const { heard } = await hear(
      (probe) => [timeExceeded(probe, { from: router, quoteLength: headers })],
      {
        content,
      },
    );
    expect(heard).toEqual([`10: #1 ${exceeded} 10 ms from ${router}`]);
  });

  test("is verified by four bytes of the cookie, whatever checksum it quotes", async () => {
    for (const [length, isVerified] of [
      [4, true],
      [12, true],
      [56, true],
      [3, false],
      [0, false],
    ] as const) {
      const { heard } = await hear((probe) => [
        exceededThroughNat(probe, { from: router, quoteLength: headers + length }),
      ]);
      const last = `#1 ${exceeded} 10 ms from ${router}`;
      expect(heard).toEqual(
        isVerified
          ? [`10: ${last}`]
          : [`10: provisional ${last} unverified`, `1000: ${last} unverified`],
      );
    }
  });

  test("is no proof of anything if it quotes zeros in place of our data", async () => {
    const { heard } = await hear((probe) => {
      const error = exceededThroughNat(probe, { from: router });
      return [{ ...error, icmp: Uint8Array.of(...error.icmp, ...new Uint8Array(100)) }];
    });
    expect(heard.at(-1)).toBe(`1000: #1 ${exceeded} 10 ms from ${router} unverified`);
  });

  test("that is unverified gives way to a reply, even the last moment", async () => {
    const { heard, counters } = await hear((probe) => [
      unreachableThroughNat(probe, { from: router, delayMs: 5 }),
      echoReply(probe, { delayMs: 999 }),
    ]);
    expect(heard.at(-1)).toBe(`999: #1 reply 999 ms from ${target}`);
    expect(heard).toHaveLength(2);
    expect(counters.unverified).toBe(1);
  });

  test("that is unverified gives way to one that is verified", async () => {
    const { heard } = await hear((probe) => [
      unreachableThroughNat(probe, { from: target, delayMs: 5 }),
      timeExceeded(probe, { from: router, delayMs: 20 }),
    ]);
    expect(heard.slice(1)).toEqual([`20: #1 ${exceeded} 20 ms from ${router}`]);
  });

  test("that is unverified counts once, however often it comes, and with the first one's time", async () => {
    const { heard, counters } = await hear((probe) =>
      [5, 6, 7, 900].map((delayMs) => exceededThroughNat(probe, { from: router, delayMs })),
    );
    const first = `#1 ${exceeded} 5 ms from ${router} unverified`;
    expect(heard).toEqual([`5: provisional ${first}`, `1000: ${first}`]);
    expect(counters.unverified).toBe(4);
  });

  test("that is unverified is nothing to a probe that is decided", async () => {
    const { heard, counters } = await hear((probe) => [
      echoReply(probe, { delayMs: 5 }),
      exceededThroughNat(probe, { from: router, delayMs: 20 }),
    ]);
    expect(heard).toEqual([`5: #1 reply 5 ms from ${target}`]);
    const { heard: late } = await hear((probe) => [
      exceededThroughNat(probe, { from: router, delayMs: 1200 }),
    ]);
    expect(late).toEqual(["1000: #1 timeout"]);
    expect(counters.unverified).toBe(1);
  });

  test("that is unverified leaves a later reply what it is: late", async () => {
    const { heard } = await hear((probe) => [
      exceededThroughNat(probe, { from: router, delayMs: 5 }),
      echoReply(probe, { delayMs: 1200 }),
    ]);
    expect(heard.at(-1)).toBe(`1200: #1 reply 1200 ms from ${target} late`);
  });

  test("with a changed checksum is verified once the same change is seen on two checksums", async () => {
    const content = new Uint8Array(20).fill(3);
    const { heard, counters } = await hear(
      (probe) => [exceededThroughNat(probe, { from: router, delayMs: 10 * (probe.index + 1) })],
      { content, count: 4 },
    );
    const line = (number: number) => `#${number} ${exceeded} ${10 * number} ms from ${router}`;
    expect(heard).toEqual([
      `10: provisional ${line(1)} unverified`,
      `20: ${line(2)}`,
      `20: ${line(1)}`,
      `30: ${line(3)}`,
      `40: ${line(4)}`,
    ]);
    expect(counters.unverified).toBe(1);
  });

  test("with one checksum for all probes never proves a NAT", async () => {
    const { heard } = await hear(
      (probe) => [exceededThroughNat(probe, { from: router, checksum: 0x7777 })],
      {
        content: new Uint8Array(20).fill(3),
        count: 10,
      },
    );
    expect(heard.filter((line) => line.startsWith("1000: "))).toHaveLength(10);
  });
});
