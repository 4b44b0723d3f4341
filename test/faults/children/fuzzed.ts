/**
 * Pings a silent host while mutated answers to its probes arrive from this host's own loopback, and
 * prints what was made of them.
 *
 * @module
 */
import { Client, type EchoResult } from "icmpx";
import {
  echoReply,
  type FakeProbe,
  ipPacket,
  packetTooBig,
  timeExceeded,
  unreachable,
  withChecksum,
} from "../../support/fake-network.ts";
import { mutate, objectionTo, randomFrom } from "../mutation.ts";
import { RawSender } from "./raw-sender.ts";

/** The argument. */
export interface FuzzedInput {
  readonly family: 4 | 6;
  readonly privileged: boolean;
  /** This host's address, one that never answers, and one that does. */
  readonly own: string;
  readonly silent: string;
  readonly answering: string;
  readonly packets: number;
  readonly seed: number;
}

/** The line of output. */
export interface FuzzedReport {
  readonly injected: number;
  readonly objections: readonly string[];
  /** How many results there were of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Exceptions that nobody caught. */
  readonly uncaught: readonly string[];
  /** What became of probes of the same client afterwards. */
  readonly afterwards: readonly string[];
}

const BATCH = 250;

const input = JSON.parse(process.argv[2] ?? "{}") as FuzzedInput;
const { family, privileged, own, silent, answering, packets, seed } = input;
const uncaught: string[] = [];
process.on("uncaughtException", (error) => uncaught.push(String(error)));
process.on("unhandledRejection", (reason) => uncaught.push(String(reason)));

const random = randomFrom(seed);
using sender = new RawSender(family, own);
await using client = new Client({ privileged, timeout: 200 });
const objections: string[] = [];
const kinds: Record<string, number> = {};
const seen: EchoResult[] = [];
const run = client.ping(silent, { count: Number.POSITIVE_INFINITY, interval: 5, onResult });
const ended = (async () => {
  for await (const _ of run);
})();
while (seen.length === 0) await Bun.sleep(10);

let injected = 0;
for (; injected < packets; injected += BATCH) {
  const probes = seen.slice(-30).map(probeOf);
  await sender.send(Array.from({ length: BATCH }, () => mutant(probes)));
  await Bun.sleep(2);
}
run.stop();
await ended;
const afterwards: string[] = [];
for (let n = 0; n < 3; n += 1) afterwards.push((await client.probe(answering)).kind);
const line: FuzzedReport = { injected, objections, kinds, uncaught, afterwards };
process.stdout.write(`${JSON.stringify(line)}\n`);

function onResult(result: EchoResult): void {
  seen.push(result);
  if (seen.length > 1000) seen.splice(0, 500);
  const objection = objectionTo(result);
  if (objection !== undefined) objections.push(objection);
  const kind = result.corrupt ? "corrupt" : result.kind;
  kinds[kind] = (kinds[kind] ?? 0) + 1;
}

/** A probe as it was on the wire. */
function probeOf({ request }: EchoResult): FakeProbe {
  const common = { family, source: own, destination: silent, ttl: 64, tos: 0 };
  const data = withChecksum(request.sentPacket?.raw ?? new Uint8Array(8), common);
  if (request.sentPacket !== null) {
    // On a datagram socket the kernel put it in.
    new DataView(data.buffer).setUint16(4, request.sentPacket.packet.id ?? 0);
  }
  const bytes = withChecksum(data, common);
  return {
    ...common,
    dontFragment: false,
    mark: 0,
    interfaceIndex: 0,
    data: bytes,
    packet: ipPacket(common, bytes),
    identifier: 0,
    sequence: 0,
    sentAtNs: 0,
    index: 0,
  };
}

function mutant(probes: readonly FakeProbe[]): Uint8Array {
  const probe = probes[random() % probes.length] as FakeProbe;
  const from = random() % 2 === 0 ? answering : silent;
  const originals = [
    echoReply(probe),
    timeExceeded(probe, { from }),
    timeExceeded(probe, {
      from,
      extensions: Uint8Array.of(0x20, 0, 0, 0, 0, 8, 1, 1, 0, 1, 0x11, 0xff),
    }),
    unreachable(probe, { from }),
    packetTooBig(probe, { from, mtu: 1280 }),
  ].map(({ icmp }) => icmp);
  const original = originals[random() % originals.length] as Uint8Array;
  const other = originals[random() % originals.length] as Uint8Array;
  const common = {
    family,
    source: from,
    destination: own,
    ttl: 1 + (random() % 255),
    tos: random() & 0xff,
  };
  const mutated = mutate(original, other, random).subarray(0, 900);
  const icmp = random() % 8 === 0 ? mutated : withChecksum(mutated, common);
  return ipPacket(common, icmp);
}
