import type { FilterInstruction } from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import { Icmpv4Type, Icmpv6Type } from "../../packet/icmp-types.ts";
import { IpProtocol } from "../../packet/protocol.ts";
import { decidingTypes } from "../results/verdicts.ts";

// Classic BPF (linux/bpf_common.h): class | size | mode, or class | operation | source.
const LOAD = 0x00; // A = k
const LOAD_BYTE = 0x30; // A = P[k]
const LOAD_HALF = 0x28; // A = P[k..k+2]
const LOAD_BYTE_INDEXED = 0x50; // A = P[X + k]
const LOAD_HALF_INDEXED = 0x48; // A = P[X + k..X + k + 2]
const LOAD_X = 0x01; // X = k
const LOAD_X_IHL = 0xb1; // X = 4 * (P[k] & 0xf)
const LOAD_X_MEMORY = 0x61; // X = M[k]
const STORE = 0x02; // M[k] = A
const ADD = 0x04; // A += k
const AND = 0x54; // A &= k
const SHIFT_LEFT = 0x64; // A <<= k
const ADD_X = 0x0c; // A += X
const A_TO_X = 0x07; // X = A
const JUMP = 0x05; // pc += k
const JUMP_IF_EQUAL = 0x15; // pc += A == k ? jt : jf
const RETURN = 0x06;

const ACCEPT_ALL_BYTES = 0xffff_ffff;
const REJECT = 0;

// Offsets within an ICMP message, its IPv4 header of X bytes before it, and the datagram an error
// quotes.
const ICMP_TYPE = 0;
const ICMP_IDENTIFIER = 4;
const ICMP_BODY = 8;
const IPV4_PROTOCOL = 9;
const IPV6_NEXT_HEADER = 6;
const IPV6_HEADER_LENGTH = 40;

// IPv6 extension headers (RFC 8200 section 4, RFC 4302 section 2).
const EXTENSION_NEXT_HEADER = 0;
const EXTENSION_LENGTH = 1;
const FRAGMENT_HEADER_LENGTH = 8;
/**
 * Twice as many as RFC 8200 section 4.1 has in one packet. Many more, and jumps would not fit a
 * byte.
 */
const MAX_EXTENSION_HEADERS = 12;

/**
 * The types a prober wants: echo replies, errors that decide a probe, and redirects, which are
 * counted. ICMP_FILTER and ICMP6_FILTER (raw(7), RFC 3542 3.2) drop all others, our own requests on
 * loopback among them.
 */
export const WANTED_TYPES: Readonly<Record<Family, readonly number[]>> = {
  4: [Icmpv4Type.EchoReply, Icmpv4Type.Redirect, ...decidingTypes(4)],
  6: [Icmpv6Type.EchoReply, ...decidingTypes(6)],
};

/**
 * The value of ICMP_FILTER (4 bytes) or ICMP6_FILTER (32 bytes) that lets `types` pass: a set bit
 * blocks its type.
 */
export function typeFilter(
  family: Family,
  types: readonly number[] = WANTED_TYPES[family],
): Uint8Array {
  const words = new Uint32Array(family === 4 ? 1 : 8).fill(0xffff_ffff);
  for (const type of types) {
    const word = type >>> 5;
    words[word] = (words[word] ?? 0) & ~(1 << (type & 31));
  }
  return new Uint8Array(words.buffer);
}

/**
 * A BPF program that passes echo replies with our identifier, and errors that quote an echo request
 * with it. A raw socket is offered every ICMP packet of the network namespace; this drops other
 * processes' in the kernel. A load beyond the end of a packet rejects it.
 */
export function identifierFilter(family: Family, identifier: number): readonly FilterInstruction[] {
  return assemble(family === 4 ? ipv4Program(identifier) : ipv6Program(identifier));
}

/** An instruction whose jumps name what they lead to; without them it goes on to the next. */
interface Step {
  readonly label?: string;
  readonly code: number;
  readonly k: number;
  readonly ifEqual?: string;
  readonly ifNot?: string;
  /** Where a {@link JUMP} leads. */
  readonly to?: string;
}

const VERDICTS: readonly Step[] = [
  { label: "accept", code: RETURN, k: ACCEPT_ALL_BYTES },
  { label: "reject", code: RETURN, k: REJECT },
];

