import { PacketError } from "../errors.ts";
import type { Family } from "./address.ts";
import { type ByteView, subview, viewOf } from "./bytes.ts";
import type { ExtensionObject, MplsLabel } from "./extension-objects.ts";
import type { IcmpQuoting } from "./icmp-message.ts";
import { icmpCodeName, icmpTypeName } from "./icmp-types.ts";
import { decodeIcmpv4, type Icmpv4Message } from "./icmpv4.ts";
import { decodeIcmpv6, type Icmpv6Message } from "./icmpv6.ts";
import { decodeIpv4Header, type Ipv4Header } from "./ipv4.ts";
import { decodeIpv6Header, IPV6_HEADER_LENGTH, type Ipv6Header, isLaterFragment } from "./ipv6.ts";
import { IpProtocol } from "./protocol.ts";
import { decodeQuote, type Quote } from "./quote.ts";
import { decodeTcpHeader, TcpFlag } from "./tcp.ts";
import { decodeUdpHeader, UDP_HEADER_LENGTH } from "./udp.ts";

// Controls (ESC above all), bidirectional and invisible characters, unassigned ones, lone
// surrogates, every separator but the plain space, the blank braille pattern, and the backslash
// itself so that the result is unambiguous. Not as a difference of sets (flag v), which takes 10 ms
// to compile: a fifth of the time in which the library is imported.
const UNSAFE = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\\]/gu;

/**
 * Makes text from the network (interface names, host names) safe to show in a terminal: control
 * characters, escape sequences, bidirectional controls and invisible characters become `\xhh` or
 * `\u{hhhh}`, a backslash `\\`. Printable letters of any script stay.
 */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === "\\") return "\\\\";
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
  });
}

/**
 * One tcpdump-like line for an IP packet:
 * `IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 7, length 64`. Never throws: what does not
 * decode is said so in brackets. The line contains no control characters.
 */
export function formatPacket(packet: ByteView): string {
  const view = viewOf(packet);
  const version = view.byteLength > 0 ? view.getUint8(0) >> 4 : 0;
  if (version !== 4 && version !== 6) return `[not IP, ${view.byteLength} bytes]`;
  const name = version === 4 ? "IP" : "IP6";
  return attempt(name, () => {
    const header = version === 4 ? decodeIpv4Header(view) : decodeIpv6Header(view);
    return `${name} ${formatUpperLayer(header, subview(view, header.headerLength))}`;
  });
}

/** The packet that an ICMP error quotes, in the form of {@link formatPacket}. */
export function formatQuote(quote: Quote): string {
  const { header, source, destination, transport } = quote;
  const name = header.version === 4 ? "IP" : "IP6";
  const family: Family = header.version;
  switch (transport.kind) {
    case "icmp": {
      const what = `${icmpName(family)} ${icmpTypeName(family, transport.type)}`;
      return `${name} ${source} > ${destination}: ${what}, id ${transport.identifier}, seq ${transport.sequence}`;
    }
    case "udp":
    case "tcp": {
      const from = endpoint(source, transport.sourcePort);
      const to = endpoint(destination, transport.destinationPort);
      return `${name} ${from} > ${to}: ${transport.kind.toUpperCase()}`;
    }
    case "raw":
      return `${name} ${source} > ${destination}: protocol ${quote.protocol}`;
    default:
      return transport satisfies never;
  }
}

function formatUpperLayer(header: Ipv4Header | Ipv6Header, payload: DataView): string {
  const { source, destination, protocol } = header;
  const addresses = `${source} > ${destination}:`;
  const length = upperLayerLength(header) ?? payload.byteLength;
  const fragment = header.version === 4 ? header.fragmentOffset !== 0 : isLaterFragment(header);
  if (fragment) return `${addresses} fragment, protocol ${protocol}, length ${length}`;
  if (protocol === IpProtocol.Udp) {
    return attempt(`${addresses} UDP`, () => {
      const { sourcePort, destinationPort, length: ofUdp } = decodeUdpHeader(payload);
      const ends = `${endpoint(source, sourcePort)} > ${endpoint(destination, destinationPort)}`;
      return `${ends}: UDP, length ${ofUdp - UDP_HEADER_LENGTH}`;
    });
  }
  if (protocol === IpProtocol.Tcp) {
    return attempt(`${addresses} TCP`, () => {
      const tcp = decodeTcpHeader(payload);
      const ends = `${endpoint(source, tcp.sourcePort)} > ${endpoint(destination, tcp.destinationPort)}`;
      const acknowledgment = tcp.flags & TcpFlag.Ack ? `, ack ${tcp.acknowledgmentNumber}` : "";
      return `${ends}: Flags [${tcpFlags(tcp.flags)}], seq ${tcp.sequenceNumber}${acknowledgment}, win ${tcp.window}, length ${length - tcp.headerLength}`;
    });
  }
  const family: Family = header.version;
  if (protocol === (family === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6)) {
    return attempt(`${addresses} ${icmpName(family)}`, () => {
      const message = family === 4 ? decodeIcmpv4(payload) : decodeIcmpv6(payload);
      return `${addresses} ${icmpName(family)} ${formatIcmp(message, family)}, length ${length}`;
    });
  }
  return `${addresses} protocol ${protocol}, length ${length}`;
}

