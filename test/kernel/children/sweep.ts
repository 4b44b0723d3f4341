/**
 * Sweeps once and prints all hosts and the totals, one line of JSON. Meanwhile a timer shows
 * whether the event loop is shared.
 *
 * @module
 */
import { Client, type SweepItem, type SweepOptions, type SweepResult } from "icmpx";
import { scarcePlatform } from "./scarce-platform.ts";

/** The argument. */
export interface SweepInput {
  readonly privileged: boolean;
  readonly targets: string | readonly string[];
  /** As JSON, so without a rate of Infinity, which is "unpaced". */
  readonly options?: Omit<SweepOptions, "signal">;
  readonly unpaced?: boolean;
  /** Give the targets so many times. Default once. */
  readonly times?: number;
  /** Whether to print hosts that answered as well as the others. Default true. */
  readonly printReplies?: boolean;
  /** Hold the event loop for so long, once as many probes have been sent. */
  readonly block?: { readonly afterProbes: number; readonly forMs: number };
  /** Ping that host meanwhile, once each 10 ms. */
  readonly ping?: string;
  /** Collect garbage after each so many hosts. */
  readonly collectEvery?: number;
  /** Sweep in a Bun Worker. */
  readonly inWorker?: boolean;
  /**
   * SO_RCVBUF in bytes, which the kernel doubles (socket(7)); by default what the client asks for.
   */
  readonly receiveBuffer?: number;
  /** With it: read nothing before the kernel has dropped so many packets for lack of room. */
  readonly unread?: number;
}

/** The line of output. */
export interface SweepReport {
  readonly hosts: readonly SweepItem[];
  readonly totals: Omit<SweepResult, "living">;
  readonly living: readonly string[];
  /** The longest time between two turns of a timer of 1 ms. */
  readonly longestPauseMs: number;
  /** Replies of the ping, and how many probes it lost. */
  readonly pinged: { readonly received: number; readonly lost: number };
}

const input = JSON.parse(process.argv[2] ?? "{}") as SweepInput;

if (input.inWorker && Bun.isMainThread) {
  const worker = new Worker(import.meta.url, { argv: [JSON.stringify(input)] });
  const { promise, resolve, reject } = Promise.withResolvers<SweepReport>();
  worker.onmessage = ({ data }: MessageEvent<SweepReport>) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  print(await promise);
  worker.terminate();
} else {
  const report = await sweep(input);
  if (Bun.isMainThread) print(report);
  else postMessage(report);
}

function print(report: SweepReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function sweep(input: SweepInput): Promise<SweepReport> {
  const { privileged, targets, options, unpaced, printReplies = true, block, ping } = input;
  const platform =
    input.receiveBuffer === undefined
      ? undefined
      : scarcePlatform(input.receiveBuffer, input.unread);
  await using client = new Client({ privileged }, platform);
  const rate = unpaced ? { rate: Number.POSITIVE_INFINITY } : {};
  const given = input.times === undefined ? targets : repeated(targets, input.times);
  const sweep = client.sweep(given, { ...options, ...rate, all: true });
  let longestPauseMs = 0;
  let last = performance.now();
  let hasHeld = false;
  const timer = setInterval(() => {
    if (block !== undefined && !hasHeld && sweep.progress.sent >= block.afterProbes) {
      hasHeld = true;
      hold(block.forMs);
    }
    longestPauseMs = Math.max(longestPauseMs, performance.now() - last);
    last = performance.now();
  }, 1);
  const pinging =
    ping === undefined
      ? undefined
      : client.ping(ping, {
          count: Number.POSITIVE_INFINITY,
          interval: 10,
          signal: new AbortController().signal,
        });
  const pinged = { received: 0, lost: 0 };
  void (async () => {
    for await (const { kind } of pinging ?? []) {
      if (kind === "reply") pinged.received += 1;
      else pinged.lost += 1;
    }
  })();

  const hosts: SweepItem[] = [];
  let seen = 0;
  for await (const host of sweep) {
    seen += 1;
    if (printReplies || host.kind !== "reply") hosts.push(host);
    if (input.collectEvery !== undefined && seen % input.collectEvery === 0) Bun.gc(true);
  }
  pinging?.stop();
  clearInterval(timer);
  const { living, ...totals } = await sweep;
  return { hosts, totals, living: printReplies ? [...living] : [], longestPauseMs, pinged };
}

function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** An array is probed once, whatever it repeats; other iterables are not looked through. */
function* repeated(targets: SweepInput["targets"], times: number): Generator<string> {
  for (let time = 0; time < times; time++) yield* [targets].flat();
}
