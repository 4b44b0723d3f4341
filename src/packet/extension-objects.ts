import { PacketError } from "../errors.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { bytesOf, put8, put16, put32, putBytes, putZeros, unsigned } from "./bytes.ts";

const LAYER = "ICMP extension object";
const AFI_IPV4 = 1;
const AFI_IPV6 = 2;

/** Class numbers of ICMP extension objects (IANA icmp-parameters). */
export const ExtensionClass = {
  MplsLabelStack: 1,
  InterfaceInformation: 2,
  InterfaceIdentification: 3,
} as const;

/** One entry of an MPLS label stack (RFC 3032 section 2.1). */
export interface MplsLabel {
  /** Label, 20 bits. */
  readonly label: number;
  /** Traffic class, 3 bits, once called EXP (RFC 5462). */
  readonly trafficClass: number;
  /** Whether this is the last entry of the stack. */
  readonly bottomOfStack: boolean;
  /** Time to live of the label. */
  readonly ttl: number;
}

/** What every extension object has. */
export interface ExtensionObjectBase {
  /** Class number: see {@link ExtensionClass}. */
  readonly classNumber: number;
  /** C-Type: the variant within the class. */
  readonly cType: number;
}

/** The label stack of the packet that caused the error, as it arrived (RFC 4950). */
export interface MplsObject extends ExtensionObjectBase {
  readonly kind: "mpls";
  /** Top of stack first. */
  readonly labels: readonly MplsLabel[];
}

/** What an interface was to the packet that caused the error (RFC 5837 section 4.1). */
export type InterfaceRole = "incoming" | "incomingSubIp" | "outgoing" | "nextHop";

/** An interface of the router that reports the error (RFC 5837). Absent fields were not sent. */
export interface InterfaceInformationObject extends ExtensionObjectBase {
  readonly kind: "interfaceInformation";
  /** What the interface was to the packet. */
  readonly role: InterfaceRole;
  /** ifIndex (RFC 2863). */
  readonly index?: number;
  /** Address of the interface, canonical text. */
  readonly address?: string;
  /** Name of the interface: text from the network, at most 63 bytes of UTF-8, unescaped. */
  readonly name?: string;
  /** MTU in bytes. */
  readonly mtu?: number;
}

/**
 * The interface an extended echo request asks about (RFC 8335 section 2.1): one of name, index or
 * address.
 */
export interface InterfaceIdentificationObject extends ExtensionObjectBase {
  readonly kind: "interfaceIdentification";
  /** How the interface is named. */
  readonly by: "name" | "index" | "address";
  /** Its name, when `by` is `"name"`: text from the network, unescaped. */
  readonly name?: string;
  /** Its ifIndex, when `by` is `"index"`. */
  readonly index?: number;
  /** Its address (or that of a neighbour beyond it), when `by` is `"address"`. */
  readonly address?: string;
}

/**
 * An object of another class, or one whose content does not decode or exceeds
 * {@link MPLS_MAX_LABELS}.
 */
export interface RawExtensionObject extends ExtensionObjectBase {
  readonly kind: "raw";
  /** The bytes after the object header: a view of the packet, valid until its buffer is reused. */
  readonly payload: Uint8Array;
}

/** One object of an ICMP extension structure, a union on `kind`. */
export type ExtensionObject =
  | MplsObject
  | InterfaceInformationObject
  | InterfaceIdentificationObject
  | RawExtensionObject;

/** An object to encode: class and C-Type follow from the rest, except for `kind: "raw"`. */
export type ExtensionObjectFields =
  | (Omit<MplsObject, keyof ExtensionObjectBase> & Partial<ExtensionObjectBase>)
  | (Omit<InterfaceInformationObject, keyof ExtensionObjectBase> & Partial<ExtensionObjectBase>)
  | (Omit<InterfaceIdentificationObject, keyof ExtensionObjectBase> & Partial<ExtensionObjectBase>)
  | RawExtensionObject;

const ROLES: readonly InterfaceRole[] = ["incoming", "incomingSubIp", "outgoing", "nextHop"];
const HAS_INDEX = 0x08;
const HAS_ADDRESS = 0x04;
const HAS_NAME = 0x02;
const HAS_MTU = 0x01;
const RESERVED = 0x30;
const MAX_NAME_FIELD = 64;
const MAX_INTERFACE_NAME = 255;

/**
 * The most entries of a label stack that are decoded. Routers push a handful; the bound keeps a
 * hostile stack of 16,000 from costing anything.
 */
export const MPLS_MAX_LABELS = 64;

const IDENTIFIED_BY: readonly InterfaceIdentificationObject["by"][] = ["name", "index", "address"];

/**
 * Decodes the payload of one object. What does not make sense stays `kind: "raw"`: nothing is lost,
 * nothing throws.
 */
