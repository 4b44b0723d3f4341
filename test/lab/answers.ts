import { parseAddress } from "../../src/packet/address.ts";
import { internetChecksum } from "../../src/packet/checksum.ts";
import { IpProtocol } from "../../src/packet/protocol.ts";
import {
  type Envelope,
  echoReplyPacket,
  errorPacket,
  finishChecksum,
  resetPacket,
} from "./answer-packet.ts";
import { ECHO_REPLY, HOST_UNREACHABLE, PORT_UNREACHABLE, REDIRECT } from "./icmp-codes.ts";
import { type ProbePacket, packetAsSeen, viewOf } from "./probe-packet.ts";
import type { Action, AddressPair, IcmpCode, Nat, Node } from "./scenario.ts";

const ICMP_HEADER_LENGTH = 8;
const IP_HEADER_LENGTH = { 4: 20, 6: 40 } as const;
/** Where the destination stands in an IP header. */
const DESTINATION = { 4: 16, 6: 24 } as const;
const IPV4_CHECKSUM = 10;
const IPV6_PAYLOAD_LENGTH = 4;
const IPV6_NEXT_HEADER = 6;
/** Number of the neighbour discovery option "redirected header" (RFC 4861 section 4.6.3). */
const REDIRECTED_HEADER = 4;
const DEFAULT_TTL = 64;
/** TCP has neither. */
const NO_CODE: IcmpCode = { type: -1, code: -1 };
/** RFC 4861 section 4.5: an IPv6 redirect comes from a link-local address with hop limit 255. */
const REDIRECT_TTL = 255;
/** A forged "too big" with less would teach the kernel a smaller path MTU. */
const ETHERNET_MTU = 1500;
const LINK_LOCAL_ROUTER = "fe80::1:1";

/** A packet to send to the source. */
export interface Answer extends IcmpCode {
  readonly envelope: Envelope;
  readonly bytes: Uint8Array;
  /** The probe that it answers. */
  readonly probe: ProbePacket;
  readonly isUnrecognisable: boolean;
}

/** What an error says, and what its sender saw. */
export interface ErrorDetails extends IcmpCode {
  /** How many routers the error passes on its way back. */
  readonly distance: number;
  readonly word?: number;
  /** For a redirect. */
  readonly gateway?: string;
  /** The TTL that the probe came with. */
  readonly ttl: number;
  /** Translations that the probe had gone through. */
  readonly nats: readonly Nat[];
}

/** Who answers, and how many routers away. */
interface Sender {
  readonly node: Node;
  readonly distance: number;
}

/** Makes the bytes of answers, true, corrupt and forged. */
export class AnswerMaker {
  readonly #source: AddressPair;

  constructor(source: AddressPair) {
    this.#source = source;
  }

  /**
   * What a target answers, `distance` routers away: an echo reply, port unreachable, or a TCP
   * reset.
   */
  reply(probe: ProbePacket, node: Node, distance: number): Answer {
    const envelope = this.#envelope(probe, { node, distance }, node.address[probe.family]);
    if (probe.protocol === "udp") {
      return this.error(probe, node, {
        ...PORT_UNREACHABLE[probe.family],
        ttl: probe.ttl,
        nats: [],
        distance,
      });
    }
    if (probe.protocol === "tcp") {
      return {
        ...NO_CODE,
        envelope,
        bytes: resetPacket(envelope, probe),
        probe,
        isUnrecognisable: false,
      };
    }
    const data = probe.bytes.subarray(probe.headerLength + ICMP_HEADER_LENGTH);
    const bytes = echoReplyPacket(envelope, probe, data);
    return { ...ECHO_REPLY[probe.family], envelope, bytes, probe, isUnrecognisable: false };
  }

