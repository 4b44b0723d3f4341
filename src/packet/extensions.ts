import { PacketError } from "../errors.ts";
import {
  type ByteView,
  bytesOf,
  need,
  put8,
  put16,
  putBytes,
  putZeros,
  room,
  subview,
  viewOf,
} from "./bytes.ts";
import { checksumSum, internetChecksum, verifyChecksum } from "./checksum.ts";
import {
  decodeExtensionObject,
  type ExtensionObject,
  type ExtensionObjectFields,
  encodeExtensionObject,
} from "./extension-objects.ts";

const VERSION = 0;
const CHECKSUM = 2;

// Within an object.
const OBJECT_LENGTH = 0;
const OBJECT_CLASS = 2;
const OBJECT_C_TYPE = 3;

const LAYER = "ICMP extension structure";
const EXTENSION_VERSION = 2;

const EMPTY = new Uint8Array(0);

/** Length of the extension structure's own header in bytes. */
const EXTENSION_HEADER_LENGTH = 4;

/** Length of an extension object's header in bytes. */
const EXTENSION_OBJECT_HEADER_LENGTH = 4;

/**
 * After this many objects and MPLS labels, no further object of a structure is decoded. Routers
 * send a few; the bound keeps a hostile structure of thousands from costing anything.
 */
export const EXTENSION_MAX_OBJECTS = 64;

/**
 * Where extensions begin in messages of routers older than RFC 4884, and the least length it
 * allows.
 */
export const ORIGINAL_DATAGRAM_MIN_LENGTH = 128;

/** An ICMP extension structure (RFC 4884 section 7). */
export interface ExtensionStructure {
  /** Always 2. */
  readonly version: 2;
  /** Checksum as found; 0 when none was sent. */
  readonly checksum: number;
  /** The objects, in order. */
  readonly objects: readonly ExtensionObject[];
  /**
   * Whether bytes after the last object were not decoded: they are no object (a length below 4, or
   * past the end), or follow {@link EXTENSION_MAX_OBJECTS} others and their labels.
   */
  readonly malformed: boolean;
}

/** The two parts of an error message's body (RFC 4884 section 5). */
export interface OriginalDatagram {
  /** The quoted packet with its padding, if any. */
  readonly originalDatagram: Uint8Array;
  /** Extension objects; empty when the message has no valid extension structure. */
  readonly extensions: readonly ExtensionObject[];
}

/**
 * Decodes the ICMP extension structure that fills `bytes` (RFC 4884 section 7). A malformed object
 * ends the list without throwing: `malformed` says so.
 *
 * @throws PacketError when the version is not 2, or the checksum is neither zero (not sent) nor
 * right.
 */
export function decodeExtensions(bytes: ByteView): ExtensionStructure {
  const view = viewOf(bytes);
  need(view, EXTENSION_HEADER_LENGTH, LAYER);
  const version = view.getUint8(VERSION) >> 4;
  if (version !== EXTENSION_VERSION) {
    throw new PacketError(`Cannot decode ${LAYER}: version is ${version}`, {
      layer: LAYER,
      offset: VERSION,
    });
  }
  const checksum = view.getUint16(CHECKSUM);
  if (checksum !== 0 && !verifyChecksum(view)) {
    throw new PacketError(`Cannot decode ${LAYER}: checksum is wrong`, {
      layer: LAYER,
      offset: CHECKSUM,
    });
  }
  const objects: ExtensionObject[] = [];
  let offset = EXTENSION_HEADER_LENGTH;
  let decoded = 0;
  while (
    offset + EXTENSION_OBJECT_HEADER_LENGTH <= view.byteLength &&
    decoded < EXTENSION_MAX_OBJECTS
  ) {
    const length = view.getUint16(offset + OBJECT_LENGTH);
    if (length < EXTENSION_OBJECT_HEADER_LENGTH || offset + length > view.byteLength) break;
    const object = decodeExtensionObject(
      {
        classNumber: view.getUint8(offset + OBJECT_CLASS),
        cType: view.getUint8(offset + OBJECT_C_TYPE),
      },
      subview(view, offset + EXTENSION_OBJECT_HEADER_LENGTH, offset + length),
    );
    objects.push(object);
    decoded += 1 + (object.kind === "mpls" ? object.labels.length : 0);
    offset += length;
  }
  return { version: EXTENSION_VERSION, checksum, objects, malformed: offset < view.byteLength };
}

