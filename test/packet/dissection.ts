import {
  decodeExtensions,
  decodeIcmpv4,
  decodeIcmpv6,
  decodeIpv4Header,
  decodeIpv4Options,
  decodeIpv6Header,
  decodeIpv6Options,
  decodeQuote,
  decodeTcpHeader,
  decodeUdpHeader,
  type ExtensionObject,
  extensionsLength,
  type Icmpv4Message,
  type Icmpv6Message,
  IpProtocol,
  type Ipv4Header,
  type Ipv6Header,
  internetChecksum,
  pseudoHeaderSum,
  type Quote,
  type QuotedIcmp,
  type TcpHeader,
  type UdpHeader,
  verifyChecksum,
} from "../../src/packet/index.ts";
import type { Dissection } from "../fixtures/tshark.ts";

/** Our decoding of an IP packet, under tshark's field names and in its notation. */
export function ourDissection(packet: DataView): Dissection {
  const dissector = new Dissector();
  dissector.packet(packet);
  return dissector.fields;
}

const ECHO_TYPES = { 4: [0, 8, 13, 14, 17, 18], 6: [128, 129] } as const;
const INTERFACE_ROLES = ["incoming", "incomingSubIp", "outgoing", "nextHop"];

class Dissector {
  readonly fields: Record<string, string[]> = {};

  packet(view: DataView): void {
    const header = view.getUint8(0) >> 4 === 4 ? decodeIpv4Header(view) : decodeIpv6Header(view);
    this.#ip(header);
    const payload = from(view, header.headerLength);
    const ipv6Fragment =
      header.version === 6 && header.extensionHeaders.find(({ kind }) => kind === "fragment");
    const fragment =
      header.version === 4 ? header.fragmentOffset > 0 || header.moreFragments : ipv6Fragment;
    if (header.version === 4 && header.fragmentOffset > 0) return;
    if (ipv6Fragment && ipv6Fragment.kind === "fragment" && ipv6Fragment.fragmentOffset > 0) return;
    switch (header.protocol) {
      case IpProtocol.Udp:
        this.#udp(decodeUdpHeader(payload));
        break;
      case IpProtocol.Tcp:
        this.#tcp(decodeTcpHeader(payload));
        break;
      case IpProtocol.Icmp:
        this.#icmpv4(decodeIcmpv4(payload), payload);
        this.#add("icmp.checksum.status", fragment ? 2 : Number(internetChecksum(payload) === 0));
        break;
      case IpProtocol.Icmpv6: {
        this.#icmpv6(decodeIcmpv6(payload), payload);
        const sum = pseudoHeaderSum(finalAddresses(header), IpProtocol.Icmpv6, payload.byteLength);
        this.#add("icmpv6.checksum.status", fragment ? 2 : Number(verifyChecksum(payload, sum)));
        break;
      }
    }
  }

