import { describe, expect, test } from "bun:test";
import { Client, RawSocketPermissionError } from "icmpx";
import { describeIf, requires } from "../support/requires.ts";

// In this very process, outside any namespace made for tests: what a program does that just imports
// the library.
describeIf(requires.all(requires.linux(), requires.root()), "loopback of this host", () => {
  describe.each(["127.0.0.1", "127.9.8.7", "::1"])("%s", (target) => {
    test("probe() gives a reply timed by the kernel", async () => {
      await using client = new Client();
      const result = await client.probe(target);
      expect(result).toMatchObject({ kind: "reply", error: null, rttSource: "kernel", target });
      expect(result.rtt).toBeGreaterThan(0);
      expect(result.rtt).toBeLessThan(1000);
      expect(result.reply).toMatchObject({ addr: target, ttl: 64 });
    });

    test("the first probe of each of 50 clients is timed by the kernel", async () => {
      for (let count = 0; count < 50; count += 1) {
        using client = new Client();
        expect(await client.probe(target)).toMatchObject({ kind: "reply", rttSource: "kernel" });
      }
    });

    test("ping() can be iterated and awaited, and both see the same results", async () => {
      await using client = new Client();
      const ping = client.ping(target, { count: 5, interval: 5 });
      const seen: unknown[] = [];
      for await (const result of ping) seen.push(result);
      const { results, statistics } = await ping;
      expect(results).toHaveLength(5);
      for (const [index, result] of results.entries()) expect(seen[index]).toBe(result);
      expect(statistics).toMatchObject({ sent: 5, received: 5, lost: 0, inFlight: 0 });
    });

    test("traceroute() and mtr() end at the first hop", async () => {
      await using client = new Client();
      const [trace, round] = await Promise.all([
        client.traceroute(target),
        client.mtr(target, { count: 3, interval: 5 }),
      ]);
      expect(trace.hops.map(({ ttl, addr }) => [ttl, addr])).toEqual([[1, target]]);
      expect(trace).toMatchObject({ reached: true, stopReason: "target" });
      expect(round.hops.map(({ addr, statistics }) => [addr, statistics.received])).toEqual([
        [target, 3],
      ]);
    });

    test("an endless ping ends with its loop", async () => {
      await using client = new Client();
      let count = 0;
      for await (const { kind } of client.ping(target, {
        count: Number.POSITIVE_INFINITY,
        interval: 1,
      })) {
        expect(kind).toBe("reply");
        count += 1;
        if (count === 20) break;
      }
      expect(count).toBe(20);
    });

    test("a datagram socket works if this host's ping groups allow it, else says what to do", async () => {
      const range = await Bun.file("/proc/sys/net/ipv4/ping_group_range").text();
      const [lowest = 1, highest = 0] = range.trim().split(/\s+/).map(Number);
      await using client = new Client({ privileged: false });
      if (lowest <= 0 && highest >= 0) {
        expect(await client.probe(target)).toMatchObject({ kind: "reply", rttSource: "kernel" });
      } else {
        const error = await client.probe(target).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(RawSocketPermissionError);
      }
    });
  });

  test("multiping() mixes both families", async () => {
    await using client = new Client();
    const targets = ["127.0.0.1", "::1", "127.0.0.2"];
    const result = await client.multiping(targets, { count: 3, interval: 5 });
    expect(
      result.targets.map(({ resolved, statistics }) => [resolved, statistics.received]),
    ).toEqual(targets.map((target) => [target, 3]));
  });
});
