import {
  decodeUdpHeader,
  IpProtocol,
  type Ipv4Header,
  type Ipv6Header,
  UDP_HEADER_LENGTH,
} from "icmpx/packet";

/** Encapsulations by IP protocol number (IANA protocol-numbers). */
const PROTOCOLS: Readonly<Record<number, string>> = {
  4: "IPv4-in-IP",
  41: "IPv6-in-IP",
  47: "GRE",
  50: "ESP",
  51: "AH",
  55: "minimal encapsulation",
  97: "EtherIP",
  98: "encapsulation",
  108: "IPComp",
  115: "L2TPv3",
  137: "MPLS-in-IP",
};

/**
 * Encapsulations by destination port of UDP (IANA service-names-port-numbers; 8472 is Linux's own).
 */
const UDP_PORTS: Readonly<Record<number, string>> = {
  1701: "L2TP",
  2152: "GTP-U",
  3544: "Teredo",
  4500: "ESP-in-UDP",
  4754: "GRE-in-UDP",
  4789: "VXLAN",
  4790: "VXLAN-GPE",
  6081: "Geneve",
  6635: "MPLS-in-UDP",
  8472: "VXLAN",
  51820: "WireGuard",
};

type Header = Ipv4Header | Ipv6Header;

/** Whether a packet is an ICMP message of its IP version, or a fragment of one. */
export function isIcmp({ version, protocol }: Header): boolean {
  return protocol === (version === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6);
}

/** Whether a packet is a fragment other than the first. */
export function isLaterFragment(header: Header): boolean {
  return offsetOf(header) !== 0;
}

/** Whether a packet is a fragment, the first included. */
export function isFragment(header: Header): boolean {
  if (header.version === 4) return header.fragmentOffset !== 0 || header.moreFragments;
  return header.extensionHeaders.some(
    (each) => each.kind === "fragment" && (each.fragmentOffset !== 0 || each.moreFragments),
  );
}

/** The name of the tunnel that a packet is part of, or null. */
export function tunnelOf(header: Header | null, payload: Uint8Array): string | null {
  if (header === null) return null;
  if (header.protocol !== IpProtocol.Udp) return PROTOCOLS[header.protocol] ?? null;
  if (isLaterFragment(header) || payload.length < UDP_HEADER_LENGTH) return null;
  return UDP_PORTS[decodeUdpHeader(payload).destinationPort] ?? null;
}

function offsetOf(header: Header): number {
  if (header.version === 4) return header.fragmentOffset;
  return header.extensionHeaders.reduce(
    (offset, each) => (each.kind === "fragment" ? offset + each.fragmentOffset : offset),
    0,
  );
}
