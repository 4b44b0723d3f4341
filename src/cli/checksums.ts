import {
  formatAddress,
  IpProtocol,
  type Ipv4Header,
  type Ipv6Header,
  internetChecksum,
  ipv6PseudoHeaderSum,
} from "icmpx/packet";
import { viewOf } from "./byte-reader.ts";
import { isFragment, isIcmp, isLaterFragment } from "./payloads.ts";

/** Whether a checksum is right; "unverified" where bytes that it covers are missing. */
export type ChecksumVerdict = "good" | "bad" | "unverified";

/** A checksum, looked at. */
export interface CheckedChecksum {
  readonly verdict: ChecksumVerdict;
  readonly found: number;
  /** What it should be, where that can be told. */
  readonly expected: number | undefined;
}

const IPV4_CHECKSUM = 10;
const ICMP_CHECKSUM = 2;

/** That of an IPv4 header, or null where there is none. */
export function ipChecksum(
  packet: Uint8Array,
  header: Ipv4Header | Ipv6Header | null,
): CheckedChecksum | null {
  if (header?.version !== 4) return null;
  return verify(packet.subarray(0, header.headerLength), IPV4_CHECKSUM, 0);
}

/**
 * That of an ICMP message, or null where there is none.
 *
 * @param isCut whether `payload` is only its beginning
 */
export function icmpChecksum(
  header: Ipv4Header | Ipv6Header | null,
  payload: Uint8Array,
  isCut: boolean,
): CheckedChecksum | null {
  if (header === null || !isIcmp(header) || isLaterFragment(header)) return null;
  if (payload.length < ICMP_CHECKSUM + 2) return null;
  const found = viewOf(payload).getUint16(ICMP_CHECKSUM);
  const pseudo = isCut || isFragment(header) ? undefined : pseudoSum(header, payload.length);
  if (pseudo === undefined) return { verdict: "unverified", found, expected: undefined };
  return verify(payload, ICMP_CHECKSUM, pseudo);
}

/** A mark for the line of a packet whose checksum is wrong; else nothing. */
export function badMark(layer: string, { verdict, found, expected = 0 }: CheckedChecksum): string {
  return verdict === "bad"
    ? ` [bad ${layer} checksum ${hex(found)}, should be ${hex(expected)}]`
    : "";
}

/** The sum of what the checksum covers besides the message; undefined where that is not known. */
function pseudoSum(header: Ipv4Header | Ipv6Header, length: number): number | undefined {
  if (header.version === 4) return 0;
  const destination = finalDestination(header);
  if (destination === undefined) return undefined;
  return ipv6PseudoHeaderSum({ source: header.source, destination }, IpProtocol.Icmpv6, length);
}

/**
 * RFC 8200 section 8.1: on its way through a routing header a packet's checksum is about its last
 * destination.
 */
function finalDestination({ destination, extensionHeaders }: Ipv6Header): string | undefined {
  const routing = extensionHeaders.find((each) => each.kind === "routing" && each.segmentsLeft > 0);
  if (routing?.kind !== "routing") return destination;
  const { bytes, routingType } = routing;
  switch (routingType) {
    // RFC 2460 section 4.4, RFC 6275 section 6.4: the last address of the list.
    case 0:
    case 2:
      return bytes.length < 24 ? undefined : formatAddress(bytes.subarray(-16));
    // RFC 8754 section 2: the list is backwards.
    case 4:
      return bytes.length < 24 ? undefined : formatAddress(bytes.subarray(8, 24));
    default:
      return undefined;
  }
}

function verify(bytes: Uint8Array, at: number, initial: number): CheckedChecksum {
  const copy = bytes.slice();
  const view = viewOf(copy);
  const found = view.getUint16(at);
  view.setUint16(at, 0);
  const expected = internetChecksum(copy, initial);
  // In one's complement 0xffff is another 0 (RFC 1071).
  const isGood = found === expected || (found === 0xffff && expected === 0);
  return { verdict: isGood ? "good" : "bad", found, expected };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, "0")}`;
}
