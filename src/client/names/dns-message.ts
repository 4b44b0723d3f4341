import { parseAddress } from "../../packet/address.ts";

const ID = 0;
const FLAGS = 2;
const QUESTIONS = 4;
const ANSWERS = 6;
const HEADER_LENGTH = 12;

/** Set in answers. */
const QR = 0x8000;
/** The answer did not fit a datagram. */
const TC = 0x0200;
/** Asks the server to ask others. */
const RD = 0x0100;
const RCODE = 0x000f;

const TYPE_PTR = 12;
const CLASS_IN = 1;
const NO_ERROR = 0;
const NAME_ERROR = 3;

const MAX_LABEL = 63;
/** What a name may take on the wire (RFC 1035 section 2.3.4). */
const MAX_NAME = 255;

/** What a server says about a name: `null` if there is none, or why it does not know. */
export type PtrAnswer = { readonly name: string | null } | { readonly failure: string };

/** Encodes the question for the name of an address (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function encodePtrQuery(id: number, address: string): Uint8Array {
  const labels = reverseLabels(address);
  const length = labels.reduce((sum, label) => sum + 1 + label.length, 1);
  const bytes = new Uint8Array(HEADER_LENGTH + length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(ID, id);
  view.setUint16(FLAGS, RD);
  view.setUint16(QUESTIONS, 1);
  let offset = HEADER_LENGTH;
  for (const label of labels) {
    bytes[offset] = label.length;
    new TextEncoder().encodeInto(label, bytes.subarray(offset + 1));
    offset += 1 + label.length;
  }
  view.setUint16(offset + 1, TYPE_PTR);
  view.setUint16(offset + 3, CLASS_IN);
  return bytes;
}

/**
 * Decodes what came back for `query`. Undefined for what is no answer to it, and is to be ignored.
 * Anything malformed is a failure.
 */
export function decodePtrAnswer(bytes: Uint8Array, query: Uint8Array): PtrAnswer | undefined {
  if (bytes.length < HEADER_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(FLAGS);
  const isOurs = view.getUint16(ID) === ((query[0] as number) << 8) + (query[1] as number);
  if (!isOurs || (flags & QR) === 0) return undefined;
  const rcode = flags & RCODE;
  const question = query.subarray(HEADER_LENGTH);
  const isEchoed = Buffer.compare(bytes.subarray(HEADER_LENGTH, query.length), question) === 0;
  // Some servers that refuse a question do not repeat it.
  if (!isEchoed)
    return rcode === NO_ERROR || rcode === NAME_ERROR ? undefined : { failure: `code ${rcode}` };
  if (rcode === NAME_ERROR) return { name: null };
  if (rcode !== NO_ERROR) return { failure: `code ${rcode}` };
  try {
    const name = firstPtr(view, query.length);
    // What was cut off may be the name.
    if (name === null && (flags & TC) !== 0) return { failure: "truncated" };
    return { name };
  } catch (error) {
    if (error instanceof RangeError) return { failure: "malformed" };
    throw error;
  }
}

/** Reading beyond the end of a view throws RangeError, as does all else that is wrong. */
function firstPtr(view: DataView, start: number): string | null {
  let offset = start;
  for (let left = view.getUint16(ANSWERS); left > 0; left--) {
    offset = skipName(view, offset);
    const type = view.getUint16(offset);
    const data = offset + 10;
    const end = data + view.getUint16(offset + 8);
    if (end > view.byteLength) throw new RangeError("A record is longer than the message");
    // Records of another type lead there: with RFC 2317 the question is answered with a CNAME
    // first.
    if (type === TYPE_PTR && view.getUint16(offset + 2) === CLASS_IN)
      return nameAt(view, data, end);
    offset = end;
  }
  return null;
}

function skipName(view: DataView, start: number): number {
  let offset = start;
  for (;;) {
    const length = view.getUint8(offset);
    if (length === 0) return offset + 1;
    if (length >= 0xc0) return offset + 2;
    if (length > MAX_LABEL) throw new RangeError("A label is longer than 63 bytes");
    offset += 1 + length;
  }
}

/** The name at `start`, whose own part ends at `end`. Pointers lead backwards only, so it ends. */
function nameAt(view: DataView, start: number, end: number): string {
  if (skipName(view, start) !== end) throw new RangeError("A name does not fill its record");
  const labels: string[] = [];
  let size = 1;
  let bound = start;
  for (let offset = start; ; ) {
    const length = view.getUint8(offset);
    if (length === 0) return labels.join(".");
    if (length >= 0xc0) {
      const target = view.getUint16(offset) & 0x3fff;
      if (target >= bound) throw new RangeError("A pointer does not lead back");
      bound = target;
      offset = target;
      continue;
    }
    size += 1 + length;
    if (length > MAX_LABEL || size > MAX_NAME) throw new RangeError("A name is too long");
    let label = "";
    for (let index = 1; index <= length; index++)
      label += characterOf(view.getUint8(offset + index));
    labels.push(label);
    offset += 1 + length;
  }
}

/** A byte of a label as text, escaped as in zone files (RFC 1035 section 5.1). */
function characterOf(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === "." || character === "\\") return `\\${character}`;
  return byte > 0x20 && byte < 0x7f ? character : `\\${String(byte).padStart(3, "0")}`;
}

function reverseLabels(address: string): string[] {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new TypeError(`Cannot look up ${address}: not an IP address`);
  const bytes = [...parsed.bytes].reverse();
  if (parsed.family === 4) return [...bytes.map(String), "in-addr", "arpa"];
  const nibbles = bytes.flatMap((byte) => [byte & 0xf, byte >> 4]);
  return [...nibbles.map((nibble) => nibble.toString(16)), "ip6", "arpa"];
}
