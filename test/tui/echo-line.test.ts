import { expect, test } from "bun:test";
import { echoLine } from "../../tui/src/model/echo-line.ts";
import { errorOf, replyOf, sendErrorOf, timeoutOf } from "../client/format/samples.ts";

const EXPIRED = { type: 11, code: 0, description: "time exceeded: in transit" } as const;
const NAMES: Readonly<Record<string, string>> = { "10.0.0.1": "gw\u001b[2J.example" };

test.each([
  [replyOf({ rtt: 12.345 }), "text", " 12.3 ms  #7    ttl 57"],
  [replyOf({ rtt: 0.031, replyTtl: null }), "text", "0.031 ms  #7"],
  [replyOf({ rtt: 23_456 }), "text", "   23.5s  #7    ttl 57"],
  [replyOf({ duplicate: true }), "warn", " 12.3 ms  #7    ttl 57  duplicate"],
  [
    replyOf({ late: true, corrupt: true, reordered: true }),
    "warn",
    " 12.3 ms  #7    ttl 57  late  corrupt  reordered",
  ],
  [replyOf({ truncated: true }), "warn", " 12.3 ms  #7    ttl 57  truncated"],
  [
    replyOf({ to: "10.0.0.255", from: "10.0.0.1" }),
    "text",
    " 12.3 ms  #7    ttl 57  from gw\\x1b[2J.example (10.0.0.1)",
  ],
  [replyOf({ to: "fe80::1%2", from: "fe80::1%eth0" }), "text", " 12.3 ms  #7    ttl 57"],
  [timeoutOf(), "bad", "    lost  #7"],
  [timeoutOf({ departed: false }), "bad", "    lost  #7    never left this host"],
  [timeoutOf({ departed: true }), "bad", "    lost  #7"],
  [
    timeoutOf({ receiveOverflow: true }),
    "warn",
    " unknown  #7    the receive queue of this host overflowed",
  ],
  [
    errorOf(EXPIRED, { from: "10.0.0.1" }),
    "bad",
    "    lost  #7    time exceeded: in transit, says gw\\x1b[2J.example (10.0.0.1)",
  ],
  [
    errorOf(EXPIRED, { from: "10.0.0.2", late: true }),
    "warn",
    " 12.3 ms  #7    late  time exceeded: in transit, says 10.0.0.2",
  ],
  [
    errorOf(EXPIRED, { from: "10.0.0.2", unverified: true }),
    "bad",
    "    lost  #7    unverified  time exceeded: in transit, says 10.0.0.2",
  ],
  [
    errorOf(
      { type: 3, code: 4, description: "fragmentation needed", mtu: 1400 },
      { from: "10.0.0.2" },
    ),
    "bad",
    "    lost  #7    fragmentation needed, mtu 1400, says 10.0.0.2",
  ],
  [
    sendErrorOf("EHOSTUNREACH", "sendmsg() to 10.0.0.9 failed: EHOSTUNREACH (host is unreachable)"),
    "bad",
    "not sent  #7    EHOSTUNREACH (host is unreachable)",
  ],
  [sendErrorOf("EPERM", "sendmsg() failed: \u0007"), "bad", "not sent  #7    \\x07"],
] as const)("echoLine() %#", (result, role, text) => {
  const entry = echoLine(result, { atMs: 1, number: 7, nameOf: (address) => NAMES[address] });
  expect([entry.atMs, entry.role, entry.text]).toEqual([1, role, text]);
});