  #add(field: string, ...values: readonly (number | string | boolean)[]): void {
    const texts = values.map((value) => String(typeof value === "boolean" ? Number(value) : value));
    if (texts.length === 0) return;
    const found = this.fields[field] ?? [];
    found.push(...texts);
    this.fields[field] = found;
  }

  #ip(header: Ipv4Header | Ipv6Header): void {
    this.#add("ip.version", header.version);
    if (header.version === 4) this.#ipv4(header);
    else this.#ipv6(header);
  }

  #ipv4(header: Ipv4Header): void {
    this.#add("ip.hdr_len", header.headerLength);
    this.#add("ip.dsfield.dscp", header.dscp);
    this.#add("ip.dsfield.ecn", header.ecn);
    this.#add("ip.len", header.totalLength);
    this.#add("ip.id", hex(header.identification, 4));
    this.#add("ip.flags.rb", header.reservedFlag);
    this.#add("ip.flags.df", header.dontFragment);
    this.#add("ip.flags.mf", header.moreFragments);
    this.#add("ip.frag_offset", header.fragmentOffset / 8);
    this.#add("ip.ttl", header.ttl);
    this.#add("ip.proto", header.protocol);
    this.#add("ip.checksum", hex(header.checksum, 4));
    this.#add("ip.src", header.source);
    let destination = header.destination;
    for (const option of decodeIpv4Options(header.options)) {
      this.#add("ip.opt.type", option.type);
      switch (option.kind) {
        case "recordRoute":
          this.#add("ip.opt.ptr", option.pointer);
          this.#add("ip.rec_rt", ...option.route.slice(0, option.visited));
          // tshark lists no slots when the pointer is less than 4, which no slot can be.
          if (option.pointer >= 4) this.#add("ip.empty_rt", ...option.route.slice(option.visited));
          break;
        case "looseSourceRoute":
        case "strictSourceRoute":
          // tshark calls the end of the route the destination, and the address in the header the
          // current hop.
          this.#add("ip.opt.ptr", option.pointer);
          this.#add("ip.rec_rt", ...option.route.slice(0, option.visited));
          this.#add("ip.cur_rt", header.destination);
          this.#add("ip.src_rt", ...option.route.slice(option.visited, -1));
          destination = option.route.at(-1) ?? destination;
          break;
        case "timestamp":
          this.#add("ip.opt.ptr", option.pointer);
          this.#add("ip.opt.flag", hex(option.flag, 2));
          this.#add("ip.opt.overflow", option.overflow);
          this.#add("ip.opt.time_stamp", ...option.entries.map((entry) => entry.time));
          this.#add(
            "ip.opt.time_stamp_addr",
            ...option.entries.flatMap((entry) => entry.address ?? []),
          );
          break;
        case "routerAlert":
          this.#add("ip.opt.ra", option.value);
          break;
      }
    }
    this.#add("ip.dst", destination);
  }

  #ipv6(header: Ipv6Header): void {
    this.#add("ipv6.version", header.version);
    this.#add("ipv6.tclass.dscp", header.dscp);
    this.#add("ipv6.tclass.ecn", header.ecn);
    this.#add("ipv6.flow", hex(header.flowLabel, 6));
    this.#add("ipv6.plen", header.payloadLength);
    this.#add("ipv6.nxt", header.nextHeader);
    this.#add("ipv6.hlim", header.hopLimit);
    this.#add("ipv6.src", header.source);
    this.#add("ipv6.dst", header.destination);
    for (const extension of header.extensionHeaders) {
      switch (extension.kind) {
        case "hopByHop":
        case "destinationOptions":
          this.#add(
            `ipv6.${extension.kind === "hopByHop" ? "hopopts" : "dstopts"}.nxt`,
            extension.nextHeader,
          );
          for (const option of decodeIpv6Options(extension.options)) {
            this.#add("ipv6.opt.type", hex(option.type, 2));
            if (option.kind === "routerAlert") this.#add("ipv6.opt.router_alert", option.value);
          }
          break;
        case "routing":
          this.#add("ipv6.routing.nxt", extension.nextHeader);
          this.#add("ipv6.routing.type", extension.routingType);
          this.#add("ipv6.routing.segleft", extension.segmentsLeft);
          break;
        case "fragment":
          this.#add("ipv6.fraghdr.nxt", extension.nextHeader);
          this.#add("ipv6.fraghdr.offset", extension.fragmentOffset / 8);
          this.#add("ipv6.fraghdr.more", extension.moreFragments);
          this.#add("ipv6.fraghdr.ident", hex(extension.identification, 8));
          break;
      }
    }
  }

  #udp(header: UdpHeader): void {
    this.#add("udp.srcport", header.sourcePort);
    this.#add("udp.dstport", header.destinationPort);
    this.#add("udp.length", header.length);
    this.#add("udp.checksum", hex(header.checksum, 4));
  }

  #tcp(header: TcpHeader): void {
    this.#add("tcp.srcport", header.sourcePort);
    this.#add("tcp.dstport", header.destinationPort);
    this.#add("tcp.seq", header.sequenceNumber);
    this.#add("tcp.ack", header.acknowledgmentNumber);
    this.#add("tcp.hdr_len", header.headerLength);
    this.#add("tcp.flags", hex(header.flags, 4));
    this.#add("tcp.window_size_value", header.window);
    this.#add("tcp.checksum", hex(header.checksum, 4));
    this.#add("tcp.urgent_pointer", header.urgentPointer);
  }

  #icmpHeader(
    layer: "icmp" | "icmpv6",
    header: Pick<QuotedIcmp, "type" | "code" | "checksum">,
  ): void {
    this.#add(`${layer}.type`, header.type);
    this.#add(`${layer}.code`, header.code);
    this.#add(`${layer}.checksum`, hex(header.checksum, 4));
  }

  #icmpv4(message: Icmpv4Message, payload: DataView): void {
    this.#icmpHeader("icmp", message);
    switch (message.kind) {
      case "echoRequest":
      case "echoReply":
      case "timestampRequest":
      case "timestampReply":
        this.#add("icmp.ident", message.identifier);
        this.#add("icmp.seq", message.sequence);
        if ("originate" in message) {
          this.#add("icmp.originate_timestamp", message.originate);
          this.#add("icmp.receive_timestamp", message.receive);
          this.#add("icmp.transmit_timestamp", message.transmit);
        }
        break;
      case "destinationUnreachable":
        if (message.code === 4) this.#add("icmp.mtu", message.nextHopMtu);
        this.#extended(message, payload, 4);
        break;
      case "timeExceeded":
        this.#extended(message, payload, 4);
        break;
      case "parameterProblem":
        this.#add("icmp.pointer", message.pointer);
        this.#extended(message, payload, 4);
        break;
      case "redirect":
        this.#add("icmp.redir_gw", message.gateway);
        this.#quote(decodeQuote(bytesView(message.originalDatagram), 4));
        break;
      case "extendedEchoRequest":
      case "extendedEchoReply":
        this.#extendedEcho("icmp", message, payload);
        break;
      case "raw":
        if (message.type === 17) {
          this.#add("icmp.ident", payload.getUint16(4));
          this.#add("icmp.seq", payload.getUint16(6));
        }
        break;
    }
  }

  #icmpv6(message: Icmpv6Message, payload: DataView): void {
    this.#icmpHeader("icmpv6", message);
    switch (message.kind) {
      case "echoRequest":
      case "echoReply":
        this.#add("icmpv6.echo.identifier", hex(message.identifier, 4));
        this.#add("icmpv6.echo.sequence_number", message.sequence);
        break;
      case "destinationUnreachable":
      case "timeExceeded":
        this.#extended(message, payload, 6);
        break;
      case "packetTooBig":
        this.#add("icmpv6.mtu", message.mtu);
        this.#quote(decodeQuote(bytesView(message.originalDatagram), 6));
        break;
      case "parameterProblem":
        this.#add("icmpv6.pointer", message.pointer);
        this.#quote(decodeQuote(bytesView(message.originalDatagram), 6));
        break;
      case "redirect":
        this.#add("icmpv6.nd.rd.target_address", message.target);
        this.#add("icmpv6.rd.na.destination_address", message.destination);
        for (const option of neighborOptions(message.options)) {
          // RFC 4861 section 4.6.3: the redirected header option quotes the packet after 8 bytes.
          if (option[0] === 4) this.#quote(decodeQuote(bytesView(option.subarray(8)), 6));
        }
        break;
      case "extendedEchoRequest":
      case "extendedEchoReply":
        this.#extendedEcho("icmpv6", message, payload);
        break;
    }
  }

  #extendedEcho(
    layer: "icmp" | "icmpv6",
    message: Extract<Icmpv4Message, { kind: "extendedEchoRequest" | "extendedEchoReply" }>,
    payload: DataView,
  ): void {
    if (layer === "icmp") this.#add("icmp.ident", message.identifier);
    else this.#add("icmpv6.echo.identifier", hex(message.identifier, 4));
    this.#add(`${layer}.ext.echo.seq`, message.sequence);
    if (message.kind === "extendedEchoRequest") {
      this.#add(`${layer}.ext.echo.req.local`, message.local);
      this.#structure(from(payload, 8), message.extensions);
      return;
    }
    this.#add(`${layer}.ext.echo.rsp.state`, message.state);
    this.#add(`${layer}.ext.echo.rsp.active`, message.active);
    this.#add(`${layer}.ext.echo.rsp.ipv4`, message.ipv4);
    this.#add(`${layer}.ext.echo.rsp.ipv6`, message.ipv6);
  }

  #extended(
    message: {
      readonly originalDatagram: Uint8Array;
      readonly extensions: readonly ExtensionObject[];
    },
    payload: DataView,
    family: 4 | 6,
  ): void {
    this.#quote(decodeQuote(bytesView(message.originalDatagram), family));
    if (message.extensions.length > 0) {
      this.#structure(from(payload, 8 + message.originalDatagram.length), message.extensions);
    }
  }

  #structure(view: DataView, extensions: readonly ExtensionObject[]): void {
    const { version, checksum } = decodeExtensions(view);
    this.#add("icmp.ext.version", version);
    this.#add("icmp.ext.checksum", hex(checksum, 4));
    for (const object of extensions) {
      this.#add("icmp.ext.length", extensionsLength([object]) - extensionsLength([]));
      this.#add("icmp.ext.class", object.classNumber);
      this.#add("icmp.ext.ctype", object.cType);
      switch (object.kind) {
        case "mpls":
          for (const entry of object.labels) {
            this.#add("icmp.mpls.label", entry.label);
            this.#add("icmp.mpls.exp", entry.trafficClass);
            this.#add("icmp.mpls.s", entry.bottomOfStack);
            this.#add("icmp.mpls.ttl", entry.ttl);
          }
          break;
        case "interfaceInformation":
          this.#add("icmp.int_info.role", INTERFACE_ROLES.indexOf(object.role));
          this.#interface("icmp.int_info", object);
          if (object.mtu !== undefined) this.#add("icmp.int_info.mtu", object.mtu);
          break;
        case "interfaceIdentification":
          this.#interface("icmp.int_ident", object);
          break;
        case "raw":
          this.#add("icmp.ext.data", Buffer.from(object.payload).toString("hex"));
          break;
      }
    }
  }

  #interface(
    prefix: string,
    object: { readonly index?: number; readonly address?: string; readonly name?: string },
  ): void {
    if (object.index !== undefined) this.#add(`${prefix}.index`, object.index);
    if (object.address !== undefined) {
      this.#add(`${prefix}.${object.address.includes(":") ? "ipv6" : "ipv4"}`, object.address);
    }
    if (object.name !== undefined) this.#add(`${prefix}.name`, object.name);
  }

  #quote(quote: Quote): void {
    this.#ip(quote.header);
    const { transport } = quote;
    const family = quote.header.version;
    if (transport.kind === "udp") this.#udp(transport);
    if (transport.kind === "tcp" && transport.header) this.#tcp(transport.header);
    if (transport.kind !== "icmp") return;
    this.#icmpHeader(family === 4 ? "icmp" : "icmpv6", transport);
    const identified = (ECHO_TYPES[family] as readonly number[]).includes(transport.type);
    if (!identified) return;
    if (family === 4) this.#add("icmp.ident", transport.identifier);
    else this.#add("icmpv6.echo.identifier", hex(transport.identifier, 4));
    this.#add(family === 4 ? "icmp.seq" : "icmpv6.echo.sequence_number", transport.sequence);
  }
}

/**
 * The addresses of the checksum: with segments left in a segment routing header, the last segment
 * is listed first.
 */
function finalAddresses(header: Ipv4Header | Ipv6Header): { source: string; destination: string } {
  const { source, destination } = header;
  if (header.version === 6) {
    for (const extension of header.extensionHeaders) {
      if (extension.kind === "routing" && extension.routingType === 4) {
        const bytes = new DataView(extension.bytes.buffer, extension.bytes.byteOffset + 8, 16);
        return { source, destination: address(bytes) };
      }
    }
  }
  return { source, destination };
}

function address(view: DataView): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16));
  return groups.join(":");
}

function neighborOptions(options: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let offset = 0; offset + 8 <= options.length; ) {
    const length = (options[offset + 1] ?? 0) * 8;
    if (length === 0) break;
    found.push(options.subarray(offset, offset + length));
    offset += length;
  }
  return found;
}

function from(view: DataView, start: number): DataView {
  return new DataView(view.buffer, view.byteOffset + start, view.byteLength - start);
}

function bytesView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}
