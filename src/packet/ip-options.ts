import { readAddress } from "./address.ts";
import { type ByteView, bytesOf, viewOf } from "./bytes.ts";

// Within an option: RFC 791 section 3.1 and RFC 8200 section 4.2 have type and length in the same
// places.
const TYPE = 0;
const LENGTH = 1;
const POINTER = 2;
const OVERFLOW_FLAG = 3;

const ADDRESS_LENGTH = 4;
const ROUTE_DATA = 3;
const TIMESTAMP_DATA = 4;
const FLAG_TIMESTAMPS_ONLY = 0;

/** IPv4 option types (IANA ip-parameters), copied flag and class included. */
export const Ipv4OptionType = {
  End: 0,
  NoOperation: 1,
  RecordRoute: 7,
  Timestamp: 68,
  LooseSourceRoute: 131,
  StrictSourceRoute: 137,
  RouterAlert: 148,
} as const;

/** IPv6 hop-by-hop and destination option types (IANA ipv6-parameters). */
export const Ipv6OptionType = { Pad1: 0, PadN: 1, RouterAlert: 5, Jumbo: 194 } as const;

/** End of the option list, or padding of one byte. */
export interface Ipv4MarkerOption {
  readonly kind: "end" | "noOperation";
  /** Option type byte. */
  readonly type: number;
}

/** Record route, or a loose or strict source route (RFC 791). */
export interface Ipv4RouteOption {
  readonly kind: "recordRoute" | "looseSourceRoute" | "strictSourceRoute";
  /** Option type byte. */
  readonly type: number;
  /** Where the next address goes, counted from 1 at the option type: 4 is the first. */
  readonly pointer: number;
  /** All slots, canonical text; of a record route, only those before `pointer` are filled. */
  readonly route: readonly string[];
  /** How many of the slots lie before `pointer`. */
  readonly visited: number;
}

/** One entry of an Internet timestamp option. */
export interface Ipv4TimestampEntry {
  /** The router, canonical text; absent when the option holds times only. */
  readonly address?: string;
  /** Milliseconds since midnight UT; with the high bit set, some other unit. */
  readonly time: number;
}

/** Internet timestamp (RFC 791). */
export interface Ipv4TimestampOption {
  readonly kind: "timestamp";
  /** Option type byte. */
  readonly type: number;
  /** Where the next entry goes, counted from 1 at the option type: 5 is the first. */
  readonly pointer: number;
  /** Routers that found no room, 0 to 15. */
  readonly overflow: number;
  /** 0 times only, 1 addresses and times, 3 addresses given by the sender. */
  readonly flag: number;
  /** All slots; only those before `pointer` are filled. */
  readonly entries: readonly Ipv4TimestampEntry[];
}

/** Router alert (RFC 2113, RFC 2711): routers should look at this packet. */
export interface RouterAlertOption {
  readonly kind: "routerAlert";
  /** Option type byte. */
  readonly type: number;
  /** Why: 0 is "examine" in IPv4, multicast listener discovery in IPv6. */
  readonly value: number;
}

/** Another option, or one whose length is wrong for what it should be. */
export interface UnknownOption {
  readonly kind: "unknown";
  /** Option type byte. */
  readonly type: number;
  /**
   * The bytes after the option's length, up to its end or that of the list; valid until the buffer
   * is reused.
   */
  readonly data: Uint8Array;
}

/** One IPv4 option, a union on `kind`. */
export type Ipv4Option =
  | Ipv4MarkerOption
  | Ipv4RouteOption
  | Ipv4TimestampOption
  | RouterAlertOption
  | UnknownOption;

/** Padding in an IPv6 option list. */
export interface Ipv6PaddingOption {
  readonly kind: "padding";
  /** Option type byte. */
  readonly type: number;
  /** Bytes of padding, option header included. */
  readonly length: number;
}

/** One IPv6 hop-by-hop or destination option, a union on `kind`. */
export type Ipv6Option = Ipv6PaddingOption | RouterAlertOption | UnknownOption;

/**
 * Decodes the options of an IPv4 header (RFC 791 section 3.1), `options` of an `Ipv4Header`. Stops
 * after "end of option list". Never throws: an option whose length is wrong is `"unknown"`, and
 * when no length can be read the rest of the list is its data.
 */