/**
 * Length in bytes of the extension structure that `view` begins with, where data may follow it: an
 * extended echo request does not say where it ends (RFC 8335 section 2). That is after the first
 * object at which the checksum is right, or after the only one that the RFC allows if no checksum
 * was sent.
 *
 * @returns undefined if it ends after no object
 */
export function leadingExtensionsLength(view: DataView): number | undefined {
  if (view.byteLength < EXTENSION_HEADER_LENGTH) return undefined;
  if (view.getUint8(VERSION) >> 4 !== EXTENSION_VERSION) return undefined;
  const hasChecksum = view.getUint16(CHECKSUM) !== 0;
  let offset = EXTENSION_HEADER_LENGTH;
  let sum = checksumSum(subview(view, 0, offset));
  for (let count = 0; count < EXTENSION_MAX_OBJECTS; count += 1) {
    if (offset + EXTENSION_OBJECT_HEADER_LENGTH > view.byteLength) return undefined;
    const end = offset + view.getUint16(offset + OBJECT_LENGTH);
    if (end < offset + EXTENSION_OBJECT_HEADER_LENGTH || end > view.byteLength) return undefined;
    const words = checksumSum(subview(view, offset, end));
    // RFC 1071 section 2 (B): one byte further on, the sum of the same bytes has its bytes swapped.
    const swapped = ((words & 0xff) << 8) | (words >> 8);
    sum = checksumSum(EMPTY, sum + (offset % 2 === 0 ? words : swapped));
    if (!hasChecksum || sum === 0xffff) return end;
    offset = end;
  }
  return undefined;
}

/**
 * Encodes an ICMP extension structure with its checksum into `target` (RFC 4884 section 7).
 *
 * @returns The number of bytes written.
 * @throws PacketError when `target` is too small or a value does not fit its field.
 */
export function encodeExtensions(
  objects: readonly ExtensionObjectFields[],
  target: ByteView,
): number {
  const view = viewOf(target);
  const wire = objects.map(encodeExtensionObject);
  const length = wire.reduce(
    (sum, object) => sum + objectLength(object.payload),
    EXTENSION_HEADER_LENGTH,
  );
  room(view, length, LAYER);
  view.setUint32(VERSION, EXTENSION_VERSION * 2 ** 28);
  let offset = EXTENSION_HEADER_LENGTH;
  for (const object of wire) {
    put16(view, offset + OBJECT_LENGTH, objectLength(object.payload), LAYER);
    put8(view, offset + OBJECT_CLASS, object.classNumber, LAYER);
    put8(view, offset + OBJECT_C_TYPE, object.cType, LAYER);
    putBytes(view, offset + EXTENSION_OBJECT_HEADER_LENGTH, object.payload);
    offset += objectLength(object.payload);
  }
  view.setUint16(CHECKSUM, internetChecksum(bytesOf(view, 0, length)));
  return length;
}

/** Length in bytes of the extension structure holding `objects`. */
export function extensionsLength(objects: readonly ExtensionObjectFields[]): number {
  return objects.reduce(
    (sum, object) => sum + objectLength(encodeExtensionObject(object).payload),
    EXTENSION_HEADER_LENGTH,
  );
}

/**
 * Splits `body`, the bytes after an error message's 8-byte header, into the quoted packet and the
 * extensions (RFC 4884 section 5).
 *
 * When `declaredLength` (from the length field, in bytes) is zero or does not lead to a valid
 * structure, offset 128 is tried, where routers older than the RFC put it (section 5.5): there only
 * a good checksum, or no checksum and nothing but well-formed objects, tells a structure from
 * quoted data.
 */