  /** An ICMP error of a node about a probe. */
  error(probe: ProbePacket, node: Node, details: ErrorDetails): Answer {
    const { family } = probe;
    const { type, code, word, gateway, nats, distance } = details;
    const seen = packetAsSeen(probe, sightingOf(probe, details));
    const hasOptions = family === 6 && node.quotesOptions === true;
    const original = hasOptions ? withOptions(seen) : seen;
    const originalHeaderLength = probe.headerLength + original.length - seen.length;
    const isUnrecognisable = nats.some(({ restores, identifier = 0 }) => {
      return restores === "nothing" && identifier !== 0;
    });
    if (gateway !== undefined)
      return this.#redirect(probe, { node, distance }, { gateway, original });
    const from = (node.answersFrom ?? node.address)[family];
    const envelope = this.#envelope(probe, { node, distance }, from);
    const bytes = errorPacket(envelope, {
      ...{ type, code, original, originalHeaderLength },
      ...{ quote: node.quote, extensions: node.extensions },
      ...(word !== undefined && { word }),
    });
    return { type, code, envelope, bytes, probe, isUnrecognisable };
  }

  /** The same packet with damage. */
  corrupt(answer: Answer, what: Extract<Action, { kind: "corrupt" }>["what"]): Answer {
    const { envelope, probe } = answer;
    const isReply = answer.type === ECHO_REPLY[envelope.family].type;
    if (isReply && (what === "shorter" || what === "longer")) {
      const data = answer.bytes.subarray(IP_HEADER_LENGTH[envelope.family] + ICMP_HEADER_LENGTH);
      const changed = new Uint8Array(Math.max(0, data.length + (what === "shorter" ? -8 : 8)));
      changed.set(data.subarray(0, changed.length));
      return { ...answer, bytes: echoReplyPacket(envelope, probe, changed) };
    }
    const bytes = answer.bytes.slice();
    if (isReply && what === "payload") bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
    finishChecksum(bytes, envelope, what !== "checksum");
    return { ...answer, bytes };
  }

  /** A packet that claims to be an answer, and is not. */
  forge(answer: Answer, action: Extract<Action, { kind: "forge" }>): Answer {
    const { what, from } = action;
    const { family } = answer.envelope;
    const { probe } = answer;
    if (action.what === "error")
      return this.#forgeError(answer, from[family], action.error[family]);
    if (what === "source") {
      const envelope = { ...answer.envelope, from: from[family] };
      const bytes = answer.bytes.slice();
      const address = parseAddress(from[family])?.bytes ?? new Uint8Array();
      bytes.set(address, DESTINATION[family] - address.length);
      finishIpHeader(bytes, family);
      finishChecksum(bytes, envelope);
      return { ...answer, envelope, bytes };
    }
    if (what === "cookie") {
      const bytes = answer.bytes.slice();
      const isReply = answer.type === ECHO_REPLY[family].type;
      const data =
        IP_HEADER_LENGTH[family] +
        ICMP_HEADER_LENGTH +
        (isReply ? 0 : probe.headerLength + ICMP_HEADER_LENGTH);
      bytes.fill(0x66, data, Math.min(data + 8, bytes.length));
      finishChecksum(bytes, answer.envelope);
      return { ...answer, bytes, isUnrecognisable: true };
    }
    const envelope = { ...answer.envelope, from: from[family] };
    const original = probe.bytes.slice();
    original.set(parseAddress(from[family])?.bytes ?? [], DESTINATION[family]);
    const code = HOST_UNREACHABLE[family];
    const bytes = errorPacket(envelope, {
      ...code,
      original,
      originalHeaderLength: probe.headerLength,
    });
    return { ...code, envelope, bytes, probe, isUnrecognisable: true };
  }

