import {
  decodeIcmpv4,
  decodeIcmpv6,
  decodeIpv4Header,
  decodeIpv6Header,
  escapeText,
  formatPacket,
  type Icmpv4Message,
  type Icmpv6Message,
  type Ipv4Header,
  type Ipv6Header,
  PacketError,
} from "icmpx/packet";
import { viewOf } from "./byte-reader.ts";
import { type CapturedPacket, CaptureError } from "./capture.ts";
import { badMark, type ChecksumVerdict, icmpChecksum, ipChecksum } from "./checksums.ts";
import type { Command } from "./command.ts";
import { openPackets } from "./decode-input.ts";
import { ExitCode, type Host, UsageError } from "./host.ts";
import { LinkType, unwrapFrame } from "./link-layer.ts";
import { toCsv, toJson } from "./machine.ts";
import { type Format, formatOf } from "./measure.ts";
import { FORMATS } from "./options.ts";
import { isIcmp, isLaterFragment, tunnelOf } from "./payloads.ts";
import { Unread } from "./unread.ts";
import type { Values } from "./values.ts";
import { version } from "./version.ts";

const LINK_TYPES: Readonly<Record<string, number>> = {
  ip: LinkType.Raw,
  ethernet: LinkType.Ethernet,
  sll: LinkType.LinuxCooked,
  sll2: LinkType.LinuxCooked2,
};
const NS_PER_MS = 1_000_000n;
/** The last moment that Date knows (ECMA-262, 21.4.1.1). */
const MAX_TIME_NS = 8_640_000_000_000_000n * NS_PER_MS;
const IPV4_LEAST = 20;
const IPV6_LEAST = 40;
/** Characters that a slow reader may be behind. */
const MAX_UNREAD = 1 << 17;
/** Kinds of what was not decoded that are counted apart. */
const MAX_KINDS = 50;

const CSV_COLUMNS = [
  "number",
  "time",
  "captured_length",
  "original_length",
  "cut",
  "ip_checksum",
  "icmp_checksum",
  "summary",
];

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
  /** Whether bytes at its end are missing, that were on the wire or that its header tells of. */
  readonly cut: boolean;
  /**
   * What it is that was not decoded, e.g. "ARP", or a tunnel; null for an IP packet without one.
   */
  readonly undecoded: string | null;
  /** Of the IPv4 header; null where there is none. */
  readonly ipChecksum: ChecksumVerdict | null;
  /** Of the ICMP message; null where there is none. */
  readonly icmpChecksum: ChecksumVerdict | null;
  readonly header: Ipv4Header | Ipv6Header | null;
  readonly message: Icmpv4Message | Icmpv6Message | null;
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
    "Each operand is the bytes of one IP packet in hexadecimal (spaces and colons may stand between them), a pcap or pcapng file (Ethernet, raw IP or Linux cooked), a file with a hex dump of one packet, or - for either on standard input. Files may be packed with gzip.",
    "Wrong checksums and packets that were cut are marked. Frames and tunnels that are not decoded say what they are, and are counted at the end.",
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
      for await (const packet of await openPackets(operand, linkType, host)) {
        view.show(packet);
        const pause = view.pause();
        if (pause !== undefined) await pause;
      }
    }
  } catch (error) {
    const isKnown = error instanceof CaptureError || (error instanceof UsageError && view.hasBegun);
    if (!isKnown) throw error;
    view.end();
    host.stderr.write(`icmpx: ${escapeText(error.message)}\n`);
    return ExitCode.Failed;
  }
  view.end();
  return ExitCode.Answered;
}

/** Writes packets in the format asked for. */
class PacketView {
  readonly #format: Format;
  readonly #host: Host;
  readonly #unread: Unread;
  /** What was not decoded, and how often. */
  readonly #others = new Map<string, number>();
  #number = 0;

