/**
 * What the codecs of `icmpx/packet` cost, in ns for each call (mitata): the packets are those of
 * `test/fixtures/packets`, IP header included, as captured.
 *
 *     bun bench/codec.ts
 */
import {
  type ByteView,
  decodeIcmpv4,
  decodeIcmpv6,
  decodeIpv4Header,
  decodeIpv6Header,
  decodeQuote,
  encodeIcmpv4,
  encodeIcmpv6,
  escapeText,
  formatAddress,
  formatPacket,
  internetChecksum,
  parseAddress,
  verifyChecksum,
} from "icmpx/packet";
import { bench, do_not_optimize, run } from "mitata";
import { fixturePacket } from "../test/fixtures/tshark.ts";
import { figure, printTable } from "./support/measure.ts";

const V4_HEADER = 20;
const V6_HEADER = 40;

const target = new Uint8Array(2048);
const data = new Uint8Array(56);
const pseudo = { source: "fd20::1", destination: "fd20::2" };
const address4 = new Uint8Array([192, 0, 2, 17]);
const address6 = parseAddress("2001:db8::8:800:200c:417a")?.bytes ?? new Uint8Array(16);

measure("decode IPv4 header", packet("icmpv4-echo-reply"), decodeIpv4Header);
measure("decode IPv6 header", packet("icmpv6-echo-reply"), decodeIpv6Header);
measure("decode echo reply, ICMPv4", packet("icmpv4-echo-reply", V4_HEADER), decodeIcmpv4);
measure("decode echo reply, ICMPv6", packet("icmpv6-echo-reply", V6_HEADER), decodeIcmpv6);
measure("decode time exceeded, ICMPv4", packet("icmpv4-time-exceeded", V4_HEADER), decodeIcmpv4);
measure("decode its quote", packet("icmpv4-time-exceeded", V4_HEADER + 8), (view) =>
  decodeQuote(view, 4),
);
measure("decode time exceeded with MPLS, ICMPv4", packet("icmpv4-mpls", V4_HEADER), decodeIcmpv4);
measure("decode time exceeded, ICMPv6", packet("icmpv6-time-exceeded", V6_HEADER), decodeIcmpv6);
measure("decode time exceeded with MPLS, ICMPv6", packet("icmpv6-mpls", V6_HEADER), decodeIcmpv6);
measure("format time exceeded with MPLS as a line", packet("icmpv4-mpls"), formatPacket);

const echo = { kind: "echoRequest", identifier: 1, sequence: 7, data } as const;
measure("encode echo request, 56 bytes, ICMPv4", echo, (message) => encodeIcmpv4(message, target));
measure("encode echo request, 56 bytes, ICMPv6", echo, (message) =>
  encodeIcmpv6(message, target, pseudo),
);
const exceeded = decodeIcmpv4(packet("icmpv4-mpls", V4_HEADER));
measure("encode time exceeded with MPLS, ICMPv4", exceeded, (message) =>
  encodeIcmpv4(message, target),
);

for (const length of [64, 1500]) {
  measure(`checksum of ${length} bytes`, target.subarray(0, length), (bytes) =>
    internetChecksum(bytes),
  );
}
measure("verify echo reply", packet("icmpv4-echo-reply", V4_HEADER), (view) =>
  verifyChecksum(view),
);

measure("parse IPv4 address", "192.0.2.17", parseAddress);
measure("parse IPv6 address", "2001:db8::8:800:200c:417a", parseAddress);
measure("format IPv4 address", address4, formatAddress);
measure("format IPv6 address", address6, formatAddress);
measure("escape a host name", "router-7.example.net", escapeText);

const { benchmarks } = await run({ format: "quiet", throw: true });
const rows = benchmarks.flatMap(({ runs }) =>
  runs.map(({ name, stats }) => {
    const { p50 = Number.NaN, p99 = Number.NaN } = stats ?? {};
    return [name, figure(p50, 0, "ns"), figure(p99, 0, "ns")];
  }),
);
printTable("For each call", ["", "median", "p99"], rows);

function measure<Input>(name: string, input: Input, call: (input: Input) => unknown): void {
  bench(name, () => do_not_optimize(call(input)));
}

/** A captured packet from `offset` on. */
function packet(name: string, offset = 0): ByteView {
  const bytes = fixturePacket(name);
  return new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.byteLength - offset);
}
