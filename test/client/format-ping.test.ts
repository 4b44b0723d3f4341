import { describe, expect, test } from "bun:test";
import { formatEchoResult, formatPingStatistics } from "../../src/client/format-ping.ts";
import type { EchoResult, PingResult } from "../../src/client/results.ts";
import type { StatisticsSnapshot } from "../../src/client/statistics.ts";
import { errorOf, replyOf, sendErrorOf, statisticsOf, timeoutOf } from "./format-samples.ts";

const HOSTILE = "\x1b[2Jevil\u202emoc.example\n\x07";
const HOSTILE_ESCAPED = "\\x1b[2Jevil\\u{202e}moc.example\\x0a\\x07";

describe("formatEchoResult()", () => {
  const cases: readonly (readonly [name: string, result: EchoResult, text: string])[] = [
    [
      "a reply",
      replyOf({ to: "1.1.1.1", number: 3, rtt: 12.3 }),
      "64 bytes from 1.1.1.1: icmp_seq=3 ttl=57 time=12.3 ms",
    ],
    [
      "a reply with a name",
      replyOf({ to: "8.8.8.8", fromName: "dns.google", rtt: 0.0463 }),
      "64 bytes from dns.google (8.8.8.8): icmp_seq=1 ttl=57 time=0.046 ms",
    ],
    [
      "a name in a script of wide letters",
      replyOf({ fromName: "例え.テスト", rtt: 1 }),
      "64 bytes from 例え.テスト (192.0.2.1): icmp_seq=1 ttl=57 time=1.00 ms",
    ],
    [
      "a hostile name",
      replyOf({ fromName: HOSTILE, rtt: 1 }),
      `64 bytes from ${HOSTILE_ESCAPED} (192.0.2.1): icmp_seq=1 ttl=57 time=1.00 ms`,
    ],
    [
      "a reply over IPv6 without data, whose hop limit is not known",
      replyOf({ to: "fe80::1%eth0", size: 0, replyTtl: null, rtt: 123.456 }),
      "8 bytes from fe80::1%eth0: icmp_seq=1 time=123 ms",
    ],
    [
      "the target answering under another zone as itself",
      replyOf({ to: "fe80::1%eth0", from: "fe80::1%2", rtt: 5 }),
      "64 bytes from fe80::1%2: icmp_seq=1 ttl=57 time=5.00 ms",
    ],
    [
      "a late reply",
      replyOf({ late: true, rtt: 1234.5 }),
      "64 bytes from 192.0.2.1: icmp_seq=1 ttl=57 time=1235 ms (late)",
    ],
    [
      "a duplicate from someone else",
      replyOf({ to: "192.0.2.255", from: "192.0.2.7", duplicate: true, rtt: 1.5 }),
      "64 bytes from 192.0.2.7: icmp_seq=1 ttl=57 time=1.50 ms (DUP!) (different address)",
    ],
    [
      "a corrupt and reordered reply",
      replyOf({ corrupt: true, reordered: true, rtt: 1.5 }),
      "64 bytes from 192.0.2.1: icmp_seq=1 ttl=57 time=1.50 ms (corrupt) (reordered)",
    ],
    ["a timeout", timeoutOf({ number: 5 }), "No answer from 192.0.2.1: icmp_seq=5 timeout"],
    [
      "a timeout of a name",
      timeoutOf({ toName: "gone.example", number: 5 }),
      "No answer from gone.example (192.0.2.1): icmp_seq=5 timeout",
    ],
    [
      "a timeout that may be this host's own fault",
      timeoutOf({ number: 5, receiveOverflow: true }),
      "No answer from 192.0.2.1: icmp_seq=5 timeout (receive queue overflowed)",
    ],
    [
      "a timeout of what never left",
      timeoutOf({ number: 5, departed: false }),
      "No answer from 192.0.2.1: icmp_seq=5 timeout (never left this host)",
    ],
    [
      "an ICMP error, of its sender",
      errorOf(
        { type: 3, code: 1, description: "destination unreachable: host unreachable" },
        { from: "10.0.0.1", fromName: "gw.example", number: 2, rtt: 0.5 },
      ),
      "From gw.example (10.0.0.1): icmp_seq=2 destination unreachable: host unreachable time=0.500 ms",
    ],
    [
      "an ICMP error with an MTU",
      errorOf(
        { type: 2, code: 0, description: "packet too big: code 0", mtu: 1280 },
        { to: "2001:db8::9", from: "2001:db8::1", rtt: 3.21 },
      ),
      "From 2001:db8::1: icmp_seq=1 packet too big: code 0 (mtu=1280) time=3.21 ms",
    ],
    [
      "an ICMP error with the MTU 0 of old routers, late",
      errorOf(
        { type: 3, code: 4, description: "destination unreachable: fragmentation needed", mtu: 0 },
        { from: "10.0.0.1", late: true, rtt: 3000 },
      ),
      "From 10.0.0.1: icmp_seq=1 destination unreachable: fragmentation needed time=3000 ms (late)",
    ],
    [
      "a refused send",
      sendErrorOf("ENETUNREACH", "sendmsg() to 192.0.2.1 failed: ENETUNREACH (network is unreachable)"),
      "Not sent to 192.0.2.1: icmp_seq=1 sendmsg() to 192.0.2.1 failed: ENETUNREACH (network is unreachable)",
    ],
  ];
  for (const [name, result, text] of cases) {
    test(`shows ${name}`, () => {
      expect(formatEchoResult(result)).toBe(text);
    });
  }

  test("shows a target that could not be probed, in one line", () => {
    const failure = {
      kind: "targetFailure",
      target: "a\x1bb",
      error: "ERR_INVALID_HOST",
      message: "No such\nhost",
    } as const;
    expect(formatEchoResult(failure)).toBe("a\\x1bb: No such\\x0ahost");
  });

  const times: readonly (readonly [rtt: number, text: string])[] = [
    [0, "0.000"],
    [0.0004, "0.000"],
    [0.9994, "0.999"],
    [0.9996, "1.00"],
    [9.994, "9.99"],
    [9.996, "10.0"],
    [99.94, "99.9"],
    [99.96, "100"],
    [2500.4, "2500"],
  ];
  for (const [rtt, text] of times) {
    test(`shows an RTT of ${rtt} ms as ${text}`, () => {
      expect(formatEchoResult(replyOf({ rtt }))).toEndWith(` time=${text} ms`);
    });
  }
});

