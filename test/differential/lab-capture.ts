import type { SimulatedLab } from "../lab/open-lab.ts";
import { EXEC } from "./stand.ts";

// The classic pcap file format, little-endian as tcpdump writes it on this machine
// (pcap-savefile(5)).
const FILE_HEADER_LENGTH = 24;
const LINK_TYPE = 20;
const RECORD_HEADER_LENGTH = 16;
const CAPTURED_LENGTH = 8;
const LINK_TYPE_RAW = 101;
const QUIET_MS = 300;

/**
 * Captures what passes the only interface of a lab while `act` runs: IP packets, in both
 * directions.
 */
export async function captureInLab(
  lab: SimulatedLab,
  act: () => Promise<void>,
): Promise<Uint8Array[]> {
  const child = lab.start(EXEC, [
    ...["tcpdump", "-i", "internet", "-n", "-s", "0", "--immediate-mode", "-U", "-w", "-"],
    ...["ip", "or", "ip6"],
  ]);
  const output = new Response(child.stdout).bytes();
  await waitUntilListening(child.stderr);
  await act();
  await Bun.sleep(QUIET_MS);
  child.kill("SIGINT");
  await child.exited;
  return packetsOf(await output);
}

/**
 * tcpdump says so after its socket is bound. What it says later has to be read, or it ends by
 * SIGPIPE.
 */
async function waitUntilListening(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const listening = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  let said = "";
  const reading = (async () => {
    for await (const chunk of stderr) {
      said += decoder.decode(chunk, { stream: true });
      if (said.includes("listening on")) listening.resolve();
    }
  })();
  reading.finally(() => listening.reject(new Error(`tcpdump did not start: ${said}`)));
  await listening.promise;
}

function packetsOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const linkType = view.getUint32(LINK_TYPE, true);
  if (linkType !== LINK_TYPE_RAW) throw new Error(`Not IP packets: link type ${linkType}`);
  const packets: Uint8Array[] = [];
  for (let at = FILE_HEADER_LENGTH; at + RECORD_HEADER_LENGTH <= file.length; ) {
    const start = at + RECORD_HEADER_LENGTH;
    const length = view.getUint32(at + CAPTURED_LENGTH, true);
    packets.push(file.slice(start, start + length));
    at = start + length;
  }
  return packets;
}
