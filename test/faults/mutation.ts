/**
 * Seeded mutation of ICMP messages, and the judge of what a client may accept of them.
 *
 * @module
 */
import type { EchoResult } from "../../src/client/results/results.ts";

/** Random 32-bit numbers that are the same for the same seed: xorshift32 (Marsaglia 2003). */
export function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Lengths and counts that parsers stumble over. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff] as const;

/** A copy of `message` with one to four random faults. */
export function mutate(
  message: Uint8Array,
  other: Uint8Array,
  random: () => number,
): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(message);
  for (let faults = 1 + (random() % 4); faults > 0; faults -= 1)
    bytes = mutateOnce(bytes, other, random);
  return bytes;
}

function mutateOnce(
  bytes: Uint8Array<ArrayBuffer>,
  other: Uint8Array,
  random: () => number,
): Uint8Array<ArrayBuffer> {
  const at = bytes.length === 0 ? 0 : random() % bytes.length;
  const isEarly = random() % 2 === 0;
  // Headers are at the front: half of the faults are put there.
  const place = isEarly ? at % 48 : at;
  switch (random() % 7) {
    case 0:
      bytes[place] = (bytes[place] ?? 0) ^ (1 << (random() % 8));
      return bytes;
    case 1:
      bytes[place] = random();
      return bytes;
    case 2:
      bytes[place] = EXTREMES[random() % EXTREMES.length] ?? 0;
      return bytes;
    case 3:
      return bytes.slice(0, at);
    case 4: {
      const extra = Uint8Array.from({ length: random() % 64 }, () => random());
      return concat(bytes, extra);
    }
    case 5:
      return concat(bytes.subarray(0, at), other.subarray(Math.min(at, other.length)));
    default: {
      const length = random() % 16;
      bytes.copyWithin(place, random() % (bytes.length + 1), bytes.length);
      return bytes.slice(0, Math.max(0, bytes.length - length));
    }
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

// A cookie: 8 random bytes of the client and the number of the probe.
const COOKIE_LENGTH = 12;

/**
 * Why a client should not have accepted this answer, or undefined if it is the answer to its own
 * request, judged by the bytes that it reports. `data` are those of the request, 14 bytes or more.
 */
export function objectionTo(result: EchoResult): string | undefined {
  const sent = result.request.sentPacket?.packet;
  if (result.reply === null) return undefined;
  if (sent === undefined) return "an answer to what was not sent";
  if (result.kind === "reply") {
    const { id, sequence, payload, type } = result.reply.receivedPacket.icmpPacket;
    if (type !== 0 && type !== 129) return `a reply of type ${type}`;
    if (id !== sent.id || sequence !== sent.sequence) return "a reply to another request";
    if (!startsAlike(payload, sent.payload, COOKIE_LENGTH)) return "a reply without the cookie";
    const isSame = Buffer.compare(payload, sent.payload) === 0;
    if (isSame === result.corrupt)
      return `an altered reply called ${result.corrupt ? "corrupt" : "intact"}`;
    return undefined;
  }
  if (result.kind !== "icmpError") return undefined;
  const { quote } = result.icmpError;
  if (quote.id !== sent.id || quote.sequence !== sent.sequence)
    return "an error about another request";
  if (quote.destAddr !== result.request.addr) return "an error about another destination";
  // Padding of the quote is zeros.
  const quoted = quote.payload.findLastIndex((byte) => byte !== 0) + 1;
  const length = Math.min(quoted, COOKIE_LENGTH, sent.payload.length);
  if (!startsAlike(quote.payload, sent.payload, length)) return "an error about another cookie";
  return undefined;
}

function startsAlike(a: Uint8Array, b: Uint8Array, length: number): boolean {
  return a.length >= length && Buffer.compare(a.subarray(0, length), b.subarray(0, length)) === 0;
}
