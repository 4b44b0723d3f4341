import { describe, expect, test } from "bun:test";
import { formatEchoResult, formatPingStatistics } from "../../../src/client/format/ping.ts";
import type {
  EchoResult,
  IcmpErrorDetails,
  PingResult,
} from "../../../src/client/results/results.ts";
import type { StatisticsSnapshot } from "../../../src/client/results/statistics.ts";
import { errorOf, replyOf, sendErrorOf, statisticsOf, timeoutOf } from "./samples.ts";

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
      "64 bytes from 192.0.2.7: icmp_seq=1 ttl=57 time=1.50 ms (DUP!) (DIFFERENT ADDRESS!)",
    ],
    ...["ff02::1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "::"].map((to): (typeof cases)[0] => [
      `a reply to ${to}, for which others answer`,
      replyOf({ to, from: to.includes(":") ? "fe80::2%eth0" : "192.0.2.7", rtt: 1.5 }),
      `64 bytes from ${to.includes(":") ? "fe80::2%eth0" : "192.0.2.7"}: icmp_seq=1 ttl=57 time=1.50 ms`,
    ]),
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
      "an ICMP error, of its sender, without a time",
      errorOf(
        { type: 3, code: 1, description: "destination unreachable: host unreachable" },
        { from: "10.0.0.1", fromName: "gw.example", number: 2, rtt: 0.5 },
      ),
      "From gw.example (10.0.0.1) icmp_seq=2 Destination Host Unreachable",
    ],
    [
      "an ICMP error, late",
      errorOf(
        { type: 3, code: 4, description: "destination unreachable: fragmentation needed", mtu: 0 },
        { from: "10.0.0.1", late: true, rtt: 3000 },
      ),
      "From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 0) (late)",
    ],
    [
      "an ICMP error that anybody may have sent",
      errorOf(
        { type: 3, code: 1, description: "destination unreachable: host unreachable" },
        { from: "10.0.0.1", number: 2, unverified: true },
      ),
      "From 10.0.0.1 icmp_seq=2 Destination Host Unreachable (unverified)",
    ],
    [
      "a refused send",
      sendErrorOf(
        "ENETUNREACH",
        "sendmsg() to 192.0.2.1 failed: ENETUNREACH (network is unreachable)",
      ),
      "Not sent to 192.0.2.1: icmp_seq=1 sendmsg() to 192.0.2.1 failed: ENETUNREACH (network is unreachable)",
    ],
  ];
  for (const [name, result, text] of cases) {
    test(`shows ${name}`, () => {
      expect(formatEchoResult(result)).toBe(text);
    });
  }

  // The texts of ping(8): iputils 20221126, pr_icmph() of ping.c and ping6_common.c.
  const errors: readonly (readonly [
    from: string,
    error: Partial<IcmpErrorDetails> & { readonly type: number; readonly code: number },
    text: string,
  ])[] = [
    ["10.0.0.1", { type: 3, code: 0 }, "Destination Net Unreachable"],
    ["10.0.0.1", { type: 3, code: 4, mtu: 1400 }, "Frag needed and DF set (mtu = 1400)"],
    ["10.0.0.1", { type: 3, code: 5 }, "Source Route Failed"],
    ["10.0.0.1", { type: 3, code: 8 }, "Source Host Isolated"],
    ["10.0.0.1", { type: 3, code: 13 }, "Packet filtered"],
    ["10.0.0.1", { type: 3, code: 15 }, "Precedence Cutoff"],
    ["10.0.0.1", { type: 3, code: 16 }, "Dest Unreachable, Bad Code: 16"],
    ["10.0.0.1", { type: 11, code: 0 }, "Time to live exceeded"],
    ["10.0.0.1", { type: 11, code: 1 }, "Frag reassembly time exceeded"],
    ["10.0.0.1", { type: 11, code: 2 }, "Time exceeded, Bad Code: 2"],
    ["10.0.0.1", { type: 12, code: 0, pointer: 20 }, "Parameter problem: pointer = 20"],
    ["10.0.0.1", { type: 9, code: 0 }, "as we say"],
    [
      "2001:db8::1",
      { type: 1, code: 2 },
      "Destination unreachable: Beyond scope of source address",
    ],
    ["2001:db8::1", { type: 1, code: 6 }, "Destination unreachable: reject route"],
    ["2001:db8::1", { type: 2, code: 0, mtu: 1280 }, "Packet too big: mtu=1280"],
    ["2001:db8::1", { type: 2, code: 3, mtu: 1280 }, "Packet too big: mtu=1280, code=3"],
    ["2001:db8::1", { type: 3, code: 0 }, "Time exceeded: Hop limit"],
    ["2001:db8::1", { type: 3, code: 1 }, "Time exceeded: Defragmentation failure"],
    ["2001:db8::1", { type: 3, code: 9 }, "Time exceeded: code 9"],
    ["2001:db8::1", { type: 4, code: 1, pointer: 6 }, "Parameter problem: Unknown header at 6"],
    ["2001:db8::1", { type: 4, code: 7, pointer: 6 }, "Parameter problem: code 7 at 6"],
  ];
  for (const [from, error, text] of errors) {
    test(`says ${text} as ping(8) does, of type ${error.type} code ${error.code}`, () => {
      const result = errorOf({ description: "as we say", ...error }, { to: from, from });
      expect(formatEchoResult(result)).toBe(`From ${from} icmp_seq=1 ${text}`);
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
        "4 packets transmitted, 3 received, 25% packet loss, time 3004ms",
        "rtt min/avg/max/mdev = 10.000/12.000/14.000/1.633 ms",
        "jitter 2.00 ms",
      ],
    ],
    [
      "one reply, which has no jitter",
      statisticsOf([0.25]),
      [
        "1 packets transmitted, 1 received, 0% packet loss, time 3004ms",
        "rtt min/avg/max/mdev = 0.250/0.250/0.250/0.000 ms",
      ],
    ],
    [
      "nothing but losses",
      statisticsOf([null, null]),
      ["2 packets transmitted, 0 received, 100% packet loss, time 3004ms"],
    ],
    [
      "probes that all are still in flight, which nobody has answered",
      statisticsOf([], { sent: 3, inFlight: 3 }),
      ["3 packets transmitted, 0 received, 100% packet loss, time 3004ms", "3 in flight"],
    ],
    ["a run in which nothing was sent", statisticsOf([]), ["0 packets transmitted, 0 received"]],
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
        "1 packets transmitted, 1 received, +1 duplicates, +6 errors, 0% packet loss, time 3004ms",
        "rtt min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms",
        "2 late, 3 reordered, 4 corrupt, 5 not sent, 1 receive overflow, 6 in flight",
      ],
    ],
  ];
  for (const [name, statistics, lines] of cases) {
    test(`shows ${name}`, () => {
      const text = formatPingStatistics(resultOf("192.0.2.1", "192.0.2.1", statistics));
      expect(text).toBe(["--- 192.0.2.1 ping statistics ---", ...lines].join("\n"));
    });
  }

  const losses: readonly (readonly [loss: number, text: string])[] = [
    [0, "0%"],
    [1e-9, "0.0000001%"],
    [0.0005, "0.05%"],
    [1 / 3, "33.3333%"],
    [0.125, "12.5%"],
    [0.99999999, "99.9999%"],
    [1, "100%"],
  ];
  for (const [loss, text] of losses) {
    test(`shows a loss of ${loss} as ${text}`, () => {
      const summary = formatPingStatistics(resultOf("a", "192.0.2.1", statisticsOf([1], { loss })));
      expect(summary).toContain(` ${text} packet loss`);
    });
  }

  test("names the target", () => {
    const text = formatPingStatistics(resultOf(HOSTILE, "2001:db8::1", statisticsOf([])));
    expect(text.split("\n")[0]).toBe(`--- ${HOSTILE_ESCAPED} ping statistics ---`);
  });
});

function resultOf(target: string, resolved: string, statistics: StatisticsSnapshot): PingResult {
  const results: EchoResult[] = [];
  return {
    target,
    resolved,
    family: 4,
    statistics,
    duration: 3004.2,
    results,
    [Symbol.iterator]: () => results.values(),
  };
}
