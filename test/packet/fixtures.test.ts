import { describe, expect, test } from "bun:test";
import {
  decodeIcmpv4,
  decodeIcmpv6,
  decodeIpv4Header,
  decodeIpv6Header,
  decodeTcpHeader,
  decodeUdpHeader,
  encodeIcmpv4,
  encodeIcmpv6,
  encodeIpv4Header,
  encodeIpv6Header,
  encodeTcpHeader,
  encodeUdpHeader,
  formatPacket,
  IpProtocol,
  icmpv4Length,
  icmpv6Length,
  ipv4HeaderLength,
  ipv6HeaderLength,
  tcpHeaderLength,
} from "../../src/packet/index.ts";
import {
  type Dissection,
  dissect,
  fixtureDissection,
  fixtureNames,
  fixturePacket,
} from "../fixtures/tshark.ts";
import { encodedBytes, paddedView, toHex } from "../support/hex.ts";
import { describeIf, requires } from "../support/requires.ts";
import { ourDissection } from "./dissection.ts";

const NAMES = fixtureNames();

/** Fixtures that encode to something else, and why. */
const NOT_CANONICAL: Readonly<Record<string, string>> = {
  "icmpv4-mpls-legacy": "we always write the length field that RFC 4884 demands",
  "icmpv4-mpls-no-checksum": "we always write the checksum of the extension structure",
};

/**
 * Later fragments have no upper-layer header; AH covers one, but its own fields are not encoded.
 */
function isLaterFragment(name: string): boolean {
  return name.endsWith("later-fragment");
}

describe("fixtures", () => {
  test("are all there", () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(74);
  });

  test.each(NAMES)("%s decodes as tshark dissects it", (name) => {
    expect(comparable(ourDissection(paddedView(fixturePacket(name))))).toEqual(
      comparable(fixtureDissection(name)),
    );
  });

  test.each(NAMES)("%s encodes back to the same bytes", (name) => {
    const packet = fixturePacket(name);
    const encoded = encodePacket(name, packet);
    if (name in NOT_CANONICAL) expect(toHex(encoded)).not.toBe(toHex(packet));
    else expect(toHex(encoded)).toBe(toHex(packet));
  });

  test.each(NAMES)("%s formats as one printable line without a complaint", (name) => {
    const line = formatPacket(fixturePacket(name));
    expect(line).toMatch(/^IP6? [^\n\p{Cc}]+$/u);
    expect(line).not.toContain("Cannot");
  });
});

describeIf(requires.command("tshark"), "tshark", () => {
  test("still dissects the fixtures as stored", () => {
    const found = dissect(NAMES.map(fixturePacket));
    expect(found.length).toBe(NAMES.length);
    for (const [index, name] of NAMES.entries()) {
      expect(found[index], name).toEqual(fixtureDissection(name));
    }
  });
});

/**
 * Leaves out what is tshark's own affair: whether it verifies a checksum inside a quote, and
 * extension structures of another version than 2, which it "finds" at byte 128 of long quotes.
 */
function comparable(dissection: Dissection): Dissection {
  const phantom = dissection["icmp.ext.version"]?.[0] !== "2";
  const fields = Object.entries(dissection)
    .filter(
      ([field]) =>
        !(phantom && field.startsWith("icmp.ext.") && !field.startsWith("icmp.ext.echo.")),
    )
    .map(
      ([field, values]) =>
        [field, field.endsWith(".status") ? values.slice(0, 1) : values] as const,
    );
  return Object.fromEntries(fields);
}

function encodePacket(name: string, packet: Uint8Array): Uint8Array {
  const view = paddedView(packet);
  const v4 = packet[0] === undefined || packet[0] >> 4 === 4;
  const header = v4 ? decodeIpv4Header(view) : decodeIpv6Header(view);
  const length = header.version === 4 ? ipv4HeaderLength(header) : ipv6HeaderLength(header);
  expect(length).toBe(header.headerLength);
  const head = encodedBytes((target) =>
    header.version === 4 ? encodeIpv4Header(header, target) : encodeIpv6Header(header, target),
  );
  const payload = new DataView(view.buffer, view.byteOffset + length, view.byteLength - length);
  if (isLaterFragment(name)) return concat(head, bytes(payload, 0));
  return concat(head, encodeUpperLayer(header, payload, name));
}

function encodeUpperLayer(
  header: ReturnType<typeof decodeIpv4Header | typeof decodeIpv6Header>,
  payload: DataView,
  name: string,
): Uint8Array {
  switch (header.protocol) {
    case IpProtocol.Icmp: {
      const message = decodeIcmpv4(payload);
      if (!(name in NOT_CANONICAL)) expect(icmpv4Length(message)).toBe(payload.byteLength);
      // The checksum of a fragmented message covers bytes that are elsewhere.
      const checksum = header.version === 4 && header.moreFragments ? "keep" : "compute";
      return encodedBytes((view) => encodeIcmpv4(message, view, { checksum }));
    }
    case IpProtocol.Icmpv6: {
      const message = decodeIcmpv6(payload);
      expect(icmpv6Length(message)).toBe(payload.byteLength);
      const computable =
        header.version === 6 &&
        header.extensionHeaders.every(({ kind }) => kind !== "fragment" && kind !== "routing");
      const encoded = encodedBytes((view) =>
        encodeIcmpv6(message, view, computable ? header : undefined),
      );
      if (!computable) new DataView(encoded.buffer).setUint16(2, message.checksum);
      return encoded;
    }
    case IpProtocol.Tcp: {
      const tcp = decodeTcpHeader(payload);
      expect(tcpHeaderLength(tcp)).toBe(tcp.headerLength);
      return concat(
        encodedBytes((view) => encodeTcpHeader(tcp, view)),
        bytes(payload, tcp.headerLength),
      );
    }
    case IpProtocol.Udp: {
      const udp = decodeUdpHeader(payload);
      return concat(
        encodedBytes((view) => encodeUdpHeader(udp, view)),
        bytes(payload, 8),
      );
    }
    default:
      return bytes(payload, 0);
  }
}

function bytes(view: DataView, start: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, view.byteLength - start);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
