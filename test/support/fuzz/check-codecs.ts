import type * as Codecs from "../../../src/packet/index.ts";
import { toHex } from "../hex.ts";

type Icmp = Codecs.Icmpv4Message | Codecs.Icmpv6Message;

/**
 * RFC 4884: what a quote's length is a multiple of when extensions follow, and the least length.
 */
const QUOTE_UNIT = { 4: 4, 6: 8 } as const;
const QUOTE_MIN = 128;

/**
 * Throws unless every codec treats `bytes` as promised: it decodes them or throws `PacketError`,
 * and what was decoded comes back the same from encoding and decoding, but for what the
 * documentation of `icmpx/packet` lists.
 */
export function checkCodecs(codecs: typeof Codecs, bytes: Uint8Array): void {
  const { decodeIpv4Header, encodeIpv4Header, ipv4HeaderLength } = codecs;
  const { decodeIpv6Header, encodeIpv6Header, ipv6HeaderLength } = codecs;
  const keep = { checksum: "keep" } as const;
  const attempt = <Value>(decode: () => Value): Value | undefined => {
    try {
      return decode();
    } catch (error) {
      if (error instanceof codecs.PacketError) return undefined;
      throw error;
    }
  };
  const header4 = attempt(() => decodeIpv4Header(bytes));
  if (header4 !== undefined) {
    const length = ipv4HeaderLength(header4);
    same(
      "IPv4 header",
      encoded(length, (room) => encodeIpv4Header(header4, room, keep)),
      bytes.subarray(0, length),
    );
    codecs.decodeIpv4Options(header4.options);
  }
  const header6 = attempt(() => decodeIpv6Header(bytes));
  if (header6 !== undefined) {
    const length = ipv6HeaderLength(header6);
    same(
      "IPv6 header",
      encoded(length, (room) => encodeIpv6Header(header6, room)),
      bytes.subarray(0, length),
    );
    for (const header of header6.extensionHeaders)
      if ("options" in header) codecs.decodeIpv6Options(header.options);
  }
  const udp = attempt(() => codecs.decodeUdpHeader(bytes));
  if (udp !== undefined) {
    same(
      "UDP header",
      encoded(8, (room) => codecs.encodeUdpHeader(udp, room)),
      bytes.subarray(0, 8),
    );
  }
  const tcp = attempt(() => codecs.decodeTcpHeader(bytes));
  if (tcp !== undefined) {
    const { headerLength: length } = tcp;
    same(
      "TCP header",
      encoded(length, (room) => codecs.encodeTcpHeader(tcp, room)),
      bytes.subarray(0, length),
    );
  }
  for (const family of [4, 6] as const) attempt(() => codecs.decodeQuote(bytes, family));
  const structure = attempt(() => codecs.decodeExtensions(bytes));
  if (structure !== undefined) checkExtensions(codecs, structure.objects);
  const icmpv4 = attempt(() => codecs.decodeIcmpv4(bytes));
  if (icmpv4 !== undefined) {
    const encode = (room: Uint8Array) => codecs.encodeIcmpv4(icmpv4, room, keep);
    const wire = encoded(codecs.icmpv4Length(icmpv4), encode);
    checkMessage(icmpv4, wire, bytes, { family: 4, again: codecs.decodeIcmpv4(wire) });
  }
  const icmpv6 = attempt(() => codecs.decodeIcmpv6(bytes));
  if (icmpv6 !== undefined) {
    const wire = encoded(codecs.icmpv6Length(icmpv6), (room) => codecs.encodeIcmpv6(icmpv6, room));
    // Its checksum needs addresses, and is left to the kernel without them.
    wire.set(bytes.subarray(2, 4), 2);
    checkMessage(icmpv6, wire, bytes, { family: 6, again: codecs.decodeIcmpv6(wire) });
  }
  codecs.formatPacket(bytes);
}

function checkExtensions(codecs: typeof Codecs, objects: readonly Codecs.ExtensionObject[]): void {
  const wire = encoded(codecs.extensionsLength(objects), (room) =>
    codecs.encodeExtensions(objects, room),
  );
  const again = codecs.decodeExtensions(wire);
  same("extension objects", again.objects, objects);
  same("extension structure", again.malformed, false);
}

/**
 * What is decoded again must be what was decoded; without extensions and reserved bits, the bytes
 * must be, too.
 */
function checkMessage(
  message: Icmp,
  wire: Uint8Array,
  bytes: Uint8Array,
  { family, again }: { readonly family: Codecs.Family; readonly again: Icmp },
): void {
  const name = `ICMPv${family} ${message.kind}`;
  same(name, again, documented(message, family));
  const isVerbatim =
    message.kind === "raw" || message.kind === "echoRequest" || message.kind === "echoReply";
  if (isVerbatim) same(`${name}, byte for byte`, wire, bytes);
}

/**
 * `message` with the padding that a quote gets in front of extensions (RFC 4884 sections 5.1 to
 * 5.4).
 */
function documented(message: Icmp, family: Codecs.Family): Icmp {
  if (!("extensions" in message && "originalDatagram" in message)) return message;
  const { extensions, originalDatagram } = message;
  if (extensions.length === 0) return message;
  const unit = QUOTE_UNIT[family];
  const padded = new Uint8Array(
    Math.max(QUOTE_MIN, Math.ceil(originalDatagram.length / unit) * unit),
  );
  padded.set(originalDatagram);
  return { ...message, originalDatagram: padded };
}

function encoded(length: number, encode: (room: Uint8Array) => number): Uint8Array {
  const room = new Uint8Array(length).fill(0xa5);
  const written = encode(room);
  if (written !== length) throw new Error(`Wrote ${written} bytes instead of ${length}`);
  return room;
}

function same(what: string, actual: unknown, expected: unknown): void {
  if (Bun.deepEquals(actual, expected)) return;
  throw new Error(`${what} comes back as\n${text(actual)}\nand was\n${text(expected)}`);
}

function text(value: unknown): string {
  return value instanceof Uint8Array ? toHex(value) : Bun.inspect(value, { depth: 5 });
}
