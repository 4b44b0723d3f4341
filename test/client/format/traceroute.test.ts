import { describe, expect, test } from "bun:test";
import {
  formatHop,
  formatStopReason,
  formatTraceroute,
} from "../../../src/client/format/traceroute.ts";
import type {
  EchoResult,
  StopReason,
  TracerouteEntry,
  TracerouteResult,
} from "../../../src/client/results/results.ts";
import type { ExtensionObject } from "../../../src/packet/extension-objects.ts";
import { errorOf, replyOf, sendErrorOf, timeoutOf, transitOf } from "./samples.ts";

const A = { from: "10.0.2.1", rtt: 1.2034 };
const B = { from: "10.0.2.5", rtt: 1.24 };
const NAMED = { ...A, fromName: "core.example" };

describe("formatHop()", () => {
  const cases: readonly (readonly [
    name: string,
    probes: readonly EchoResult[],
    lines: readonly string[],
  ])[] = [
    [
      "one responder with its RTTs",
      [transitOf(NAMED), transitOf({ ...NAMED, rtt: 0.5 }), transitOf({ ...NAMED, rtt: 100 })],
      [" 3  core.example (10.0.2.1)  1.203 ms  0.500 ms  100.000 ms"],
    ],
    ["a single probe", [replyOf(A)], [" 3  10.0.2.1  1.203 ms"]],
    ["silence, a star for each probe", [timeoutOf(), timeoutOf(), timeoutOf()], [" 3  * * *"]],
    ["one silent probe by one star", [timeoutOf()], [" 3  *"]],
    ["a hop whose probes never left", [], [" 3  -"]],
    [
      "silent probes where they were",
      [timeoutOf(), transitOf(A), timeoutOf(), transitOf(A)],
      [" 3  10.0.2.1  *  1.203 ms  *  1.203 ms"],
    ],
    [
      "a line for each responder, a silent probe with the one before it",
      [transitOf(NAMED), transitOf(B), timeoutOf(), transitOf(NAMED)],
      [" 3  core.example (10.0.2.1)  1.203 ms  1.203 ms", "    10.0.2.5  1.240 ms  *"],
    ],
    [
      "why a probe was not sent",
      [sendErrorOf("ENOBUFS", "full"), transitOf(A), sendErrorOf("ENOBUFS", "full")],
      [" 3  10.0.2.1  ENOBUFS  1.203 ms  ENOBUFS"],
    ],
    ["nothing sent at all", [sendErrorOf("ENETUNREACH", "no route")], [" 3  ENETUNREACH"]],
    [
      "IPv6",
      [transitOf({ to: "2001:db8::9", from: "fe80::1%eth0", rtt: 0.1 }), timeoutOf()],
      [" 3  fe80::1%eth0  0.100 ms  *"],
    ],
    [
      "an unverified answer, explained once",
      [transitOf({ ...A, unverified: true }), transitOf(A), transitOf({ ...A, unverified: true })],
      [" 3  10.0.2.1  1.203 ms ?  1.203 ms  1.203 ms ?  (?: unverified, may be forged)"],
    ],
    [
      "what an unverified error says, and whose it is",
      [
        errorOf({ type: 3, code: 1, description: "in words" }, { ...A, unverified: true }),
        transitOf(B),
      ],
      [
        " 3  10.0.2.1  1.203 ms !H ?  (!H: host unreachable, ?: unverified, may be forged)",
        "    10.0.2.5  1.240 ms",
      ],
    ],
    ["a corrupt reply", [replyOf({ ...A, corrupt: true })], [" 3  10.0.2.1  1.203 ms corrupt"]],
    ["a cut reply", [replyOf({ ...A, truncated: true })], [" 3  10.0.2.1  1.203 ms truncated"]],
    [
      "a hostile name",
      [transitOf({ ...A, fromName: "\x1b]0;owned\x07\u2066x\r\n" })],
      [" 3  \\x1b]0;owned\\x07\\u{2066}x\\x0d\\x0a (10.0.2.1)  1.203 ms"],
    ],
  ];
  for (const [name, probes, lines] of cases) {
    test(`shows ${name}`, () => {
      expect(formatHop(hopOf(3, probes))).toBe(lines.join("\n"));
    });
  }

  const marks: readonly (readonly [family: 4 | 6, type: number, code: number, mark: string])[] = [
    [4, 3, 0, "!N  (!N: net unreachable)"],
    [4, 3, 1, "!H  (!H: host unreachable)"],
    [4, 3, 2, "!P  (!P: protocol unreachable)"],
    [4, 3, 3, "!<3>  (!<3>: port unreachable)"],
    [4, 3, 4, "!F  (!F: fragmentation needed, mtu 1400)"],
    [4, 3, 5, "!S  (!S: source route failed)"],
    [4, 3, 10, "!<10>  (!<10>: host administratively prohibited)"],
    [4, 3, 13, "!X  (!X: communication administratively prohibited)"],
    [4, 3, 14, "!V  (!V: host precedence violation)"],
    [4, 3, 15, "!C  (!C: precedence cutoff in effect)"],
    [4, 3, 99, "!<99>  (!<99>: code 99)"],
    [4, 11, 1, "!<11-1>  (!<11-1>: in words)"],
    [4, 12, 0, "!<12-0>  (!<12-0>: in words)"],
    [6, 1, 0, "!N  (!N: no route)"],
    [6, 1, 1, "!X  (!X: administratively prohibited)"],
    [6, 1, 2, "!S  (!S: beyond scope of source address)"],
    [6, 1, 3, "!H  (!H: address unreachable)"],
    [6, 1, 4, "!<4>  (!<4>: port unreachable)"],
    [6, 2, 0, "!F  (!F: packet too big, mtu 1400)"],
    [6, 3, 1, "!<3-1>  (!<3-1>: in words)"],
  ];
  for (const [family, type, code, mark] of marks) {
    test(`marks type ${type} code ${code} of ICMPv${family}`, () => {
      const from = family === 4 ? "10.0.2.1" : "2001:db8::1";
      const hasMtu = mark.includes("mtu");
      const error = errorOf(
        { type, code, description: "in words", mtu: hasMtu ? 1400 : null },
        { from, rtt: 2 },
      );
      expect(formatHop(hopOf(12, [error]))).toBe(`12  ${from}  2.000 ms ${mark}`);
    });
  }

  test("explains a mark once, for the responder that sent it", () => {
    const unreachable = errorOf(
      { type: 3, code: 1, description: "destination unreachable: host unreachable" },
      A,
    );
    expect(formatHop(hopOf(3, [unreachable, transitOf(B), unreachable]))).toBe(
      " 3  10.0.2.1  1.203 ms !H  1.203 ms !H  (!H: host unreachable)\n    10.0.2.5  1.240 ms",
    );
  });

  test("shows MPLS labels below their responder, each once", () => {
    const labels = mplsOf([24321, 0, 1, false], [16, 5, 255, true]);
    const probes = [
      transitOf({ ...A, extensions: labels }),
      transitOf({ ...A, extensions: labels }),
      transitOf(B),
    ];
    expect(formatHop(hopOf(3, probes))).toBe(
      [
        " 3  10.0.2.1  1.203 ms  1.203 ms",
        "      MPLS label 24321 tc 0 ttl 1",
        "      MPLS label 16 tc 5 ttl 255 S",
        "    10.0.2.5  1.240 ms",
      ].join("\n"),
    );
  });

  test("does without extensions of other kinds", () => {
    const other: ExtensionObject = {
      kind: "raw",
      classNumber: 9,
      cType: 1,
      payload: new Uint8Array(4),
    };
    expect(formatHop(hopOf(3, [transitOf({ ...A, extensions: [other] })]))).toBe(
      " 3  10.0.2.1  1.203 ms",
    );
  });

  test("keeps room for TTLs of three digits", () => {
    expect(formatHop(hopOf(255, [timeoutOf()]))).toBe("255  *");
  });
});

