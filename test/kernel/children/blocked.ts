/**
 * Blocks the event loop for longer than the timeout right after sending, and prints what became of
 * the probe.
 *
 * @module
 */
import { Client } from "icmpx";

/** Whom to probe, and with which TTL. */
export interface BlockedProbe {
  readonly target: string;
  readonly ttl: number;
}

/** One line of output. Times are in milliseconds. */
export interface Blocked extends BlockedProbe {
  readonly kind: string;
  readonly late: boolean;
  readonly rtt: number | null;
  readonly rttSource: string | null;
  /** Since 1970. */
  readonly sentAt: number;
  readonly receivedAt: number | null;
  readonly blockedFrom: number;
  readonly blockedUntil: number;
}

/** The argument. */
export interface BlockedInput {
  readonly probes: readonly BlockedProbe[];
  readonly timeout: number;
  readonly privileged: boolean;
}

const { probes, timeout, privileged } = JSON.parse(process.argv[2] ?? "{}") as BlockedInput;
await using client = new Client({ privileged, timeout });
for (const { target, ttl } of probes) {
  await client.probe(target, { ttl });
  const pending = client.probe(target, { ttl }).then((result) => result);
  // Sending needs no turn of the event loop, only of the microtask queue.
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  const blockedFrom = performance.timeOrigin + performance.now();
  Bun.sleepSync(1.5 * timeout);
  const blockedUntil = performance.timeOrigin + performance.now();
  const { kind, late, rtt, rttSource, request, reply } = await pending;
  const line: Blocked = {
    target,
    ttl,
    kind,
    late,
    rtt,
    rttSource,
    sentAt: request.sentPacket?.timestamp ?? 0,
    receivedAt: reply?.receivedPacket.receivedAt ?? null,
    blockedFrom,
    blockedUntil,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
