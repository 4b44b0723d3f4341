/**
 * Runs many clients at once against the same targets, checks every reply against its own request,
 * and prints the sums.
 *
 * @module
 */
import { Client, type EchoResult } from "icmpx";

/** The argument. */
export interface CrowdInput {
  readonly clients: number;
  readonly targets: readonly string[];
  readonly count: number;
  readonly privileged: boolean;
}

/** The line of output. */
export interface CrowdReport {
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly late: number;
  readonly corrupt: number;
  readonly errors: number;
  /** Replies whose data, identifier or sequence are not those of their request. */
  readonly wrong: number;
  /** How many different identifiers the clients sent with. */
  readonly identifiers: number;
}

const { clients, targets, count, privileged } = JSON.parse(process.argv[2] ?? "{}") as CrowdInput;

const identifiers = new Set<number>();
const sum = { sent: 0, received: 0, duplicates: 0, late: 0, corrupt: 0, errors: 0, wrong: 0 };
await Promise.all(Array.from({ length: clients }, run));
const line: CrowdReport = { ...sum, identifiers: identifiers.size };
process.stdout.write(`${JSON.stringify(line)}\n`);

async function run(): Promise<void> {
  await using client = new Client({ privileged, timeout: 5000 });
  const result = await client.multiping(targets, { count, interval: 5, onResult: check });
  for (const { statistics } of result) {
    for (const key of ["sent", "received", "duplicates", "late", "corrupt", "errors"] as const) {
      sum[key] += statistics[key];
    }
  }
}

function check({ request, reply }: EchoResult): void {
  const sent = request.sentPacket?.packet;
  if (sent?.id != null) identifiers.add(sent.id);
  const received = reply?.receivedPacket.icmpPacket;
  if (sent === undefined || received === undefined) return;
  const isRight =
    received.id === sent.id &&
    received.sequence === sent.sequence &&
    Buffer.compare(received.payload, sent.payload) === 0 &&
    reply?.addr === request.addr;
  if (!isRight) sum.wrong += 1;
}
