import { existsSync } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { ByteReader } from "./byte-reader.ts";
import { type CapturedPacket, CaptureError } from "./capture.ts";
import { type Host, UsageError } from "./host.ts";
import { readChunks } from "./input.ts";
import { isPcap, readPcap } from "./pcap.ts";
import { isPcapng, readPcapng } from "./pcapng.ts";

/** RFC 1952 section 2.3.1. */
const GZIP = [0x1f, 0x8b] as const;
/** The most bytes of one packet in hexadecimal: a jumbogram is longer, and no tool writes one. */
const MAX_DUMP = 131_072;

const HASH = 0x23;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const COLON = 0x3a;

/**
 * The packets of an operand of `icmpx decode`: bytes in hexadecimal, a file, or `-`. Captures come
 * as they arrive; of any input only what one packet needs is kept.
 *
 * @throws {UsageError} for what is neither
 * @throws {CaptureError} for a capture that is damaged or cut short
 */
export async function openPackets(
  operand: string,
  linkType: number,
  host: Host,
): Promise<Iterable<CapturedPacket> | AsyncIterable<CapturedPacket>> {
  const shown = JSON.stringify(operand);
  const isFile = operand !== "-" && existsSync(operand);
  if (operand !== "-" && (!isFile || isHex(operand))) {
    const dump = new HexDump(shown, "is no file");
    dump.add(new TextEncoder().encode(operand));
    return [dump.packet(linkType)];
  }
  let reader = new ByteReader(readChunks(operand, host));
  const begin = await reader.peek(GZIP.length);
  if (GZIP.every((byte, index) => begin[index] === byte))
    reader = new ByteReader(await unzip(reader));
  const magic = await reader.peek(4);
  if (isPcap(magic)) return readPcap(reader);
  if (isPcapng(magic)) return readPcapng(reader);
  const dump = new HexDump(isFile ? operand : "Standard input", "holds no capture");
  for await (const chunk of reader.remaining()) dump.add(chunk);
  return [dump.packet(linkType)];
}

function isHex(text: string): boolean {
  return /^([\da-f]{2})+$/i.test(text);
}

/** What a gzip file holds (RFC 1952), as it is unpacked: no more than is asked for. */
async function unzip(reader: ByteReader): Promise<AsyncIterable<Uint8Array>> {
  const { createGunzip } = await import("node:zlib");
  const gunzip = createGunzip();
  const packed = Readable.from(reader.remaining(), { objectMode: false });
  // Without a callback an error of either ends nothing but the other.
  pipeline(packed, gunzip, () => {});
  return unpacked(gunzip as AsyncIterable<Uint8Array>);
}

async function* unpacked(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks;
  } catch (error) {
    const { code = "", message } = error as Error & { readonly code?: string };
    if (code === "Z_BUF_ERROR") throw new CaptureError("The gzip file ends in the middle");
    if (code.startsWith("Z_")) throw new CaptureError(`The gzip file is damaged: ${message}`);
    throw error;
  }
}

/** Bytes in hexadecimal, with spaces, colons and comments between them, as they arrive. */
class HexDump {
  readonly #name: string;
  readonly #otherwise: string;
  readonly #digits: number[] = [];
  #isComment = false;

  /** @param otherwise why it is nothing else, for the message */
  constructor(name: string, otherwise: string) {
    this.#name = name;
    this.#otherwise = otherwise;
  }

  add(text: Uint8Array): void {
    for (const character of text) {
      if (this.#isComment) this.#isComment = character !== NEWLINE;
      else if (character === HASH) this.#isComment = true;
      else if (!isBlank(character)) this.#addDigit(character);
    }
    if (this.#digits.length > 2 * MAX_DUMP)
      throw new UsageError(
        `${this.#name} has over ${MAX_DUMP} bytes in hexadecimal: need those of one packet`,
      );
  }

  packet(linkType: number): CapturedPacket {
    const digits = this.#digits;
    if (digits.length === 0) throw new UsageError(`${this.#name} is empty`);
    if (digits.length % 2 !== 0)
      throw new UsageError(
        `${this.#name} has ${digits.length} hexadecimal digits: need two for each byte`,
      );
    const bytes = Uint8Array.from(
      { length: digits.length / 2 },
      (_, index) => ((digits[2 * index] ?? 0) << 4) | (digits[2 * index + 1] ?? 0),
    );
    const { length } = bytes;
    return {
      linkType,
      timestampNs: undefined,
      originalLength: length,
      capturedLength: length,
      bytes,
    };
  }

  #addDigit(character: number): void {
    const letter = character | 0x20;
    // The prefix of `0x45`.
    if (letter === 0x78 && this.#digits.at(-1) === 0) {
      this.#digits.pop();
      return;
    }
    const isDecimal = character >= ZERO && character < COLON;
    if (!isDecimal && !(letter >= 0x61 && letter <= 0x66))
      throw new UsageError(`${this.#name} ${this.#otherwise}, and no bytes in hexadecimal`);
    this.#digits.push(isDecimal ? character - ZERO : letter - 0x57);
  }
}

/** What JavaScript counts as a space, of ASCII, and colons. */
function isBlank(character: number): boolean {
  return character === 0x20 || (character >= 0x09 && character <= 0x0d) || character === COLON;
}
