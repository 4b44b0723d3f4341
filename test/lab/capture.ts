import type { Child, Namespace } from "./namespaces.ts";

/** One captured packet. */
export interface CapturedPacket {
  /** When the kernel saw it, in microseconds since 1970. */
  readonly timeUs: number;
  /** From the IP header on. */
  readonly ip: DataView;
}

/** A running tcpdump(1). */
export interface Capture {
  /**
   * Waits until nothing has been captured for `quietMs` (default 300), ends tcpdump and gives
   * everything.
   */
  stop(quietMs?: number): Promise<readonly CapturedPacket[]>;
}

// The classic pcap file format, little-endian as tcpdump writes it on this machine
// (pcap-savefile(5)).
const FILE_HEADER_LENGTH = 24;
const RECORD_HEADER_LENGTH = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const ETHERNET_HEADER_LENGTH = 14;

/**
 * Captures what passes an Ethernet interface of a namespace and the filter (pcap-filter(7));
 * resolves once it runs.
 */
export async function capture(
  namespace: Namespace,
  device: string,
  filter: string,
): Promise<Capture> {
  const child = namespace.spawn([
    ...["tcpdump", "-i", device, "-n", "-s", "0", "--immediate-mode", "-U", "-w", "-"],
    ...filter.split(" "),
  ]);
  const chunks: Uint8Array[] = [];
  const reading = readAll(child, chunks);
  const listening = Promise.withResolvers<void>();
  const complaining = readComplaints(child, listening);
  await listening.promise;
  return {
    async stop(quietMs = 300) {
      for (let seen = -1; seen !== chunks.length; ) {
        seen = chunks.length;
        await Bun.sleep(quietMs);
      }
      child.kill("SIGINT");
      await Promise.all([reading, complaining, child.exited]);
      return decodeCapture(Buffer.concat(chunks));
    },
  };
}

async function readAll(child: Child, chunks: Uint8Array[]): Promise<void> {
  for await (const chunk of child.stdout) chunks.push(chunk);
}

/**
 * Reads what tcpdump says to its end: it is ended by SIGPIPE, captured packets and all, if nobody
 * listens.
 */
async function readComplaints(child: Child, listening: PromiseWithResolvers<void>): Promise<void> {
  let said = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stderr) {
    said += decoder.decode(chunk, { stream: true });
    // It prints this after the socket is bound and the filter attached.
    if (said.includes("listening on")) listening.resolve();
  }
  listening.reject(new Error(`tcpdump did not start: ${said}`));
}

function decodeCapture(file: Uint8Array): CapturedPacket[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, true) !== MAGIC_MICROSECONDS) throw new Error("Not a pcap file");
  const packets: CapturedPacket[] = [];
  for (let at = FILE_HEADER_LENGTH; at + RECORD_HEADER_LENGTH <= file.length; ) {
    const seconds = view.getUint32(at, true);
    const micros = view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    const start = at + RECORD_HEADER_LENGTH;
    const ip = new DataView(
      view.buffer,
      view.byteOffset + start + ETHERNET_HEADER_LENGTH,
      length - ETHERNET_HEADER_LENGTH,
    );
    packets.push({ timeUs: seconds * 1e6 + micros, ip });
    at = start + length;
  }
  return packets;
}
