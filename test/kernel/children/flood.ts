/**
 * Sends very many echo requests over loopback while collecting garbage again and again, checks
 * every reply against its own request, and prints the sums.
 *
 * @module
 */
import { Client, type EchoResult } from "icmpx";

/** The argument. */
export interface FloodInput {
  readonly target: string;
  /** How many requests, a multiple of 1000. */
  readonly requests: number;
  readonly privileged: boolean;
}

/** The line of output. */
export interface FloodReport {
  readonly answered: number;
  readonly wrong: number;
  readonly others: Readonly<Record<string, number>>;
  readonly collections: number;
}

const BATCH = 1000;
const STREAMS = 50;
const COLLECT_EVERY = 250;

const { target, requests, privileged } = JSON.parse(process.argv[2] ?? "{}") as FloodInput;

let answered = 0;
let wrong = 0;
let collections = 0;
const others: Record<string, number> = {};
{
  await using client = new Client({ privileged, timeout: 10_000 });
  for (let sent = 0; sent < requests; sent += BATCH) {
    const targets = Array<string>(STREAMS).fill(target);
    await client.multiping(targets, {
      count: BATCH / STREAMS,
      interval: 0,
      size: 100,
      onResult: check,
    });
  }
}
const line: FloodReport = { answered, wrong, others, collections };
process.stdout.write(`${JSON.stringify(line)}\n`);

function check({ kind, late, duplicate, corrupt, request, reply }: EchoResult): void {
  const sent = request.sentPacket?.packet;
  const received = reply?.receivedPacket.icmpPacket;
  if (
    kind !== "reply" ||
    late ||
    duplicate ||
    corrupt ||
    sent === undefined ||
    received === undefined
  ) {
    others[kind] = (others[kind] ?? 0) + 1;
    return;
  }
  answered += 1;
  const isRight =
    received.id === sent.id &&
    received.sequence === sent.sequence &&
    Buffer.compare(received.payload, sent.payload) === 0;
  if (!isRight) wrong += 1;
  // In the middle of reading a batch, where the kernel's pointers are in use.
  if (answered % COLLECT_EVERY !== 0) return;
  Bun.gc(true);
  collections += 1;
}
