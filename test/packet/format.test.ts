import { describe, expect, test } from "bun:test";
import {
  encodeIcmpv4,
  encodeIpv4Header,
  escapeText,
  formatPacket,
} from "../../src/packet/index.ts";
import { fixturePacket } from "../fixtures/tshark.ts";
import { fromHex } from "../support/hex.ts";

describe("escapeText()", () => {
  test.each([
    ["printable ASCII", "ge-0/0/1.0 [~]", "ge-0/0/1.0 [~]"],
    [
      "letters of any script",
      "große-straße Ωmega 東京 хост مرحبا नमस्ते",
      "große-straße Ωmega 東京 хост مرحبا नमस्ते",
    ],
    ["an escape sequence", "\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"],
    ["line breaks, NUL, DEL", "a\r\n\t\0\x7f", "a\\x0d\\x0a\\x09\\x00\\x7f"],
    ["a C1 control: CSI in one byte", "\x9b31m", "\\x9b31m"],
    [
      "bidirectional overrides and isolates",
      "a\u202e\u2066\u200fb",
      "a\\u{202e}\\u{2066}\\u{200f}b",
    ],
    [
      "invisible characters",
      "a\u200b\u00ad\ufeff\u2060\u3164b",
      "a\\u{200b}\\xad\\u{feff}\\u{2060}\\u{3164}b",
    ],
    [
      "line and paragraph separators, other spaces",
      "\u2028\u2029\u00a0\u3000",
      "\\u{2028}\\u{2029}\\xa0\\u{3000}",
    ],
    [
      "lone surrogates, private use, unassigned",
      "\ud800\ue000\u{e0041}",
      "\\u{d800}\\u{e000}\\u{e0041}",
    ],
    ["a backslash, so that no text looks like an escape", "\\x1b", "\\\\x1b"],
    ["nothing", "", ""],
  ])("%s", (_name, text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  test("escapes what is invisible or moves text, and no other code point", () => {
    const unsafe = /^[[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\\]--[ ]]$/v;
    const wrong: number[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code);
      if ((escapeText(character) !== character) !== unsafe.test(character)) wrong.push(code);
    }
    expect(wrong).toEqual([]);
  });
});

describe("formatPacket()", () => {
  test.each([
    [
      "icmpv4-mpls",
      "IP 192.0.2.1 > 198.51.100.7: ICMP time exceeded (in transit) for {IP 198.51.100.7:49152 > 203.0.113.9:33434: UDP}, MPLS [label 16004 tc 5 ttl 1] [label 1048575 tc 0 S ttl 255], length 152",
    ],
    [
      "icmpv4-interface-information",
      'IP 192.0.2.1 > 198.51.100.7: ICMP time exceeded (in transit) for {IP 198.51.100.7:49152 > 203.0.113.9:33434: UDP}, interface incoming "ge-0/0/1.0" index 513 192.0.2.33 mtu 9192, length 172',
    ],
    [
      "icmpv4-fragmentation-needed",
      /: ICMP destination unreachable \(fragmentation needed\) \(mtu 1400\) for \{IP 10\.87\.1\.1 > 10\.87\.3\.2: ICMP echo request, id \d+, seq 1\}, length 556$/,
    ],
    [
      "icmpv4-redirect",
      /: ICMP redirect \(host\) to 10\.87\.9\.3 for \{IP 10\.87\.9\.1 > 10\.87\.10\.1: ICMP echo request, /,
    ],
    [
      "icmpv4-timestamp-reply",
      /^IP 10\.87\.3\.2 > 10\.87\.1\.1: ICMP timestamp reply, id 9, seq 4, length 20$/,
    ],
    [
      "icmpv4-extended-echo-request",
      'IP 10.87.1.1 > 10.87.3.2: ICMP extended echo request, id 9, seq 7, interface "lo", length 20',
    ],
    [
      "icmpv4-extended-echo-reply",
      "IP 10.87.3.2 > 10.87.1.1: ICMP extended echo reply [active IPv4 IPv6] state 0, id 9, seq 7, length 20",
    ],
    [
      "icmpv4-extended-echo-reply-error",
      /extended echo reply \(no such interface\), id 48879, seq 10, length 8$/,
    ],
    [
      "icmpv6-packet-too-big",
      /^IP6 fd87:2::2 > fd87:1::1: ICMP6 packet too big \(mtu 1400\) for \{IP6 fd87:1::1 > fd87:3::2: ICMP6 echo request, id \d+, seq 1\}, length 1240$/,
    ],
    [
      "icmpv6-redirect",
      "IP6 fe80::2 > fd87:9::1: ICMP6 redirect, fd87:10::1 to fe80::3, length 152",
    ],
    ["icmpv6-neighbor-solicitation", /: ICMP6 neighbor solicitation, length 32$/],
    [
      "icmpv6-time-exceeded-tcp",
      /for \{IP6 \[fd87:1::1\]:\d+ > \[fd87:3::2\]:443: TCP\}, length 88$/,
    ],
    [
      "tcp-syn",
      /^IP 10\.87\.1\.1:\d+ > 10\.87\.3\.2:443: Flags \[S\], seq \d+, win 65280, length 0$/,
    ],
    [
      "tcp-rst",
      /^IP 10\.87\.3\.2:443 > 10\.87\.1\.1:\d+: Flags \[R\.\], seq 0, ack \d+, win 0, length 0$/,
    ],
    ["udp-ipv4", /^IP 10\.87\.1\.1:\d+ > 10\.87\.3\.2:33434: UDP, length 6$/],
    ["ipv4-later-fragment", "IP 10.87.1.1 > 10.87.3.2: fragment, protocol 1, length 1376"],
    ["ipv4-router-alert", /: protocol 2, length \d+$/],
  ])("%s", (name, line) => {
    const formatted = formatPacket(fixturePacket(name));
    if (typeof line === "string") expect(formatted).toBe(line);
    else expect(formatted).toMatch(line);
  });

  test.each([
    ["nothing", "", "[not IP, 0 bytes]"],
    ["another version", "55000000", "[not IP, 4 bytes]"],
    ["half an IPv4 header", "4500", "IP [Cannot decode IPv4 header: need 20 bytes, have 2]"],
    [
      "half a UDP header",
      "45000018 00000000 40110000 0a000001 0a000002 00350035",
      "IP 10.0.0.1 > 10.0.0.2: UDP [Cannot decode UDP header: need 8 bytes, have 4]",
    ],
    [
      "an error without a quote",
      "4500001c 00000000 40010000 0a000001 0a000002 0b000000 00000000",
      "IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded (in transit) for {quote [Cannot decode IPv4 header: need 20 bytes, have 0]}, length 8",
    ],
  ])("says why it cannot decode %s", (_name, hex, line) => {
    expect(formatPacket(fromHex(hex))).toBe(line);
  });

  test("escapes the interface name a router sends", () => {
    const view = new DataView(new ArrayBuffer(200));
    const head = encodeIpv4Header(
      { totalLength: 48, protocol: 1, source: "10.0.0.1", destination: "10.0.0.2" },
      view,
    );
    const name = "\x1b[2J\u202e";
    const extensions = [{ kind: "interfaceInformation", role: "incoming", name }] as const;
    const message = {
      kind: "timeExceeded",
      originalDatagram: new Uint8Array(28),
      extensions,
    } as const;
    const length = head + encodeIcmpv4(message, new DataView(view.buffer, head));
    expect(formatPacket(new DataView(view.buffer, 0, length))).toContain(
      'interface incoming "\\x1b[2J\\u{202e}"',
    );
  });
});
