import type { ExtensionObject, ExtensionObjectFields } from "./extension-objects.ts";

/** What every ICMP message has. */
export interface IcmpHeader {
  /** Message type: see `Icmpv4Type`, `Icmpv6Type`. */
  readonly type: number;
  /** Message code: its meaning depends on the type. */
  readonly code: number;
  /** Checksum as found: decoding does not verify it. */
  readonly checksum: number;
}

/** The part of an error message that tells which packet caused it. */
export interface IcmpQuoting {
  /**
   * The beginning of the packet that caused the error, IP header first, with padding when
   * extensions follow. A view of the message, valid until its buffer is reused; `decodeQuote` reads
   * it.
   */
  readonly originalDatagram: Uint8Array;
}

/** The part of an error message that RFC 4884 allows to carry extensions. */
export interface IcmpExtended extends IcmpQuoting {
  /**
   * Extension objects (RFC 4884): MPLS labels, interface information, ...; empty when there are
   * none.
   */
  readonly extensions: readonly ExtensionObject[];
}

/** Echo request (RFC 792, RFC 4443 section 4.1). */
export interface IcmpEchoRequest extends IcmpHeader {
  readonly kind: "echoRequest";
  /** Tells apart who asked. */
  readonly identifier: number;
  /** Tells apart the questions of one asker. */
  readonly sequence: number;
  /** The payload: a view of the message, valid until its buffer is reused. */
  readonly data: Uint8Array;
}

/** Echo reply (RFC 792, RFC 4443 section 4.2). */
export interface IcmpEchoReply extends IcmpHeader {
  readonly kind: "echoReply";
  /** As in the request. */
  readonly identifier: number;
  /** As in the request. */
  readonly sequence: number;
  /** The request's payload: a view of the message, valid until its buffer is reused. */
  readonly data: Uint8Array;
}

/** Time exceeded (RFC 792, RFC 4443 section 3.3): code 0 in transit, 1 during reassembly. */
export interface IcmpTimeExceeded extends IcmpHeader, IcmpExtended {
  readonly kind: "timeExceeded";
}

/** Extended echo request (RFC 8335 section 2): asks a node about one of its interfaces. */
export interface IcmpExtendedEchoRequest extends IcmpHeader {
  readonly kind: "extendedEchoRequest";
  /** Tells apart who asked. */
  readonly identifier: number;
  /** Tells apart the questions of one asker, 8 bits. */
  readonly sequence: number;
  /** The L bit: the interface is on the node asked, not on one of its neighbours. */
  readonly local: boolean;
  /**
   * Names the interface: one interface identification object. Empty when the bytes there are no
   * valid structure.
   */
  readonly extensions: readonly ExtensionObject[];
  /** The bytes after the header when they are no valid extension structure, else empty. */
  readonly data: Uint8Array;
}

/** Extended echo reply (RFC 8335 section 3). */
export interface IcmpExtendedEchoReply extends IcmpHeader {
  readonly kind: "extendedEchoReply";
  /** As in the request. */
  readonly identifier: number;
  /** As in the request, 8 bits. */
  readonly sequence: number;
  /** State of the neighbour cache entry, 0 to 7, when the L bit was clear: 2 is reachable. */
  readonly state: number;
  /** The A bit: the interface is active. */
  readonly active: boolean;
  /** The 4 bit: IPv4 runs on the interface. */
  readonly ipv4: boolean;
  /** The 6 bit: IPv6 runs on the interface. */
  readonly ipv6: boolean;
  /** The bytes after the header; some systems send the request's back. */
  readonly data: Uint8Array;
}

/** A message of a type this library gives no fields to. */
export interface IcmpRaw extends IcmpHeader {
  readonly kind: "raw";
  /** The bytes after the checksum: a view of the message, valid until its buffer is reused. */
  readonly body: Uint8Array;
}

/**
 * The form of message `M` that the encoders take: code and checksum, and what `kind` implies, may
 * be left out.
 */
export type Encodable<M extends IcmpHeader> = M extends unknown
  ? Omit<M, EncodableOmission<M>> &
      Partial<IcmpHeader> &
      (M extends { readonly kind: "raw" } ? Pick<IcmpHeader, "type"> : unknown) &
      (M extends { readonly extensions: unknown }
        ? { readonly extensions?: readonly ExtensionObjectFields[] }
        : unknown)
  : never;

/** The fields of `M` that {@link Encodable} redeclares. */
export type EncodableOmission<M> = M extends { readonly extensions: unknown }
  ? keyof IcmpHeader | "extensions"
  : keyof IcmpHeader;