export function decodeExtensionObject(
  base: ExtensionObjectBase,
  payload: DataView,
): ExtensionObject {
  switch (base.classNumber) {
    case ExtensionClass.MplsLabelStack:
      return decodeMpls(base, payload) ?? raw(base, payload);
    case ExtensionClass.InterfaceInformation:
      return decodeInterfaceInformation(base, payload) ?? raw(base, payload);
    case ExtensionClass.InterfaceIdentification:
      return decodeInterfaceIdentification(base, payload) ?? raw(base, payload);
    default:
      return raw(base, payload);
  }
}

/** The class, C-Type and payload that `object` has on the wire. */
export function encodeExtensionObject(object: ExtensionObjectFields): RawExtensionObject {
  switch (object.kind) {
    case "mpls":
      return wire(ExtensionClass.MplsLabelStack, 1, encodeMpls(object.labels));
    case "interfaceInformation":
      return encodeInterfaceInformation(object);
    case "interfaceIdentification":
      return encodeInterfaceIdentification(object);
    case "raw":
      return object;
    default:
      return object satisfies never;
  }
}

function raw(base: ExtensionObjectBase, payload: DataView): RawExtensionObject {
  return { kind: "raw", ...base, payload: bytesOf(payload) };
}

function wire(classNumber: number, cType: number, payload: Uint8Array): RawExtensionObject {
  return { kind: "raw", classNumber, cType, payload };
}

function decodeMpls(base: ExtensionObjectBase, payload: DataView): MplsObject | undefined {
  const { byteLength } = payload;
  if (base.cType !== 1 || byteLength === 0 || byteLength % 4 !== 0) return undefined;
  if (byteLength > MPLS_MAX_LABELS * 4) return undefined;
  const labels: MplsLabel[] = [];
  for (let offset = 0; offset < payload.byteLength; offset += 4) {
    const entry = payload.getUint32(offset);
    labels.push({
      label: entry >>> 12,
      trafficClass: (entry >>> 9) & 7,
      bottomOfStack: (entry & 0x100) !== 0,
      ttl: entry & 0xff,
    });
  }
  return { kind: "mpls", ...base, labels };
}

function encodeMpls(labels: readonly MplsLabel[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(labels.length * 4));
  for (const [index, entry] of labels.entries()) {
    const offset = index * 4;
    const label = unsigned(entry.label, 20, LAYER, offset);
    const middle =
      (unsigned(entry.trafficClass, 3, LAYER, offset + 2) << 1) | (entry.bottomOfStack ? 1 : 0);
    view.setUint32(
      offset,
      label * 2 ** 12 + middle * 2 ** 8 + unsigned(entry.ttl, 8, LAYER, offset + 3),
    );
  }
  return bytesOf(view);
}

/**
 * RFC 5837 section 4.1: the C-Type says which fields follow, always in the order index, address,
 * name, MTU.
 */