export function decodeIpv4Options(options: ByteView): Ipv4Option[] {
  const view = viewOf(options);
  const decoded: Ipv4Option[] = [];
  let offset = 0;
  while (offset < view.byteLength) {
    const type = view.getUint8(offset + TYPE);
    if (type === Ipv4OptionType.End) {
      decoded.push({ kind: "end", type });
      break;
    }
    if (type === Ipv4OptionType.NoOperation) {
      decoded.push({ kind: "noOperation", type });
      offset += 1;
      continue;
    }
    const length = offset + LENGTH < view.byteLength ? view.getUint8(offset + LENGTH) : 0;
    if (length < 2 || offset + length > view.byteLength) {
      decoded.push(unknown(view, offset, view.byteLength));
      break;
    }
    const option = new DataView(view.buffer, view.byteOffset + offset, length);
    decoded.push(decodeIpv4Option(option, type) ?? unknown(view, offset, offset + length));
    offset += length;
  }
  return decoded;
}

/**
 * Decodes the options of an IPv6 hop-by-hop or destination options header (RFC 8200 section 4.2),
 * `options` of an `Ipv6OptionsHeader`. Never throws: when an option runs past the end, the rest of
 * the list is its data.
 */
export function decodeIpv6Options(options: ByteView): Ipv6Option[] {
  const view = viewOf(options);
  const decoded: Ipv6Option[] = [];
  let offset = 0;
  while (offset < view.byteLength) {
    const type = view.getUint8(offset + TYPE);
    if (type === Ipv6OptionType.Pad1) {
      decoded.push({ kind: "padding", type, length: 1 });
      offset += 1;
      continue;
    }
    const length = offset + LENGTH < view.byteLength ? 2 + view.getUint8(offset + LENGTH) : 0;
    if (length === 0 || offset + length > view.byteLength) {
      decoded.push(unknown(view, offset, view.byteLength));
      break;
    }
    if (type === Ipv6OptionType.PadN) decoded.push({ kind: "padding", type, length });
    else if (type === Ipv6OptionType.RouterAlert && length === 4) {
      decoded.push({ kind: "routerAlert", type, value: view.getUint16(offset + 2) });
    } else decoded.push(unknown(view, offset, offset + length));
    offset += length;
  }
  return decoded;
}

/** The option that fills `view`, or `undefined` when its content is not what its type demands. */
function decodeIpv4Option(view: DataView, type: number): Ipv4Option | undefined {
  switch (type) {
    case Ipv4OptionType.RecordRoute:
      return decodeRoute(view, "recordRoute");
    case Ipv4OptionType.LooseSourceRoute:
      return decodeRoute(view, "looseSourceRoute");
    case Ipv4OptionType.StrictSourceRoute:
      return decodeRoute(view, "strictSourceRoute");
    case Ipv4OptionType.Timestamp:
      return decodeTimestamp(view);
    case Ipv4OptionType.RouterAlert:
      return view.byteLength === 4
        ? { kind: "routerAlert", type, value: view.getUint16(2) }
        : undefined;
    default:
      return undefined;
  }
}

function decodeRoute(view: DataView, kind: Ipv4RouteOption["kind"]): Ipv4RouteOption | undefined {
  if (view.byteLength < ROUTE_DATA || (view.byteLength - ROUTE_DATA) % ADDRESS_LENGTH !== 0)
    return undefined;
  const route: string[] = [];
  for (let offset = ROUTE_DATA; offset < view.byteLength; offset += ADDRESS_LENGTH) {
    route.push(readAddress(view, offset, 4));
  }
  const pointer = view.getUint8(POINTER);
  const visited = Math.max(
    0,
    Math.min(route.length, Math.floor((pointer - ROUTE_DATA - 1) / ADDRESS_LENGTH)),
  );
  return { kind, type: view.getUint8(TYPE), pointer, route, visited };
}

function decodeTimestamp(view: DataView): Ipv4TimestampOption | undefined {
  if (view.byteLength < TIMESTAMP_DATA) return undefined;
  const flag = view.getUint8(OVERFLOW_FLAG) & 0xf;
  const entryLength = flag === FLAG_TIMESTAMPS_ONLY ? 4 : 8;
  if ((view.byteLength - TIMESTAMP_DATA) % entryLength !== 0) return undefined;
  const entries: Ipv4TimestampEntry[] = [];
  for (let offset = TIMESTAMP_DATA; offset < view.byteLength; offset += entryLength) {
    entries.push(
      entryLength === 4
        ? { time: view.getUint32(offset) }
        : { address: readAddress(view, offset, 4), time: view.getUint32(offset + 4) },
    );
  }
  return {
    kind: "timestamp",
    type: view.getUint8(TYPE),
    pointer: view.getUint8(POINTER),
    overflow: view.getUint8(OVERFLOW_FLAG) >> 4,
    flag,
    entries,
  };
}

/**
 * The option from `offset` to `end`; one cut off after its type has no length byte to leave out.
 */
function unknown(view: DataView, offset: number, end: number): UnknownOption {
  return {
    kind: "unknown",
    type: view.getUint8(offset + TYPE),
    data: bytesOf(view, Math.min(offset + 2, end), end),
  };
}
