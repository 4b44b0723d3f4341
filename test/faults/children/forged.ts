/**
 * Sends ICMP errors about probes of a host that the sender has never seen: one for every identifier
 * that there is, quoting the IP header and 8 bytes more, as RFC 792 demands.
 *
 * @module
 */
import { icmpError, ipPacket, withChecksum } from "../../support/fake-network.ts";
import { RawSender } from "./raw-sender.ts";

/** The argument. */
export interface ForgedInput {
  readonly family: 4 | 6;
  /** Whom they seem to come from. */
  readonly from: string;
  readonly to: string;
  /** Where the probes go, and the guessed sequence of each. */
  readonly guesses: readonly { readonly destination: string; readonly sequence: number }[];
  /** Milliseconds to wait before the first. */
  readonly afterMs: number;
}

const IDENTIFIERS = 0x1_0000;
const BATCH = 512;

const { family, from, to, guesses, afterMs } = JSON.parse(process.argv[2] ?? "{}") as ForgedInput;
using sender = new RawSender(family, to);
const templates = guesses.map(({ destination, sequence }) => template(destination, sequence));
const ipHeader = family === 4 ? 20 : 40;
const quotedIcmp = ipHeader + 8 + ipHeader;
await Bun.sleep(afterMs);
let sent = 0;
for (let first = 0; first < IDENTIFIERS; first += BATCH) {
  const identifiers = Array.from({ length: BATCH }, (_, index) => first + index);
  const packets = templates.flatMap((packet) =>
    identifiers.map((id) => withIdentifier(packet, id)),
  );
  await sender.send(packets);
  sent += packets.length;
  await Bun.sleep(1);
}
process.stdout.write(`${JSON.stringify({ sent })}\n`);

/** An error about identifier 0. */
function template(destination: string, sequence: number): Uint8Array {
  const common = { family, source: to, destination, ttl: 1, tos: 0 };
  const data = Uint8Array.of(
    family === 4 ? 8 : 128,
    0,
    0x12,
    0x34,
    0,
    0,
    sequence >> 8,
    sequence & 0xff,
  );
  const probe = {
    ...common,
    dontFragment: false,
    mark: 0,
    interfaceIndex: 0,
    data,
    packet: ipPacket(common, data),
    identifier: 0,
    sequence,
    sentAtNs: 0,
    index: 0,
  };
  const [type, code] = family === 4 ? [3, 1] : [1, 3];
  const { icmp } = icmpError(probe, { from, type, code });
  const ends = { family, source: from, destination: to };
  return ipPacket({ ...ends, ttl: 64, tos: 0 }, withChecksum(icmp, ends));
}

/**
 * The same about another identifier, taken off the quoted checksum so that the error's own stays
 * right.
 */
function withIdentifier(packet: Uint8Array, identifier: number): Uint8Array {
  const copy = packet.slice();
  const view = new DataView(copy.buffer);
  const checksum = view.getUint16(quotedIcmp + 2);
  view.setUint16(quotedIcmp + 2, (checksum - identifier + 0xffff) % 0xffff);
  view.setUint16(quotedIcmp + 4, identifier);
  return copy;
}
