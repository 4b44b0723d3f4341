/**
 * Sends many probes at once, each a target of its own so that none waits for another, optionally
 * blocks the event loop thereafter, and prints what became of them.
 *
 * @module
 */
import { Client, type EchoResult } from "../../../src/index.ts";
import { scarcePlatform } from "../../kernel/children/scarce-platform.ts";

/** The argument. */
export interface BurstInput {
  readonly target: string;
  readonly probes: number;
  readonly size: number;
  /** In milliseconds. */
  readonly timeout: number;
  readonly privileged: boolean;
  /** How long to block the event loop once the first probe has been sent, in milliseconds. */
  readonly blockMs?: number;
  /**
   * SO_RCVBUF in bytes, which the kernel doubles (socket(7)); by default what the client asks for.
   */
  readonly receiveBuffer?: number;
  /** Whom to probe one by one when the burst is over. */
  readonly thereafter: readonly string[];
}

/** The line of output. */
export interface BurstReport {
  /** How many results there were of each kind: `error`, or "reply". */
  readonly causes: Readonly<Record<string, number>>;
  /** Of the timeouts, those that blame the receive queue. */
  readonly overflowTimeouts: number;
  /** `statistics.overflows`, `noRoom` and `lost`, summed up. */
  readonly overflows: number;
  readonly noRoom: number;
  readonly lost: number;
  /** The worst `statistics.loss` of a target; null where nothing can be said. */
  readonly loss: number | null;
  /** Late, duplicate and corrupt answers. */
  readonly odd: number;
  /** Milliseconds from the first send to the last. */
  readonly sendingMs: number;
  /** The longest RTT in milliseconds. */
  readonly maxRtt: number;
  /**
   * What became of the probes that followed: `error` or "reply", or "overflow" for a timeout that
   * blames the receive queue.
   */
  readonly thereafter: readonly string[];
}

const input = JSON.parse(process.argv[2] ?? "{}") as BurstInput;
const { target, probes, size, timeout, privileged, blockMs, receiveBuffer } = input;
await using client = new Client(
  { privileged, timeout },
  receiveBuffer === undefined ? undefined : scarcePlatform(receiveBuffer),
);
const causes: Record<string, number> = {};
const sentAt: number[] = [];
let overflowTimeouts = 0;
let odd = 0;
let maxRtt = 0;

// What is opened with the first probe is not what is tested.
await client.probe(target, { size: 0 });
const burst = client
  .multiping(Array<string>(probes).fill(target), { count: 1, interval: 0, size, onResult })
  .then((result) => result);
if (blockMs !== undefined) {
  // Sending takes turns of the microtask queue only.
  for (let turn = 0; turn < 100 * probes; turn += 1) await Promise.resolve();
  Bun.sleepSync(blockMs);
}
const { targets } = await burst;
const statistics = targets.map((one) => one.statistics);
const losses = statistics.flatMap(({ loss }) => (loss === null ? [] : [loss]));
const thereafter: string[] = [];
for (const next of input.thereafter) {
  const result = await client.probe(next);
  const isOverflow = result.kind === "timeout" && result.receiveOverflow;
  thereafter.push(isOverflow ? "overflow" : (result.error ?? "reply"));
}
const line: BurstReport = {
  causes,
  overflowTimeouts,
  overflows: statistics.reduce((sum, { overflows }) => sum + overflows, 0),
  noRoom: statistics.reduce((sum, { noRoom }) => sum + noRoom, 0),
  lost: statistics.reduce((sum, { lost }) => sum + lost, 0),
  loss: losses.length > 0 ? Math.max(...losses) : null,
  odd,
  sendingMs: Math.max(...sentAt) - Math.min(...sentAt),
  maxRtt,
  thereafter,
};
process.stdout.write(`${JSON.stringify(line)}\n`);

function onResult(result: EchoResult): void {
  if (result.late || result.duplicate || result.corrupt) {
    odd += 1;
    return;
  }
  const cause = result.error ?? "reply";
  causes[cause] = (causes[cause] ?? 0) + 1;
  if (result.kind === "timeout" && result.receiveOverflow) overflowTimeouts += 1;
  if (result.request.sentPacket !== null) sentAt.push(result.request.sentPacket.timestamp);
  maxRtt = Math.max(maxRtt, result.rtt ?? 0);
}