  constructor(format: Format, host: Host) {
    this.#format = format;
    this.#host = host;
    this.#unread = new Unread(host.stdout, MAX_UNREAD);
  }

  get hasBegun(): boolean {
    return this.#number > 0;
  }

  show(captured: CapturedPacket): void {
    this.#number += 1;
    const packet = decodeFrame(captured, this.#number);
    if (packet.undecoded !== null) this.#count(packet.undecoded);
    switch (this.#format) {
      case "text":
        this.#write(`${packet.time === null ? "" : `${packet.time} `}${packet.summary}\n`);
        break;
      case "ndjson":
        this.#write(`${toJson({ event: "packet", ...packet })}\n`);
        break;
      case "json":
        // Written as they are read, so that a capture of any size fits.
        this.#write(`${this.#number === 1 ? this.#opening() : ","}${toJson(packet)}`);
        break;
      case "csv":
        if (this.#number === 1) this.#write(`${toCsv(CSV_COLUMNS)}\n`);
        this.#write(`${toCsv(csvRow(packet))}\n`);
        break;
      default:
        this.#format satisfies never;
    }
  }

  /** Returns a promise when the reader lags behind. */
  pause(): Promise<void> | undefined {
    return this.#unread.pause();
  }

  end(): void {
    const undecoded = Object.fromEntries(this.#others);
    if (this.#format === "json")
      this.#write(`${this.hasBegun ? "" : this.#opening()}],"undecoded":${toJson(undecoded)}}\n`);
    if (this.#format === "ndjson")
      this.#write(`${toJson({ event: "summary", packets: this.#number, undecoded })}\n`);
    if (this.#format === "csv" && !this.hasBegun) this.#write(`${toCsv(CSV_COLUMNS)}\n`);
    if (this.#format !== "text" || this.#others.size === 0) return;
    const counts = Array.from(this.#others, ([name, count]) => `${count} ${name}`);
    this.#host.stderr.write(`not decoded: ${counts.join(", ")}\n`);
  }

  #write(text: string): void {
    this.#host.stdout.write(text);
    this.#unread.add(text.length);
  }

  #count(name: string): void {
    // A forger has 65,536 ethertypes to choose from.
    const key = this.#others.has(name) || this.#others.size < MAX_KINDS ? name : "others";
    this.#others.set(key, (this.#others.get(key) ?? 0) + 1);
  }

  #opening(): string {
    return `${toJson({ command: "decode", version: version() }).slice(0, -1)},"packets":[`;
  }
}

function csvRow(packet: DecodedPacket): readonly (string | number | boolean | null)[] {
  const { number, time, capturedLength, originalLength, cut, ipChecksum, icmpChecksum, summary } =
    packet;
  return [number, time, capturedLength, originalLength, cut, ipChecksum, icmpChecksum, summary];
}

function decodeFrame(captured: CapturedPacket, number: number): DecodedPacket {
  const { linkType, timestampNs, originalLength, capturedLength, bytes } = captured;
  const base = { number, time: timeText(timestampNs), capturedLength, originalLength };
  const content = unwrapFrame(linkType, bytes);
  if (content.kind === "other") {
    const cut = bytes.length < originalLength;
    const summary = `[${content.description}, ${originalLength} bytes]${cut ? cutMark(bytes.length, originalLength) : ""}`;
    const nothing = { ipChecksum: null, icmpChecksum: null, header: null, message: null };
    return { ...base, summary, cut, undecoded: content.name, ...nothing };
  }
  // What came before the packet, so that what the frame lacks is what the packet lacks.
  const wireLength = originalLength - (bytes.length - content.packet.length);
  return { ...base, ...decodePacket(content.packet, wireLength) };
}

function decodePacket(
  whole: Uint8Array,
  wireLength: number,
): Pick<
  DecodedPacket,
  "summary" | "cut" | "undecoded" | "ipChecksum" | "icmpChecksum" | "header" | "message"
> {
  const length = declaredLength(whole) ?? Math.max(wireLength, whole.length);
  // Ethernet fills frames up to 60 bytes: the IP header tells where the packet ends.
  const packet = whole.subarray(0, length);
  const cut = packet.length < length;
  const { header, message, payload } = decodeFields(packet);
  const ip = ipChecksum(packet, header);
  const icmp = icmpChecksum(header, payload, cut);
  const tunnel = tunnelOf(header, payload);
  const marks = [
    ...(cut ? [cutMark(packet.length, length)] : []),
    ...(ip === null ? [] : [badMark("IP", ip)]),
    ...(icmp === null ? [] : [badMark("ICMP", icmp)]),
    ...(tunnel === null ? [] : [` [${tunnel} tunnel, not decoded]`]),
  ];
  return {
    summary: formatPacket(packet) + marks.join(""),
    cut,
    undecoded: tunnel === null ? undecodedName(packet, header, cut) : `${tunnel} tunnel`,
    ipChecksum: ip?.verdict ?? null,
    icmpChecksum: icmp?.verdict ?? null,
    header,
    message,
  };
}

function cutMark(have: number, length: number): string {
  return ` [cut: ${have} of ${length} bytes]`;
}

/** What to count a packet as that was not decoded. */
function undecodedName(
  packet: Uint8Array,
  header: Ipv4Header | Ipv6Header | null,
  cut: boolean,
): string | null {
  if (header !== null) return null;
  const ipVersion = (packet[0] ?? 0) >> 4;
  return ipVersion === 4 || ipVersion === 6
    ? `${cut ? "cut" : "damaged"} IPv${ipVersion}`
    : "not IP";
}

/** The length that the IP header tells, or undefined where it does not. */
function declaredLength(packet: Uint8Array): number | undefined {
  const view = viewOf(packet);
  const ipVersion = packet.length > 0 ? view.getUint8(0) >> 4 : 0;
  if (ipVersion === 4 && packet.length >= IPV4_LEAST) {
    const totalLength = view.getUint16(2);
    // 0: a large packet that the network card is to cut (segmentation offload).
    return totalLength >= IPV4_LEAST ? totalLength : undefined;
  }
  if (ipVersion === 6 && packet.length >= IPV6_LEAST) {
    const payloadLength = view.getUint16(4);
    return payloadLength > 0 ? IPV6_LEAST + payloadLength : undefined;
  }
  return undefined;
}

function decodeFields(
  packet: Uint8Array,
): Pick<DecodedPacket, "header" | "message"> & { readonly payload: Uint8Array } {
  const payload = new Uint8Array(0);
  const ipVersion = (packet[0] ?? 0) >> 4;
  if (ipVersion !== 4 && ipVersion !== 6) return { header: null, message: null, payload };
  const header = attempt(() =>
    ipVersion === 4 ? decodeIpv4Header(packet) : decodeIpv6Header(packet),
  );
  if (header === null) return { header, message: null, payload };
  const body = packet.subarray(header.headerLength);
  if (!isIcmp(header) || isLaterFragment(header)) return { header, message: null, payload: body };
  const message = attempt(() => (ipVersion === 4 ? decodeIcmpv4(body) : decodeIcmpv6(body)));
  return { header, message, payload: body };
}

function attempt<Value>(decode: () => Value): Value | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof PacketError) return null;
    throw error;
  }
}

/**
 * ISO 8601 in UTC, with as many decimals as the clock has: `2026-11-22T10:11:12.123456Z`. Null for
 * no time or a wild one.
 */
function timeText(timestampNs: bigint | undefined): string | null {
  if (timestampNs === undefined || timestampNs < 0n || timestampNs > MAX_TIME_NS) return null;
  const fraction = String(timestampNs % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/000$/, "");
  return new Date(Number(timestampNs / NS_PER_MS))
    .toISOString()
    .replace(/\.\d+Z$/, `.${fraction}Z`);
}
