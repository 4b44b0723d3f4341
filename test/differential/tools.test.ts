import { describe, expect, test } from "bun:test";
import { readMtr, readPing, readTraceroute } from "./tools.ts";

describe("readPing()", () => {
  test("reads replies, duplicates and the minimum", () => {
    const output = `PING 10.20.0.100 (10.20.0.100) 56(84) bytes of data.
64 bytes from 10.20.0.100: icmp_seq=1 ttl=62 time=6.45 ms
64 bytes from 10.20.0.100: icmp_seq=1 ttl=62 time=7.45 ms (DUP!)
From 10.20.0.2 icmp_seq=2 Time to live exceeded
64 bytes from 10.20.0.100: icmp_seq=4 ttl=62 time=6.21 ms
64 bytes from 10.20.0.100: icmp_seq=3 ttl=62 time=16.2 ms

--- 10.20.0.100 ping statistics ---
4 packets transmitted, 3 received, +1 duplicates, +1 errors, 25% packet loss, time 321ms
rtt min/avg/max/mdev = 6.159/6.252/16.454/0.067 ms
`;
    expect(readPing(output)).toEqual({
      sent: 4,
      received: 3,
      answered: [1, 3, 4],
      duplicates: 1,
      min: 6.159,
    });
  });

  test("has no minimum without a reply", () => {
    const output =
      "PING fd20::64(fd20::64) 56 data bytes\n\n4 packets transmitted, 0 received, 100% packet loss, time 36ms\n";
    expect(readPing(output)).toEqual({
      sent: 4,
      received: 0,
      answered: [],
      duplicates: 0,
      min: null,
    });
  });

  test("rejects what is not of ping", () => {
    expect(() => readPing("ping: unknown host")).toThrow("Not the output of ping");
  });
});

describe("readTraceroute()", () => {
  test("tells who answered each probe, and the objects", () => {
    const output = `traceroute to 10.20.0.100 (10.20.0.100), 12 hops max, 60 byte packets
 1  10.20.0.1  4.456 ms  8.279 ms  8.553 ms
 2  10.20.0.2 <MPLS:L=16,E=0,S=1,T=1>  8.557 ms *  10.20.0.3 <2/67:04c3a900,00002328>  10.138 ms
 3  * * *
 4  10.20.0.4  1.352 ms !X  10.413 ms !X *
`;
    expect(readTraceroute(output)).toEqual([
      { probes: ["10.20.0.1", "10.20.0.1", "10.20.0.1"], extensions: [] },
      {
        probes: ["10.20.0.2", null, "10.20.0.3"],
        extensions: ["<MPLS:L=16,E=0,S=1,T=1>", "<2/67:04c3a900,00002328>"],
      },
      { probes: [null, null, null], extensions: [] },
      { probes: ["10.20.0.4", "10.20.0.4", null], extensions: [] },
    ]);
  });

  test("reads IPv6 addresses", () => {
    const output =
      "traceroute to fd20::64 (fd20::64), 30 hops max, 80 byte packets\n 1  fd20::1  2.1 ms  abcd::  2.2 ms *\n";
    expect(readTraceroute(output)).toEqual([
      { probes: ["fd20::1", "abcd::", null], extensions: [] },
    ]);
  });

  test("rejects a hop out of order", () => {
    expect(() => readTraceroute("traceroute to x\n 2  * * *\n")).toThrow("Not a hop of traceroute");
  });
});

describe("readMtr()", () => {
  test("turns ratios into counts, and ??? into nobody", () => {
    const hub = { "Loss%": 33.3, Snt: 6, Last: 1, Avg: 1, Best: 0.9, Wrst: 2, StDev: 0.1 };
    const hubs = [
      { count: 1, host: "fd20::1", ...hub },
      { count: 2, host: "???", ...hub, "Loss%": 100, Best: 0 },
    ];
    expect(readMtr(JSON.stringify({ report: { mtr: {}, hubs } }))).toEqual([
      { addr: "fd20::1", sent: 6, lost: 2 },
      { addr: null, sent: 6, lost: 6 },
    ]);
  });
});
