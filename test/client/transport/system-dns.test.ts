import { describe, expect, test } from "bun:test";
import { SystemDns } from "../../../src/client/transport/system-dns.ts";
import type { LookupAnswer } from "../../../src/ffi/address-lookup.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A system one of whose lookups is done after so many milliseconds. */
function world(answer: LookupAnswer, afterMs: number) {
  const clock = new FakeClock();
  const idleClock = new FakeClock();
  const asked: [host: string, family: number][] = [];
  let polls = 0;
  let isTaken = false;
  let opened = 0;
  const dns = new SystemDns({
    clock,
    idleClock,
    reverse: async () => null,
    openLookups: () => {
      opened += 1;
      return (host, family) => {
        asked.push([host, family]);
        const doneNs = clock.monotonicNs() + afterMs * 1e6;
        return {
          poll: () => {
            if (isTaken) throw new Error("The memory of this lookup has been freed");
            polls += 1;
            const nowNs = Math.max(clock.monotonicNs(), idleClock.monotonicNs());
            isTaken = nowNs >= doneNs;
            return isTaken ? answer : undefined;
          },
        };
      };
    },
  });
  return { clock, idleClock, dns, asked, polls: () => polls, opened: () => opened };
}

const ADDRESSES = { addresses: ["2001:db8::1", "192.0.2.1"] };

describe("SystemDns", () => {
  test.each([
    [0, 0],
    [0.3, 1],
    [30, 34],
    [1000, 1020],
  ])("knows what takes %d ms after %d ms at most", async (ms, latestMs) => {
    const { clock, dns, asked, polls } = world(ADDRESSES, ms);
    const startNs = clock.monotonicNs();
    const answer = await clock.runUntil(dns.lookup("a.example", 6));
    expect(answer).toEqual([
      { address: "2001:db8::1", family: 6 },
      { address: "192.0.2.1", family: 4 },
    ]);
    expect(asked).toEqual([["a.example", 6]]);
    const tookMs = (clock.monotonicNs() - startNs) / 1e6;
    expect(tookMs).toBeGreaterThanOrEqual(ms);
    expect(tookMs).toBeLessThanOrEqual(latestMs);
    expect(polls()).toBeLessThan(100);
  });

  test("fails with the code of libc", async () => {
    const { clock, dns } = world({ code: "EAI_AGAIN" }, 10_000);
    const failure = await clock.runUntil(dns.lookup("a.example", 0).catch((error) => error));
    expect(failure).toMatchObject({
      code: "EAI_AGAIN",
      message: "getaddrinfo() failed: EAI_AGAIN",
    });
  });

  test("holds the process no longer when nobody waits, and still takes the answer", async () => {
    const { clock, idleClock, dns, polls } = world(ADDRESSES, 5000);
    const controller = new AbortController();
    const failure = dns.lookup("a.example", 0, controller.signal).catch((error) => error);
    await clock.advance(100);
    controller.abort("enough");
    expect(await failure).toBe("enough");
    expect(clock.pending).toBe(0);
    const before = polls();
    await idleClock.advance(4500);
    expect([polls() - before, idleClock.pending]).toEqual([4, 1]);
    await idleClock.advance(60_000);
    expect([polls() - before, idleClock.pending]).toEqual([5, 0]);
  });

  test("opens libc once", async () => {
    const { dns, opened } = world(ADDRESSES, 0);
    expect(opened()).toBe(0);
    await dns.lookup("a.example", 0);
    expect(opened()).toBe(1);
  });

  test.each([
    ["no such lookups", () => undefined],
    ["no thread for one", () => () => undefined],
  ])("asks Bun where libc has %s", async (_, openLookups) => {
    const clock = new FakeClock();
    const dns = new SystemDns({ clock, idleClock: clock, reverse: async () => null, openLookups });
    expect(await dns.lookup("127.0.0.1", 0)).toEqual([{ address: "127.0.0.1", family: 4 }]);
    expect(clock.pending).toBe(0);
  });
});