  #forgeError({ envelope, probe }: Answer, from: string, code: IcmpCode): Answer {
    const forged = { ...envelope, from };
    const { bytes: original, headerLength: originalHeaderLength } = probe;
    const bytes = errorPacket(forged, {
      ...code,
      word: ETHERNET_MTU,
      original,
      originalHeaderLength,
    });
    return { ...code, envelope: forged, bytes, probe, isUnrecognisable: false };
  }

  #redirect(
    probe: ProbePacket,
    sender: Sender,
    { gateway, original }: { readonly gateway: string; readonly original: Uint8Array },
  ): Answer {
    const { family } = probe;
    const address = parseAddress(gateway)?.bytes ?? new Uint8Array();
    if (family === 4) {
      const envelope = this.#envelope(probe, sender, sender.node.address[4]);
      const word = viewOf(address).getUint32(0);
      const fields = { ...REDIRECT[4], word, original, originalHeaderLength: probe.headerLength };
      return {
        ...REDIRECT[4],
        envelope,
        bytes: errorPacket(envelope, fields),
        probe,
        isUnrecognisable: false,
      };
    }
    const envelope = { family, from: LINK_LOCAL_ROUTER, to: this.#source[6], ttl: REDIRECT_TTL };
    // Target and destination address, then the "redirected header" option: type 4, length in units
    // of 8 bytes (RFC 4861 4.6.3).
    const quoted = Math.floor(Math.min(original.length, 1000) / 8) * 8;
    const body = new Uint8Array(32 + 8 + quoted);
    body.set(address, 0);
    body.set(parseAddress(probe.destination)?.bytes ?? [], 16);
    body[32] = REDIRECTED_HEADER;
    body[33] = 1 + quoted / 8;
    body.set(original.subarray(0, quoted), 40);
    // A body in place of the quote: 8 bytes of ICMP header in front, nothing behind.
    const bytes = errorPacket(envelope, {
      ...REDIRECT[6],
      original: body,
      originalHeaderLength: body.length,
    });
    return { ...REDIRECT[6], envelope, bytes, probe, isUnrecognisable: false };
  }

  #envelope({ family }: ProbePacket, { node, distance }: Sender, from: string): Envelope {
    return {
      family,
      from,
      to: this.#source[family],
      ttl: (node.initialTtl ?? DEFAULT_TTL) - distance,
    };
  }
}

/** What the sender of an error saw of the probe, as the NATs on the way back leave it. */
function sightingOf(probe: ProbePacket, { ttl, nats }: ErrorDetails) {
  let identifier = probe.identifier;
  let checksumChange = 0;
  let source: Uint8Array | undefined;
  for (const nat of nats) {
    if (nat.restores === "nothing") identifier = (identifier + (nat.identifier ?? 0)) & 0xffff;
    if (nat.restores === "all but the checksum") {
      // As RFC 1624 has it: what the new identifier has more than the old one. The source address
      // is left out.
      checksumChange += nat.identifier ?? 0;
      continue;
    }
    if (nat.restores !== "all") source = parseAddress(nat.source[probe.family])?.bytes ?? source;
  }
  return {
    ttl,
    ...(identifier !== probe.identifier && { identifier }),
    ...(source !== undefined && { source }),
    ...(checksumChange !== 0 && { checksumChange }),
  };
}

/**
 * An IPv6 packet with hop-by-hop and destination options of 8 bytes each, padding all of them (RFC
 * 8200 section 4.2).
 */
function withOptions(packet: Uint8Array): Uint8Array {
  const headers = Uint8Array.of(IpProtocol.DestinationOptions, 0, 1, 4, 0, 0, 0, 0);
  const more = Uint8Array.of(packet[IPV6_NEXT_HEADER] ?? 0, 0, 1, 4, 0, 0, 0, 0);
  const { 6: length } = IP_HEADER_LENGTH;
  const bytes = Uint8Array.of(
    ...packet.subarray(0, length),
    ...headers,
    ...more,
    ...packet.subarray(length),
  );
  bytes[IPV6_NEXT_HEADER] = IpProtocol.HopByHop;
  viewOf(bytes).setUint16(IPV6_PAYLOAD_LENGTH, bytes.length - length);
  return bytes;
}

function finishIpHeader(bytes: Uint8Array, family: 4 | 6): void {
  if (family === 6) return;
  const view = viewOf(bytes);
  view.setUint16(IPV4_CHECKSUM, 0);
  view.setUint16(IPV4_CHECKSUM, internetChecksum(bytes.subarray(0, IP_HEADER_LENGTH[4])));
}
