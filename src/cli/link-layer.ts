import { viewOf } from "./byte-reader.ts";

/** Kinds of link-layer header that are taken off (https://www.tcpdump.org/linktypes.html). */
export const LinkType = {
  Null: 0,
  Ethernet: 1,
  RawBsd: 12,
  RawOpenBsd: 14,
  Raw: 101,
  Loop: 108,
  LinuxCooked: 113,
  Ipv4: 228,
  Ipv6: 229,
  LinuxCooked2: 276,
} as const;

/** Of the others, those that are met most. */
const LINK_TYPE_NAMES: Readonly<Record<number, string>> = {
  6: "token ring",
  8: "SLIP",
  9: "PPP",
  10: "FDDI",
  50: "PPP in HDLC",
  51: "PPPoE",
  104: "Cisco HDLC",
  105: "IEEE 802.11",
  107: "frame relay",
  117: "OpenBSD pflog",
  119: "IEEE 802.11 with Prism",
  122: "IP over Fibre Channel",
  127: "IEEE 802.11 with radiotap",
  138: "IP over FireWire",
  187: "Bluetooth HCI",
  189: "Linux USB",
  192: "PPI",
  195: "IEEE 802.15.4",
  201: "Bluetooth HCI with direction",
  220: "Linux USB, padded",
  227: "SocketCAN",
  239: "NFLOG",
  247: "InfiniBand",
  249: "USBPcap",
  251: "Bluetooth LE",
  253: "netlink",
};

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** Tags before the type: IEEE 802.1Q, 802.1ad, and what was used for the latter before. */
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8, 0x9100];
/** Below this it is a length (IEEE 802.3). */
const LEAST_ETHERTYPE = 0x0600;
const ETHERTYPE_NAMES: Readonly<Record<number, string>> = {
  2054: "ARP",
  25944: "batman-adv",
  32821: "RARP",
  34827: "PPP",
  34887: "MPLS",
  34888: "MPLS multicast",
  34915: "PPPoE discovery",
  34916: "PPPoE session",
  34958: "EAPOL",
  35020: "LLDP",
  35045: "MACsec",
  35047: "provider backbone bridge",
  35063: "PTP",
  35151: "NSH",
  36864: "loopback test",
};

/** What a frame carries: an IP packet, or something else. */
export type FrameContent =
  | { readonly kind: "ip"; readonly packet: Uint8Array }
  | {
      readonly kind: "other";
      /** What it is, e.g. `"ARP"`: under this it is counted. */
      readonly name: string;
      /** The same with its number. */
      readonly description: string;
    };

/** Takes the link-layer header off. */
export function unwrapFrame(linkType: number, bytes: Uint8Array): FrameContent {
  switch (linkType) {
    case LinkType.Raw:
    case LinkType.RawBsd:
    case LinkType.RawOpenBsd:
    case LinkType.Ipv4:
    case LinkType.Ipv6:
      return { kind: "ip", packet: bytes };
    // The address family, in either byte order, and of several systems: the packet itself tells its
    // version.
    case LinkType.Null:
    case LinkType.Loop:
      return afterHeader(bytes, 4, "loopback");
    case LinkType.Ethernet:
      return unwrapEthernet(bytes);
    case LinkType.LinuxCooked:
      return afterType(bytes, 14, 16, "Linux cooked");
    case LinkType.LinuxCooked2:
      return afterType(bytes, 0, 20, "Linux cooked v2");
    default: {
      const known = LINK_TYPE_NAMES[linkType];
      const name = `link type ${linkType}${known === undefined ? "" : ` (${known})`}`;
      return { kind: "other", name, description: `${name} is not known` };
    }
  }
}

function unwrapEthernet(bytes: Uint8Array): FrameContent {
  let typeAt = 12;
  while (typeAt + 2 <= bytes.length && VLAN_TAGS.includes(viewOf(bytes).getUint16(typeAt)))
    typeAt += 4;
  return afterType(bytes, typeAt, typeAt + 2, "Ethernet");
}

function afterType(
  bytes: Uint8Array,
  typeAt: number,
  headerLength: number,
  layer: string,
): FrameContent {
  if (bytes.length < headerLength) return tooShort(bytes, layer);
  const type = viewOf(bytes).getUint16(typeAt);
  if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6)
    return { kind: "ip", packet: bytes.subarray(headerLength) };
  if (type < LEAST_ETHERTYPE)
    return {
      kind: "other",
      name: "IEEE 802.3",
      description: "not IP: IEEE 802.3 (a length for a type)",
    };
  const number = `ethertype 0x${type.toString(16).padStart(4, "0")}`;
  const known = ETHERTYPE_NAMES[type];
  return known === undefined
    ? { kind: "other", name: number, description: `not IP: ${number}` }
    : { kind: "other", name: known, description: `not IP: ${known} (${number})` };
}

function afterHeader(bytes: Uint8Array, headerLength: number, layer: string): FrameContent {
  return bytes.length < headerLength
    ? tooShort(bytes, layer)
    : { kind: "ip", packet: bytes.subarray(headerLength) };
}

function tooShort(bytes: Uint8Array, layer: string): FrameContent {
  return {
    kind: "other",
    name: `cut ${layer} header`,
    description: `${bytes.length} bytes are no ${layer} frame`,
  };
}
