import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { echoReply, timeExceeded } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { briefly, ProberBench } from "../../support/fake-prober.ts";

const MS = 1e6;
const HOUR = 3600e9;

describe.each(SOCKET_KINDS)("Prober with a $name socket", (kind) => {
  const { target, router } = kind;

  describe("while the event loop is blocked", () => {
    // Woken 0 ms after an arrival, the read runs before the deadline's timer; after 5,000 ms, the
    // timer runs first.
    test.each([0, 5000])(
      "takes what the kernel received in time (woken after %d ms)",
      async (wakeDelayMs) => {
        const bench = new ProberBench(kind, {
          wakeDelayMs,
          network: (probe) => [
            probe.index === 0
              ? echoReply(probe, { delayMs: 999 })
              : timeExceeded(probe, { from: router, delayMs: 999.5 }),
          ],
        });
        const { results, send } = bench.open();
        send();
        send();
        bench.clock.block(4000);
        await bench.clock.advance(0);
        // A datagram socket has a queue for errors, which is read first.
        expect(results.map(briefly).toSorted()).toEqual([
          `#1 reply 999 ms from ${target}`,
          `#2 time_exceeded(code=0) 999.5 ms from ${router}`,
        ]);
        expect(results.map(({ rttSource }) => rttSource)).toEqual(["kernel", "kernel"]);
      },
    );

    test.each([0, 5000])(
      "calls late what it received after the deadline (woken after %d ms)",
      async (wakeDelayMs) => {
        const bench = new ProberBench(kind, {
          wakeDelayMs,
          network: (probe) => [echoReply(probe, { delayMs: 1001 + probe.index })],
        });
        const { results, send } = bench.open();
        send();
        send();
        bench.clock.block(4000);
        await bench.clock.advance(0);
        expect(results.map(briefly)).toEqual([
          "#1 timeout",
          `#1 reply 1001 ms from ${target} late`,
          "#2 timeout",
          `#2 reply 1002 ms from ${target} late`,
        ]);
      },
    );

    test("declares the others timed out", async () => {
      const bench = new ProberBench(kind, {
        network: (probe) => (probe.index === 1 ? [echoReply(probe, { delayMs: 10 })] : []),
      });
      const { results, send } = bench.open();
      for (let count = 0; count < 3; count++) send();
      bench.clock.block(60_000);
      await bench.clock.advance(0);
      expect(results.map(briefly)).toEqual([
        `#2 reply 10 ms from ${target}`,
        "#1 timeout",
        "#3 timeout",
      ]);
    });
  });

  describe("under a clock that is set", () => {
    const steps: [name: string, stepNs: number][] = [
      ["forward by an hour", HOUR],
      ["back by an hour", -HOUR],
      ["forward by 5 ms", 5 * MS],
      ["back by 5 ms", -5 * MS],
    ];
    for (const [name, stepNs] of steps) {
      test(`${name} between arrival and reading, keeps the RTT`, async () => {
        const bench = new ProberBench(kind, {
          network: (probe) => [echoReply(probe, { delayMs: 100 })],
        });
        const { results, send } = bench.open();
        send();
        await bench.clock.advance(50);
        bench.clock.block(60);
        bench.clock.stepRealtime(stepNs);
        await bench.clock.advance(1000);
        expect(results.length).toBe(1);
        const { rtt, error, rttSource } = results[0] ?? {};
        expect([error, rttSource]).toEqual([null, "user"]);
        // 5 ms may not be enough to tell on which side of the arrival the step lies: then it is
        // when it was read.
        expect([100, 110]).toContain(rtt as number);
        if (Math.abs(stepNs) === HOUR) expect(rtt).toBe(100);
      });

      test(`${name} between send and arrival, keeps the RTT`, async () => {
        const bench = new ProberBench(kind, {
          network: (probe) => [echoReply(probe, { delayMs: 100 })],
        });
        const { results, send } = bench.open();
        send();
        await bench.clock.advance(50);
        bench.clock.stepRealtime(stepNs);
        await bench.clock.advance(1000);
        expect(results.map(briefly)).toEqual([`#1 reply 100 ms from ${target}`]);
        expect(results[0]?.rttSource).toBe("user");
      });

      test(`${name} before, is not disturbed`, async () => {
        const bench = new ProberBench(kind, {
          network: (probe) => [echoReply(probe, { delayMs: 100 })],
        });
        const { results, send } = bench.open();
        bench.clock.stepRealtime(stepNs);
        send();
        await bench.clock.advance(1000);
        expect(results.map(briefly)).toEqual([`#1 reply 100 ms from ${target}`]);
        expect(results[0]?.rttSource).toBe("kernel");
      });

      test(`${name}, still times out on time`, async () => {
        const bench = new ProberBench(kind);
        const { results, send } = bench.open();
        send();
        bench.clock.stepRealtime(stepNs);
        await bench.clock.advance(999.999);
        expect(results).toEqual([]);
        await bench.clock.advance(0.001);
        expect(results.map(briefly)).toEqual(["#1 timeout"]);
      });
    }
  });

  test("never reports an RTT below zero or above the time that passed, whatever happens to clock and loop", async () => {
    const happening = fc.oneof(
      fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ do: fc.constant("block" as const), ms: fc.integer({ min: 0, max: 2000 }) }),
      fc.record({ do: fc.constant("step" as const), ms: fc.integer({ min: -5000, max: 5000 }) }),
      fc.record({ do: fc.constant("send" as const), ms: fc.integer({ min: 0, max: 1500 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { maxLength: 20 }),
        fc.boolean(),
        async (happenings, isSleepy) => {
          const delays: number[] = [];
          const bench = new ProberBench(kind, {
            wakeDelayMs: isSleepy ? 700 : 0,
            network: (probe) => [echoReply(probe, { delayMs: delays[probe.index] ?? 0 })],
          });
          const heardNs: number[] = [];
          const { results, send } = bench.open({
            onResult: () => heardNs.push(bench.clock.monotonicNs()),
          });
          for (const { do: what, ms } of happenings) {
            if (what === "advance") await bench.clock.advance(ms);
            else if (what === "block") bench.clock.block(ms);
            else if (what === "step") bench.clock.stepRealtime(ms * MS);
            else {
              delays.push(ms);
              send();
            }
          }
          await bench.clock.advance(4000);
          const decisive = results.filter(({ late, duplicate }) => !late && !duplicate);
          expect(decisive.map(({ request }) => request.number).toSorted((a, b) => a - b)).toEqual(
            delays.map((_, index) => index + 1),
          );
          for (const [index, { rtt, request }] of results.entries()) {
            if (rtt === null) continue;
            const sentAtNs = bench.sent[request.number - 1]?.sentAtNs ?? 0;
            expect(rtt).toBeGreaterThanOrEqual(0);
            expect(rtt).toBeLessThanOrEqual(((heardNs[index] ?? 0) - sentAtNs) / MS);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe.each(SOCKET_KINDS)("Transmit stamps on a $name socket", (kind) => {
  /** A bench whose stamps and answers are read a while after they came. */
  function sleepy(delayMs = 100): ProberBench {
    return new ProberBench(kind, {
      wakeDelayMs: 50,
      network: (probe) =>
        probe.destination === kind.target ? [echoReply(probe, { delayMs })] : [],
    });
  }

  /** Replies with their RTT and its source; all took 100 ms. */
  async function measured(
    bench: ProberBench,
    count: number,
    disturb: (index: number) => void,
  ): Promise<string[]> {
    const { results, send } = bench.open();
    for (let index = 0; index < count; index++) {
      send();
      disturb(index);
      await bench.clock.advance(3);
    }
    await bench.clock.advance(2000);
    return results.map(({ rtt, rttSource }) => `${rtt} ${rttSource}`);
  }

  test("time every probe, read together", async () => {
    expect(await measured(sleepy(), 8, () => {})).toEqual(Array(8).fill("100 kernel"));
  });

  test("that are lost leave the others in place", async () => {
    const bench = sleepy();
    const sources = await measured(bench, 6, (index) => {
      if (index === 1 || index === 3) bench.sender.shiftError();
    });
    expect(sources.filter((text) => text === "100 user").length).toBe(2);
    expect(sources.filter((text) => text === "100 kernel").length).toBe(4);
  });

  test("follow a kernel that counted a send more than we did", async () => {
    const bench = sleepy();
    // On raw IPv4 no stamp is read before an answer comes, which takes 50 probes.
    const sources = await measured(bench, 90, (index) => {
      if (index === 10) bench.sender.stampKey += 1;
    });
    expect(sources.every((text) => text.startsWith("100 "))).toBe(true);
    expect(sources.slice(0, 10)).toEqual(Array(10).fill("100 kernel"));
    expect(sources.slice(-20)).toEqual(Array(20).fill("100 kernel"));
  });

  test.each([0, 1])("survive a send that failed (it took %d keys)", async (taken) => {
    const bench = sleepy();
    const bad = bench.open({ destination: kind.stranger });
    bench.kernel.failSendsTo(kind.stranger, 101);
    const sources = await measured(bench, 40, (index) => {
      if (index !== 5 && index !== 6) return;
      bench.sender.stampKey += taken;
      bad.send();
    });
    expect(sources.every((text) => text.startsWith("100 "))).toBe(true);
    expect(sources.filter((text) => text === "100 kernel").length).toBeGreaterThanOrEqual(38);
  });

  test("that wait unread while a send fails do not confuse those after it", async () => {
    const bench = sleepy();
    const { results, send } = bench.open();
    const bad = bench.open({ destination: kind.stranger });
    bench.kernel.failSendsTo(kind.stranger, 101);
    for (let count = 0; count < 6; count++) send();
    bad.send();
    await bench.clock.advance(60);
    for (let count = 0; count < 30; count++) {
      send();
      await bench.clock.advance(3);
    }
    await bench.clock.advance(1000);
    expect(results.map(({ rtt, rttSource }) => `${rtt} ${rttSource}`)).toEqual(
      Array(36).fill("100 kernel"),
    );
  });

  /** Takes the stamps that wait, as if the device still held their packets back. */
  function heldBack({ sender }: ProberBench): number {
    const count = sender.queuedErrors;
    for (let index = 0; index < count; index++) sender.shiftError();
    return count;
  }

  /** Lets the stamp with `key` come now. */
  function comesNow({ clock, sender }: ProberBench, key: number): void {
    const ns = clock.realtimeNs();
    const stamp = { seconds: clock.epochSeconds + Math.floor(ns / 1e9), nanoseconds: ns % 1e9 };
    sender.pushStamp(stamp, { key, data: new Uint8Array() });
  }

  test.each([0, 1])(
    "that come after newer ones, %d failures later, do not confuse those after them",
    async (failures) => {
      const bench = sleepy();
      const { results, send } = bench.open();
      const bad = bench.open({ destination: kind.stranger });
      bench.kernel.failSendsTo(kind.stranger, 101);
      for (let count = 0; count < 6; count++) {
        send();
        expect(heldBack(bench)).toBe(1);
      }
      for (let count = 0; count < failures; count++) bad.send();
      await bench.clock.advance(200);
      for (let count = 0; count < 3; count++) send();
      await bench.clock.advance(200);
      comesNow(bench, failures === 0 ? 2 : 5);
      for (let count = 0; count < 30; count++) {
        send();
        await bench.clock.advance(3);
      }
      await bench.clock.advance(1000);
      expect(results.map(({ rtt, rttSource }) => `${rtt} ${rttSource}`)).toEqual([
        ...Array(6).fill("100 user"),
        ...Array(33).fill("100 kernel"),
      ]);
    },
  );

  test("are not taken from another probe while many are sent around failures", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("send", "fail", "skip", "lose", "wait"), { maxLength: 60 }),
        async (actions) => {
          const bench = sleepy();
          bench.kernel.failSendsTo(kind.stranger, 101);
          const good = bench.open();
          const bad = bench.open({ destination: kind.stranger });
          for (const action of actions) {
            if (action === "send") good.send();
            else if (action === "fail") bad.send();
            else if (action === "skip") bench.sender.stampKey += 1;
            else if (action === "lose") bench.sender.shiftError();
            else await bench.clock.advance(40);
            await bench.clock.advance(1);
          }
          await bench.clock.advance(2000);
          for (const { rtt } of good.results) expect(rtt).toBe(100);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("keep their place when the 32-bit count wraps", async () => {
    const bench = sleepy();
    const { results, send } = bench.open();
    // The kernel is that far ahead: the first stamp to be read tells.
    bench.sender.stampKey = 2 ** 31 - 2;
    send();
    await bench.clock.advance(200);
    bench.sender.stampKey = 2 ** 32 - 3;
    send();
    await bench.clock.advance(200);
    for (let count = 0; count < 6; count++) {
      if (bench.sender.stampKey >= 2 ** 32) bench.sender.stampKey -= 2 ** 32;
      send();
      await bench.clock.advance(3);
    }
    await bench.clock.advance(1000);
    expect(results.map(({ rtt, rttSource }) => `${rtt} ${rttSource}`)).toEqual([
      ...Array(2).fill("100 user"),
      ...Array(6).fill("100 kernel"),
    ]);
  });
});