// Raw IPv4 sockets see the IP header, so every offset is relative to its length, X.
function ipv4Program(identifier: number): Step[] {
  return [
    { code: LOAD_X_IHL, k: 0 },
    { code: LOAD_BYTE_INDEXED, k: ICMP_TYPE },
    { code: JUMP_IF_EQUAL, k: Icmpv4Type.EchoReply, ifEqual: "reply" },
    { code: LOAD_BYTE_INDEXED, k: ICMP_BODY + IPV4_PROTOCOL },
    { code: JUMP_IF_EQUAL, k: IpProtocol.Icmp, ifNot: "reject" },
    // The quoted header's own length leads on to the quoted ICMP header.
    { code: LOAD_BYTE_INDEXED, k: ICMP_BODY },
    { code: AND, k: 0x0f },
    { code: SHIFT_LEFT, k: 2 },
    { code: ADD_X, k: 0 },
    { code: A_TO_X, k: 0 },
    { code: LOAD_BYTE_INDEXED, k: ICMP_BODY + ICMP_TYPE },
    { code: JUMP_IF_EQUAL, k: Icmpv4Type.EchoRequest, ifNot: "reject" },
    { code: LOAD_HALF_INDEXED, k: ICMP_BODY + ICMP_IDENTIFIER },
    { code: JUMP_IF_EQUAL, k: identifier, ifEqual: "accept", ifNot: "reject" },
    { label: "reply", code: LOAD_HALF_INDEXED, k: ICMP_IDENTIFIER },
    { code: JUMP_IF_EQUAL, k: identifier, ifEqual: "accept", ifNot: "reject" },
    ...VERDICTS,
  ];
}

// Raw IPv6 sockets see the ICMPv6 message. A quoted probe may have extension headers: that of a
// fragment, and what somebody on the way inserted.
function ipv6Program(identifier: number): Step[] {
  return [
    { code: LOAD_BYTE, k: ICMP_TYPE },
    { code: JUMP_IF_EQUAL, k: Icmpv6Type.EchoReply, ifEqual: "reply" },
    { code: LOAD_X, k: ICMP_BODY + IPV6_HEADER_LENGTH },
    { code: LOAD_BYTE, k: ICMP_BODY + IPV6_NEXT_HEADER },
    ...Array.from({ length: MAX_EXTENSION_HEADERS }, (_, index) => skipExtension(index)).flat(),
    { code: JUMP_IF_EQUAL, k: IpProtocol.Icmpv6, ifNot: "reject" },
    { label: "quoted", code: LOAD_BYTE_INDEXED, k: ICMP_TYPE },
    { code: JUMP_IF_EQUAL, k: Icmpv6Type.EchoRequest, ifNot: "reject" },
    { code: LOAD_HALF_INDEXED, k: ICMP_IDENTIFIER },
    { code: JUMP_IF_EQUAL, k: identifier, ifEqual: "accept", ifNot: "reject" },
    { label: "reply", code: LOAD_HALF, k: ICMP_IDENTIFIER },
    { code: JUMP_IF_EQUAL, k: identifier, ifEqual: "accept", ifNot: "reject" },
    ...VERDICTS,
  ];
}

/** Goes on from the header at X, of type A, to the one after it: classic BPF has no loops. */
function skipExtension(index: number): Step[] {
  const [options, fragment, skip] = [`options ${index}`, `fragment ${index}`, `skip ${index}`];
  return [
    { code: JUMP_IF_EQUAL, k: IpProtocol.Icmpv6, ifEqual: "quoted" },
    { code: JUMP_IF_EQUAL, k: IpProtocol.Fragment, ifEqual: fragment },
    { code: JUMP_IF_EQUAL, k: IpProtocol.HopByHop, ifEqual: options },
    { code: JUMP_IF_EQUAL, k: IpProtocol.Routing, ifEqual: options },
    { code: JUMP_IF_EQUAL, k: IpProtocol.DestinationOptions, ifEqual: options },
    { code: JUMP_IF_EQUAL, k: IpProtocol.Authentication, ifNot: "reject" },
    // RFC 4302 section 2.2: in units of 4 bytes, less two.
    { code: LOAD_BYTE_INDEXED, k: EXTENSION_LENGTH },
    { code: ADD, k: 2 },
    { code: SHIFT_LEFT, k: 2 },
    { code: JUMP, k: 0, to: skip },
    { label: fragment, code: LOAD, k: FRAGMENT_HEADER_LENGTH },
    { code: JUMP, k: 0, to: skip },
    // RFC 8200 section 4.3: in units of 8 bytes, not counting the first.
    { label: options, code: LOAD_BYTE_INDEXED, k: EXTENSION_LENGTH },
    { code: ADD, k: 1 },
    { code: SHIFT_LEFT, k: 3 },
    { label: skip, code: ADD_X, k: 0 },
    { code: STORE, k: 0 },
    { code: LOAD_BYTE_INDEXED, k: EXTENSION_NEXT_HEADER },
    { code: LOAD_X_MEMORY, k: 0 },
  ];
}

function assemble(steps: readonly Step[]): FilterInstruction[] {
  return steps.map(({ code, k, ifEqual, ifNot, to }, index) => {
    const distanceTo = (label: string | undefined) =>
      label === undefined ? 0 : steps.findIndex((step) => step.label === label) - index - 1;
    const distance = to === undefined ? k : distanceTo(to);
    return { code, jt: distanceTo(ifEqual), jf: distanceTo(ifNot), k: distance };
  });
}