describe("formatTraceroute()", () => {
  test("shows hops between a heading and the reason to stop", () => {
    const hops = [
      hopOf(1, [transitOf(A)]),
      hopOf(2, [timeoutOf()]),
      hopOf(3, [replyOf({ to: "192.0.2.1", fromName: "www.example", rtt: 9.78 })]),
    ];
    expect(formatTraceroute(traceOf("target", hops, "www.example"))).toBe(
      [
        "traceroute to www.example (192.0.2.1)",
        " 1  10.0.2.1  1.203 ms",
        " 2  *",
        " 3  www.example (192.0.2.1)  9.780 ms",
        "reached 192.0.2.1",
      ].join("\n"),
    );
  });

  test("shows a trace without a hop", () => {
    expect(formatTraceroute(traceOf("stopped", []))).toBe("traceroute to 192.0.2.1\nstopped");
  });
});

describe("formatStopReason()", () => {
  const answered = hopOf(1, [transitOf(A)]);
  const silent = [hopOf(2, [timeoutOf()]), hopOf(3, [timeoutOf()])];
  const cases: readonly (readonly [
    reason: StopReason,
    hops: readonly TracerouteEntry[],
    text: string,
  ])[] = [
    ["target", [answered], "reached 192.0.2.1"],
    ["unreachable", [answered, ...silent], "not reached: hop 3 says it is unreachable"],
    ["gapLimit", [answered, ...silent], "not reached: no answer from the last 2 hops"],
    ["gapLimit", [answered, ...silent.slice(0, 1)], "not reached: no answer from the last hop"],
    ["gapLimit", silent, "not reached: no answer from the last 2 hops"],
    ["sendError", [answered, ...silent], "not reached: nothing could be sent to hop 3"],
    [
      "sendError",
      [answered, hopOf(2, [sendErrorOf("ENODEV", "no \x1b[1mway")])],
      "not reached: nothing could be sent to hop 2: no \\x1b[1mway",
    ],
    ["maxHops", [answered, ...silent], "not reached within 3 hops"],
    ["maxHops", [answered], "not reached within 1 hop"],
    ["stopped", [answered], "stopped"],
  ];
  for (const [reason, hops, text] of cases) {
    test(`says "${text}"`, () => {
      expect(formatStopReason(traceOf(reason, hops))).toBe(text);
    });
  }
});

type LabelFields = readonly [
  label: number,
  trafficClass: number,
  ttl: number,
  bottomOfStack: boolean,
];

function mplsOf(...labels: readonly LabelFields[]): readonly ExtensionObject[] {
  return [
    {
      kind: "mpls",
      classNumber: 1,
      cType: 1,
      labels: labels.map(([label, trafficClass, ttl, bottomOfStack]) => ({
        label,
        trafficClass,
        ttl,
        bottomOfStack,
      })),
    },
  ];
}

function hopOf(ttl: number, probes: readonly EchoResult[]): TracerouteEntry {
  const addr = probes.find(({ reply }) => reply !== null)?.reply?.addr ?? null;
  return { ttl, probes, addr, hostname: null, responders: [] };
}

function traceOf(
  stopReason: StopReason,
  hops: readonly TracerouteEntry[],
  target = "192.0.2.1",
): TracerouteResult {
  return {
    target,
    resolved: "192.0.2.1",
    family: 4,
    hops,
    reached: stopReason === "target",
    stopReason,
    [Symbol.iterator]: () => hops.values(),
  };
}