describe("formatPingStatistics()", () => {
  const cases: readonly (readonly [
    name: string,
    statistics: StatisticsSnapshot,
    lines: readonly string[],
  ])[] = [
    [
      "replies and a loss",
      statisticsOf([10, 12, null, 14]),
      [
        "4 packets transmitted, 3 received, 25.0% packet loss",
        "rtt min/mean/max/stddev = 10.0/12.0/14.0/1.63 ms, jitter 2.00 ms",
      ],
    ],
    [
      "one reply, which has no jitter",
      statisticsOf([0.25]),
      [
        "1 packets transmitted, 1 received, 0.0% packet loss",
        "rtt min/mean/max/stddev = 0.250/0.250/0.250/0.000 ms",
      ],
    ],
    [
      "nothing but losses",
      statisticsOf([null, null]),
      ["2 packets transmitted, 0 received, 100.0% packet loss"],
    ],
    [
      "a run in which nothing was sent",
      statisticsOf([]),
      ["0 packets transmitted, 0 received, - packet loss"],
    ],
    [
      "everything special that was counted",
      statisticsOf([1], {
        duplicates: 1,
        late: 2,
        reordered: 3,
        corrupt: 4,
        errors: 1,
        sendErrors: 5,
        overflows: 1,
        inFlight: 6,
      }),
      [
        "1 packets transmitted, 1 received, 0.0% packet loss, 1 duplicate, 2 late, 3 reordered, 4 corrupt, " +
          "1 ICMP error, 5 not sent, 1 receive overflow, 6 in flight",
        "rtt min/mean/max/stddev = 1.00/1.00/1.00/0.000 ms",
      ],
    ],
    [
      "more than one of what has a plural",
      statisticsOf([], { duplicates: 2, errors: 3, overflows: 2 }),
      ["0 packets transmitted, 0 received, - packet loss, 2 duplicates, 3 ICMP errors, 2 receive overflows"],
    ],
  ];
  for (const [name, statistics, lines] of cases) {
    test(`shows ${name}`, () => {
      const text = formatPingStatistics(resultOf("192.0.2.1", "192.0.2.1", statistics));
      expect(text).toBe(["--- 192.0.2.1 ping statistics ---", ...lines].join("\n"));
    });
  }

  const losses: readonly (readonly [loss: number, text: string])[] = [
    [1 / 100_000, "<0.1%"],
    [0.0005, "0.1%"],
    [1 / 3, "33.3%"],
    [0.9994, "99.9%"],
    [99_999 / 100_000, ">99.9%"],
    [1, "100.0%"],
  ];
  for (const [loss, text] of losses) {
    test(`shows a loss of ${loss} as ${text}`, () => {
      const summary = formatPingStatistics(resultOf("a", "192.0.2.1", statisticsOf([1], { loss })));
      expect(summary).toContain(` ${text} packet loss`);
    });
  }

  test("names the target and its address", () => {
    const text = formatPingStatistics(resultOf(HOSTILE, "2001:db8::1", statisticsOf([])));
    expect(text.split("\n")[0]).toBe(`--- ${HOSTILE_ESCAPED} (2001:db8::1) ping statistics ---`);
  });
});

function resultOf(target: string, resolved: string, statistics: StatisticsSnapshot): PingResult {
  const results: EchoResult[] = [];
  return { target, resolved, family: 4, statistics, results, [Symbol.iterator]: () => results.values() };
}
