import { createReadStream, existsSync, statSync } from "node:fs";
import {
  decodeIcmpv4,
  decodeIcmpv6,
  decodeIpv4Header,
  decodeIpv6Header,
  formatPacket,
  type Icmpv4Message,
  type Icmpv6Message,
  IpProtocol,
  type Ipv4Header,
  type Ipv6Header,
  PacketError,
} from "icmpx/packet";
import type { Command } from "./command.ts";
import { ExitCode, type Host, UsageError } from "./host.ts";
import { toCsv, toJson } from "./machine.ts";
import { type Format, formatOf } from "./measure.ts";
import { FORMATS } from "./options.ts";
import { isCapture, LinkType, PcapError, readPcap, unwrapFrame } from "./pcap.ts";
import type { Values } from "./values.ts";
import { version } from "./version.ts";

const LINK_TYPES: Readonly<Record<string, number>> = {
  ip: LinkType.Raw,
  ethernet: LinkType.Ethernet,
  sll: LinkType.LinuxCooked,
  sll2: LinkType.LinuxCooked2,
};
const NS_PER_MS = 1_000_000n;

/** A packet as `--json` shows it. */
interface DecodedPacket {
  /** 1 for the first packet. */
  readonly number: number;
  /** When it was captured (ISO 8601, UTC), or null for one given as text. */
  readonly time: string | null;
  readonly capturedLength: number;
  readonly originalLength: number;
  /** As one line. */
  readonly summary: string;
  readonly header: Ipv4Header | Ipv6Header | null;
  readonly message: Icmpv4Message | Icmpv6Message | null;
}

interface Frame {
  readonly linkType: number;
  readonly timestampNs?: bigint;
  readonly originalLength: number;
  readonly bytes: Uint8Array;
}

/** `icmpx decode`. */
export const DECODE: Command = {
  name: "decode",
  aliases: [],
  operands: "HEX|FILE...",
  count: [1, Number.POSITIVE_INFINITY],
  takesFiles: true,
  summary: "show packets, a line for each",
  description: [
    "Each operand is the bytes of one IP packet in hexadecimal (spaces and colons may stand between them), a pcap file (Ethernet, raw IP or Linux cooked), a file with a hex dump, or - for either on standard input.",
    "Exit code: 0 when all was read, 2 when something was neither packet nor file, or a file is damaged.",
  ],
  options: [
    {
      name: "link",
      kind: "text",
      value: "KIND",
      choices: Object.keys(LINK_TYPES),
      summary: "what bytes in hexadecimal begin with: ip, ethernet, sll or sll2 (ip)",
    },
    ...FORMATS,
  ],
  examples: [
    {
      line: "icmpx decode 4500001c87da00003e01dc560a5703020a5701010000bd90426e0001",
      summary: "bytes from a log",
    },
    { line: "tcpdump -w - icmp | icmpx decode -", summary: "as they are captured" },
    { line: "icmpx decode --json trace.pcap", summary: "with all fields" },
  ],
  run,
};

async function run(values: Values, host: Host): Promise<number> {
  const view = new PacketView(formatOf(values), host);
  const linkType = LINK_TYPES[values.text("link") ?? "ip"] ?? LinkType.Raw;
  try {
    for (const operand of values.operands) {
      for await (const frame of readOperand(operand, linkType, host)) view.show(frame);
    }
  } catch (error) {
    if (!(error instanceof PcapError) || values.operands.length === 0) throw error;
    view.end();
    host.stderr.write(`icmpx: ${error.message}\n`);
    return ExitCode.Failed;
  }
  view.end();
  return ExitCode.Answered;
}