/**
 * What the header tells of it: more than there is if the packet was cut. Undefined for what a
 * network card is to cut.
 */
function upperLayerLength(header: Ipv4Header | Ipv6Header): number | undefined {
  const length =
    header.version === 4
      ? header.totalLength - header.headerLength
      : IPV6_HEADER_LENGTH + header.payloadLength - header.headerLength;
  return length >= 0 && !(header.version === 6 && header.payloadLength === 0) ? length : undefined;
}

function formatIcmp(message: Icmpv4Message | Icmpv6Message, family: Family): string {
  const type = icmpTypeName(family, message.type);
  const code = icmpCodeName(family, message.type, message.code);
  switch (message.kind) {
    case "echoRequest":
    case "echoReply":
    case "timestampRequest":
    case "timestampReply":
      return `${type}, id ${message.identifier}, seq ${message.sequence}`;
    case "destinationUnreachable": {
      const mtu =
        "nextHopMtu" in message && message.nextHopMtu ? ` (mtu ${message.nextHopMtu})` : "";
      return `${type} (${code})${mtu}${formatQuoting(message, family)}${formatExtensions(message.extensions)}`;
    }
    case "timeExceeded":
      return `${type} (${code})${formatQuoting(message, family)}${formatExtensions(message.extensions)}`;
    case "parameterProblem": {
      const extensions = "extensions" in message ? formatExtensions(message.extensions) : "";
      return `${type} (${code}) at byte ${message.pointer}${formatQuoting(message, family)}${extensions}`;
    }
    case "packetTooBig":
      return `${type} (mtu ${message.mtu})${formatQuoting(message, family)}`;
    case "redirect":
      return "gateway" in message
        ? `${type} (${code}) to ${message.gateway}${formatQuoting(message, family)}`
        : `${type}, ${message.destination} to ${message.target}`;
    case "extendedEchoRequest":
      return `${type}, id ${message.identifier}, seq ${message.sequence}${formatExtensions(message.extensions)}`;
    case "extendedEchoReply": {
      const flags = [
        message.active && "active",
        message.ipv4 && "IPv4",
        message.ipv6 && "IPv6",
      ].filter(Boolean);
      const state =
        message.code === 0 ? ` [${flags.join(" ")}] state ${message.state}` : ` (${code})`;
      return `${type}${state}, id ${message.identifier}, seq ${message.sequence}`;
    }
    case "raw":
      return `${type}, code ${message.code}`;
    default:
      return type;
  }
}

function formatQuoting(message: IcmpQuoting, family: Family): string {
  const quote = attempt("quote", () => formatQuote(decodeQuote(message.originalDatagram, family)));
  return ` for {${quote}}`;
}

function formatExtensions(extensions: readonly ExtensionObject[]): string {
  return extensions.map((object) => `, ${formatExtension(object)}`).join("");
}

function formatExtension(object: ExtensionObject): string {
  switch (object.kind) {
    case "mpls":
      return `MPLS ${object.labels.map(formatLabel).join(" ")}`;
    case "interfaceInformation":
    case "interfaceIdentification": {
      const fields = [
        "role" in object ? object.role : undefined,
        object.name === undefined ? undefined : `"${escapeText(object.name)}"`,
        object.index === undefined ? undefined : `index ${object.index}`,
        object.address,
        "mtu" in object && object.mtu !== undefined ? `mtu ${object.mtu}` : undefined,
      ];
      return `interface ${fields.filter((field) => field !== undefined).join(" ")}`;
    }
    case "raw":
      return `extension class ${object.classNumber} type ${object.cType} (${object.payload.length} bytes)`;
    default:
      return object satisfies never;
  }
}

function formatLabel(entry: MplsLabel): string {
  const bottom = entry.bottomOfStack ? " S" : "";
  return `[label ${entry.label} tc ${entry.trafficClass}${bottom} ttl ${entry.ttl}]`;
}

/** tcpdump's letters: S SYN, F FIN, P PSH, R RST, U URG, W CWR, E ECE, `.` ACK. */
function tcpFlags(flags: number): string {
  const letters: readonly (readonly [number, string])[] = [
    [TcpFlag.Fin, "F"],
    [TcpFlag.Syn, "S"],
    [TcpFlag.Rst, "R"],
    [TcpFlag.Psh, "P"],
    [TcpFlag.Ack, "."],
    [TcpFlag.Urg, "U"],
    [TcpFlag.Ece, "E"],
    [TcpFlag.Cwr, "W"],
    [TcpFlag.Ae, "e"],
  ];
  return letters.map(([bit, letter]) => (flags & bit ? letter : "")).join("") || "none";
}

function icmpName(family: Family): string {
  return family === 4 ? "ICMP" : "ICMP6";
}

function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `format()`, or `what` and the reason in brackets when the bytes do not decode. */
function attempt(what: string, format: () => string): string {
  try {
    return format();
  } catch (error) {
    if (error instanceof PacketError) return `${what} [${error.message}]`;
    throw error;
  }
}