export function splitOriginalDatagram(body: DataView, declaredLength: number): OriginalDatagram {
  if (declaredLength > 0 && declaredLength <= body.byteLength) {
    const rest = subview(body, declaredLength);
    const structure = rest.byteLength > 0 ? tryExtensions(rest) : undefined;
    if (structure || rest.byteLength === 0) {
      return {
        originalDatagram: bytesOf(body, 0, declaredLength),
        extensions: structure?.objects ?? [],
      };
    }
  }
  if (body.byteLength > ORIGINAL_DATAGRAM_MIN_LENGTH) {
    const structure = tryExtensions(subview(body, ORIGINAL_DATAGRAM_MIN_LENGTH));
    if (
      structure &&
      (structure.checksum !== 0 || (!structure.malformed && structure.objects.length > 0))
    ) {
      return {
        originalDatagram: bytesOf(body, 0, ORIGINAL_DATAGRAM_MIN_LENGTH),
        extensions: structure.objects,
      };
    }
  }
  return { originalDatagram: bytesOf(body), extensions: [] };
}

/** The quoted packet and the extensions of an error message to encode. */
export interface OriginalDatagramFields {
  /** The quoted packet; shorter than RFC 4884 demands is fine. */
  readonly originalDatagram: Uint8Array;
  /** Extension objects; none when absent or empty. */
  readonly extensions?: readonly ExtensionObjectFields[];
}

/**
 * Length in bytes that the quoted packet takes on the wire: padded to 128 bytes and a multiple of
 * `unit` when extensions follow (RFC 4884 sections 5.1 to 5.4), else as it is.
 */
function paddedOriginalLength(fields: OriginalDatagramFields, unit: 4 | 8): number {
  const { length } = fields.originalDatagram;
  if (!fields.extensions?.length) return length;
  return Math.max(ORIGINAL_DATAGRAM_MIN_LENGTH, Math.ceil(length / unit) * unit);
}

/**
 * The length field, in units of `unit` bytes: how long the quote is when extensions follow, else 0
 * (RFC 4884 section 5.5). A quote whose own bytes look like extensions at offset 128 is declared to
 * be nothing but a quote, where the field can.
 */
export function declaredOriginalLength(fields: OriginalDatagramFields, unit: 4 | 8): number {
  const units = paddedOriginalLength(fields, unit) / unit;
  if (fields.extensions?.length) return units;
  const isWhole = Number.isInteger(units) && units <= 0xff;
  return isWhole && splitOriginalDatagram(viewOf(fields.originalDatagram), 0).extensions.length > 0
    ? units
    : 0;
}

/** Length in bytes of the quoted packet with its padding, and the extensions. */
export function originalDatagramLength(fields: OriginalDatagramFields, unit: 4 | 8): number {
  const extensions = fields.extensions?.length ? extensionsLength(fields.extensions) : 0;
  return paddedOriginalLength(fields, unit) + extensions;
}

/**
 * Writes the quoted packet, its padding and the extensions at `offset`; returns the offset after
 * them.
 */
export function putOriginalDatagram(
  view: DataView,
  offset: number,
  fields: OriginalDatagramFields & { readonly unit: 4 | 8 },
): number {
  const { originalDatagram, extensions } = fields;
  const end = offset + paddedOriginalLength(fields, fields.unit);
  putBytes(view, offset, originalDatagram);
  putZeros(view, offset + originalDatagram.length, end);
  return extensions?.length ? end + encodeExtensions(extensions, subview(view, end)) : end;
}

/** {@link decodeExtensions}, or `undefined` where that would throw. */
export function tryExtensions(view: DataView): ExtensionStructure | undefined {
  try {
    return decodeExtensions(view);
  } catch (error) {
    if (error instanceof PacketError) return undefined;
    throw error;
  }
}

function objectLength(payload: Uint8Array): number {
  return EXTENSION_OBJECT_HEADER_LENGTH + payload.length;
}