async function* readOperand(
  operand: string,
  linkType: number,
  host: Host,
): AsyncGenerator<Frame, void, undefined> {
  const isFile = operand !== "-" && existsSync(operand) && !statSync(operand).isDirectory();
  if (operand !== "-" && !isFile) {
    yield hexFrame(operand, JSON.stringify(operand), linkType);
    return;
  }
  const chunks = isFile ? createReadStream(operand) : host.readInput();
  const iterator = (chunks as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  let begin: Uint8Array = new Uint8Array(0);
  while (begin.length < 4) {
    const { done, value } = await iterator.next();
    if (done) break;
    begin = Buffer.concat([begin, value]);
  }
  const all = resume(begin, iterator);
  if (isCapture(begin)) {
    yield* readPcap(all);
    return;
  }
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of all) text += decoder.decode(chunk, { stream: true });
  // As hex dumps are commented.
  const name = isFile ? operand : "Standard input";
  if (text.trim() === "") throw new UsageError(`${name} is empty`);
  yield hexFrame(text.replace(/#.*$/gm, ""), name, linkType);
}

async function* resume(
  begin: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield begin;
  for (;;) {
    const { done, value } = await rest.next();
    if (done) return;
    yield value;
  }
}

function hexFrame(text: string, name: string, linkType: number): Frame {
  const digits = text.replace(/0x|[\s:]/g, "");
  if (!/^[\da-f]+$/i.test(digits)) {
    // Quoted: what was given as an operand.
    const kind = name.startsWith('"') ? "is no file" : "holds no pcap capture";
    throw new UsageError(`${name} ${kind}, and no bytes in hexadecimal`);
  }
  if (digits.length % 2 !== 0)
    throw new UsageError(`${name} has ${digits.length} hexadecimal digits: need two for each byte`);
  const bytes = Uint8Array.fromHex(digits);
  return { linkType, originalLength: bytes.length, bytes };
}

/** Writes packets in the format asked for. */
class PacketView {
  readonly #format: Format;
  readonly #host: Host;
  #number = 0;

  constructor(format: Format, host: Host) {
    this.#format = format;
    this.#host = host;
  }

  show(frame: Frame): void {
    this.#number += 1;
    const { stdout } = this.#host;
    const packet = decodeFrame(frame, this.#number);
    switch (this.#format) {
      case "text":
        stdout.write(`${packet.time === null ? "" : `${packet.time} `}${packet.summary}\n`);
        break;
      case "ndjson":
        stdout.write(`${toJson({ event: "packet", ...packet })}\n`);
        break;
      case "json":
        // Written as they are read, so that a capture of any size fits.
        stdout.write(`${this.#number === 1 ? this.#opening() : ","}${toJson(packet)}`);
        break;
      case "csv": {
        const { number, time, capturedLength, originalLength, summary } = packet;
        if (number === 1)
          stdout.write(`${toCsv(["number", "time", "captured_length", "original_length", "summary"])}\n`);
        stdout.write(`${toCsv([number, time, capturedLength, originalLength, summary])}\n`);
        break;
      }
      default:
        this.#format satisfies never;
    }
  }

  end(): void {
    if (this.#format === "json") this.#host.stdout.write(`${this.#number === 0 ? this.#opening() : ""}]}\n`);
  }

  #opening(): string {
    return `${toJson({ command: "decode", version: version() }).slice(0, -1)},"packets":[`;
  }
}

function decodeFrame({ linkType, timestampNs, originalLength, bytes }: Frame, number: number): DecodedPacket {
  const content = unwrapFrame(linkType, bytes);
  const packet = content.kind === "ip" ? withoutPadding(content.packet) : undefined;
  return {
    number,
    time: timestampNs === undefined ? null : timeText(timestampNs),
    capturedLength: bytes.length,
    originalLength,
    summary:
      content.kind === "ip"
        ? formatPacket(packet ?? content.packet)
        : `[${content.description}, ${bytes.length} bytes]`,
    ...decodeFields(packet),
  };
}

/** Ethernet fills frames up to 60 bytes: the IP header tells where the packet ends. */
function withoutPadding(packet: Uint8Array): Uint8Array {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const version = packet.length > 0 ? view.getUint8(0) >> 4 : 0;
  if (version === 4 && packet.length >= 20) {
    const totalLength = view.getUint16(2);
    // 0: a large packet that the network card is to cut (segmentation offload).
    return totalLength >= 20 ? packet.subarray(0, totalLength) : packet;
  }
  if (version === 6 && packet.length >= 40) {
    const payloadLength = view.getUint16(4);
    return payloadLength > 0 ? packet.subarray(0, 40 + payloadLength) : packet;
  }
  return packet;
}

function decodeFields(packet: Uint8Array | undefined): Pick<DecodedPacket, "header" | "message"> {
  if (packet === undefined || packet.length === 0) return { header: null, message: null };
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const version = view.getUint8(0) >> 4;
  if (version !== 4 && version !== 6) return { header: null, message: null };
  const header = attempt(() => (version === 4 ? decodeIpv4Header(view) : decodeIpv6Header(view)));
  if (header === null) return { header, message: null };
  const isWhole =
    header.version === 6 ? !header.extensionHeaders.some(isLaterFragment) : header.fragmentOffset === 0;
  const isIcmp = header.protocol === (version === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6);
  if (!isIcmp || !isWhole) return { header, message: null };
  const start = packet.byteOffset + header.headerLength;
  const payload = new DataView(packet.buffer, start, Math.max(0, packet.length - header.headerLength));
  return { header, message: attempt(() => (version === 4 ? decodeIcmpv4(payload) : decodeIcmpv6(payload))) };
}

function isLaterFragment(header: Ipv6Header["extensionHeaders"][number]): boolean {
  return header.kind === "fragment" && header.fragmentOffset !== 0;
}

function attempt<Value>(decode: () => Value): Value | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof PacketError) return null;
    throw error;
  }
}

/** ISO 8601 in UTC, with as many decimals as the clock has: `2026-11-22T10:11:12.123456Z`. */
function timeText(timestampNs: bigint): string {
  const fraction = String(timestampNs % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/000$/, "");
  return new Date(Number(timestampNs / NS_PER_MS)).toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
}
