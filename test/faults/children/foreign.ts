/**
 * Sends packets to a host that are none of its clients': answers to other programs' probes, intact
 * or with a wrong checksum.
 *
 * @module
 */
import { icmpError, ipPacket, withChecksum } from "../../support/fake-network.ts";
import { RawSender } from "./raw-sender.ts";

/** The argument. */
export interface ForeignInput {
  readonly family: 4 | 6;
  /** Whom they seem to come from. */
  readonly from: string;
  readonly to: string;
  readonly packets: number;
  readonly corrupt: boolean;
  /** Milliseconds from one batch of 500 to the next. */
  readonly intervalMs: number;
}

const BATCH = 500;

const { family, from, to, packets, corrupt, intervalMs } = JSON.parse(
  process.argv[2] ?? "{}",
) as ForeignInput;
using sender = new RawSender(family, to);
let sent = 0;
for (; sent < packets; sent += BATCH) {
  const count = Math.min(BATCH, packets - sent);
  await sender.send(Array.from({ length: count }, (_, index) => packet(sent + index)));
  await Bun.sleep(intervalMs);
}
process.stdout.write(`${JSON.stringify({ sent: Math.min(sent, packets) })}\n`);

/**
 * In turn an echo reply and a time exceeded that quotes an echo request, each with an identifier of
 * its own.
 */
function packet(index: number): Uint8Array {
  const request = new Uint8Array(64).fill(index & 0xff);
  const view = new DataView(request.buffer);
  request.set([family === 4 ? 8 : 128, 0, 0, 0]);
  view.setUint16(4, index & 0xffff);
  view.setUint16(6, index & 0xff);
  const message = index % 2 === 0 ? reply(request) : timeExceeded(request);
  const icmp = withChecksum(message, { family, source: from, destination: to });
  if (corrupt) icmp[2] = ~(icmp[2] ?? 0);
  return ipPacket({ family, source: from, destination: to, ttl: 64, tos: 0 }, icmp);
}

function reply(request: Uint8Array): Uint8Array {
  const message = request.slice();
  message[0] = family === 4 ? 0 : 129;
  return message;
}

function timeExceeded(request: Uint8Array): Uint8Array {
  const common = { family, source: to, destination: from, ttl: 1, tos: 0 };
  const data = withChecksum(request, common);
  const probe = {
    ...common,
    dontFragment: false,
    mark: 0,
    interfaceIndex: 0,
    data,
    packet: ipPacket(common, data),
    identifier: 0,
    sequence: 0,
    sentAtNs: 0,
    index: 0,
  };
  return icmpError(probe, { from, type: family === 4 ? 11 : 3 }).icmp;
}