function decodeInterfaceInformation(
  base: ExtensionObjectBase,
  payload: DataView,
): InterfaceInformationObject | undefined {
  const { cType } = base;
  const role = ROLES[cType >> 6];
  if (role === undefined) return undefined;
  const object: {
    -readonly [Key in keyof InterfaceInformationObject]: InterfaceInformationObject[Key];
  } = {
    kind: "interfaceInformation",
    ...base,
    role,
  };
  let offset = 0;
  if (cType & HAS_INDEX) {
    if (payload.byteLength < offset + 4) return undefined;
    object.index = payload.getUint32(offset);
    offset += 4;
  }
  if (cType & HAS_ADDRESS) {
    if (payload.byteLength < offset + 4) return undefined;
    const length = addressLength(payload.getUint16(offset));
    if (length === 0 || payload.byteLength < offset + 4 + length) return undefined;
    object.address = formatAddress(bytesOf(payload, offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  if (cType & HAS_NAME) {
    if (payload.byteLength < offset + 1) return undefined;
    const length = payload.getUint8(offset);
    if (length === 0 || length > MAX_NAME_FIELD || payload.byteLength < offset + length)
      return undefined;
    const name = decodeName(bytesOf(payload, offset + 1, offset + length), MAX_NAME_FIELD - 1);
    if (name === undefined) return undefined;
    object.name = name;
    offset += length;
  }
  if (cType & HAS_MTU) {
    if (payload.byteLength < offset + 4) return undefined;
    object.mtu = payload.getUint32(offset);
  }
  return object;
}

function encodeInterfaceInformation(
  object: Extract<ExtensionObjectFields, { kind: "interfaceInformation" }>,
): RawExtensionObject {
  const address = object.address === undefined ? undefined : addressBytes(object.address);
  const name = object.name === undefined ? undefined : encodeName(object.name, MAX_NAME_FIELD - 1);
  // RFC 5837 section 4.3: the length octet counts itself, and the whole is padded to a multiple of
  // 4.
  const nameLength = name ? Math.ceil((name.length + 1) / 4) * 4 : 0;
  const view = new DataView(new ArrayBuffer(4 + 4 + 16 + MAX_NAME_FIELD + 4));
  let cType = (ROLES.indexOf(object.role) << 6) | ((object.cType ?? 0) & RESERVED);
  let offset = 0;
  if (object.index !== undefined) {
    cType |= HAS_INDEX;
    put32(view, offset, object.index, LAYER);
    offset += 4;
  }
  if (address) {
    cType |= HAS_ADDRESS;
    put16(view, offset, address.length === 4 ? AFI_IPV4 : AFI_IPV6, LAYER);
    putBytes(view, offset + 4, address);
    offset += 4 + address.length;
  }
  if (name) {
    cType |= HAS_NAME;
    put8(view, offset, nameLength, LAYER);
    putBytes(view, offset + 1, name);
    offset += nameLength;
  }
  if (object.mtu !== undefined) {
    cType |= HAS_MTU;
    put32(view, offset, object.mtu, LAYER);
    offset += 4;
  }
  return wire(ExtensionClass.InterfaceInformation, cType, bytesOf(view, 0, offset));
}

/** RFC 8335 section 2.1: C-Type 1 name, 2 index, 3 address. */
function decodeInterfaceIdentification(
  base: ExtensionObjectBase,
  payload: DataView,
): InterfaceIdentificationObject | undefined {
  const by = IDENTIFIED_BY[base.cType - 1];
  if (by === "name") {
    const name = decodeName(bytesOf(payload), MAX_INTERFACE_NAME);
    return name === undefined ? undefined : { kind: "interfaceIdentification", ...base, by, name };
  }
  if (by === undefined || payload.byteLength < 4) return undefined;
  if (by === "index") {
    return { kind: "interfaceIdentification", ...base, by, index: payload.getUint32(0) };
  }
  const length = addressLength(payload.getUint16(0));
  if (length === 0 || payload.getUint8(2) !== length || payload.byteLength < 4 + length)
    return undefined;
  const address = formatAddress(bytesOf(payload, 4, 4 + length));
  return { kind: "interfaceIdentification", ...base, by, address };
}

function encodeInterfaceIdentification(
  object: Extract<ExtensionObjectFields, { kind: "interfaceIdentification" }>,
): RawExtensionObject {
  const cType = IDENTIFIED_BY.indexOf(object.by) + 1;
  switch (object.by) {
    case "name": {
      const name = encodeName(object.name ?? "", MAX_INTERFACE_NAME);
      const payload = new Uint8Array(Math.ceil(name.length / 4) * 4);
      payload.set(name);
      return wire(ExtensionClass.InterfaceIdentification, cType, payload);
    }
    case "index": {
      const view = new DataView(new ArrayBuffer(4));
      put32(view, 0, object.index ?? 0, LAYER);
      return wire(ExtensionClass.InterfaceIdentification, cType, bytesOf(view));
    }
    case "address": {
      const address = addressBytes(object.address ?? "");
      const view = new DataView(new ArrayBuffer(4 + address.length));
      putZeros(view, 0, 4);
      put16(view, 0, address.length === 4 ? AFI_IPV4 : AFI_IPV6, LAYER);
      put8(view, 2, address.length, LAYER);
      putBytes(view, 4, address);
      return wire(ExtensionClass.InterfaceIdentification, cType, bytesOf(view));
    }
    default:
      return object.by satisfies never;
  }
}

/** 4 or 16 by address family number (IANA), 0 for any other. */
function addressLength(afi: number): number {
  if (afi === AFI_IPV4) return 4;
  return afi === AFI_IPV6 ? 16 : 0;
}

function addressBytes(text: string): Uint8Array {
  const address = parseAddress(text);
  if (!address) {
    throw new PacketError(`Cannot encode ${LAYER}: "${text}" is not an address`, {
      layer: LAYER,
      offset: 4,
    });
  }
  return address.bytes;
}

/**
 * The text before the NUL padding, or `undefined` when it is too long, is not UTF-8 or has a NUL
 * inside.
 */
function decodeName(bytes: Uint8Array, maxLength: number): string | undefined {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  const content = bytes.subarray(0, end);
  if (end > maxLength || content.includes(0)) return undefined;
  try {
    // A byte order mark is part of the name: taking it away would not encode back to the same
    // bytes.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

function encodeName(name: string, maxLength: number): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > maxLength || bytes.includes(0)) {
    throw new PacketError(
      `Cannot encode ${LAYER}: name is longer than ${maxLength} bytes or contains NUL`,
      {
        layer: LAYER,
        offset: 4,
      },
    );
  }
  return bytes;
}
