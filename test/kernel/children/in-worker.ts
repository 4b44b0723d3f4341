/**
 * Measures in a Bun Worker and on the main thread at once, and prints both threads' results.
 *
 * @module
 */
import { Client, type TracerouteResult } from "icmpx";

/** One line of output. */
export interface ThreadReport {
  readonly thread: "main" | "worker";
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly min: number | null;
  readonly rttSources: readonly string[];
  readonly hops: readonly (string | null)[];
}

const { target } = JSON.parse(process.argv[2] ?? "{}") as { target: string };

if (Bun.isMainThread) {
  const worker = new Worker(import.meta.url, { argv: [JSON.stringify({ target })] });
  const reported = Promise.withResolvers<ThreadReport>();
  worker.onmessage = ({ data }: MessageEvent<ThreadReport>) => reported.resolve(data);
  worker.onerror = ({ message }) => reported.reject(new Error(message));
  const reports = await Promise.all([measure("main"), reported.promise]);
  for (const report of reports) process.stdout.write(`${JSON.stringify(report)}\n`);
  worker.terminate();
} else {
  postMessage(await measure("worker"));
}

async function measure(thread: ThreadReport["thread"]): Promise<ThreadReport> {
  await using client = new Client();
  const [ping, trace] = await Promise.all([
    client.ping(target, { count: 20, interval: 10 }),
    client.traceroute(target) as PromiseLike<TracerouteResult>,
  ]);
  const { sent, received, lost, min } = ping.statistics;
  const rttSources = [...new Set(ping.results.map((result) => result.rttSource ?? "none"))];
  return {
    thread,
    sent,
    received,
    lost,
    min,
    rttSources,
    hops: trace.hops.map(({ addr }) => addr),
  };
}
