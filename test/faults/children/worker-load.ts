/**
 * Measures in several Workers, each of which blocks its own event loop again and again, while the
 * main thread does the same; one Worker is ended in the middle of it. Prints what each saw.
 *
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Client, type EchoResult, type StatisticsSnapshot } from "icmpx";

/** The argument. */
export interface WorkerLoadInput {
  readonly target: string;
  readonly workers: number;
  readonly privileged: boolean;
}

/** The first line, and one for each thread. */
export interface ThreadReport {
  readonly thread: string;
  readonly statistics: StatisticsSnapshot;
  /** Replies with another identifier or sequence than their request. */
  readonly strays: number;
}

/** The last line. */
export interface WorkerLoadReport {
  /** ICMP sockets open before the Workers started, while they ran and after they ended. */
  readonly sockets: readonly [before: number, during: number, after: number];
}

const COUNT = 50;
const INTERVAL_MS = 10;
const STREAMS = 4;

const input = JSON.parse(process.argv[2] ?? "{}") as WorkerLoadInput;
const { target, workers, privileged } = input;

if (Bun.isMainThread) {
  // Whatever a thread opens once and keeps is no leak of the library's.
  await Promise.all([measure("warm"), start("warm")]);
  const before = countSockets();
  // Nobody is told of its end, so its socket stays open. That must disturb no one.
  const doomed = new Worker(import.meta.url, { argv: [JSON.stringify(input), "doomed"] });
  let during = 0;
  setTimeout(() => {
    during = countSockets();
    doomed.terminate();
  }, 500);
  const threads = Array.from({ length: workers }, (_, index) => start(`worker ${index}`));
  const reports = await Promise.all([measure("main"), ...threads]);
  for (const report of reports) print(report);
  const line: WorkerLoadReport = { sockets: [before, during, countSockets()] };
  print(line);
} else {
  postMessage(await measure(process.argv[3] ?? "worker"));
}

async function start(thread: string): Promise<ThreadReport> {
  const worker = new Worker(import.meta.url, { argv: [JSON.stringify(input), thread] });
  const reported = Promise.withResolvers<ThreadReport>();
  worker.onmessage = ({ data }: MessageEvent<ThreadReport>) => reported.resolve(data);
  worker.onerror = ({ message }) => reported.reject(new Error(message));
  try {
    return await reported.promise;
  } finally {
    worker.terminate();
  }
}

async function measure(thread: string): Promise<ThreadReport> {
  let strays = 0;
  const onResult = ({ request, reply }: EchoResult) => {
    const [sent, received] = [request.sentPacket?.packet, reply?.receivedPacket.icmpPacket];
    if (received && (sent?.id !== received.id || sent?.sequence !== received.sequence)) strays += 1;
  };
  await using client = new Client({ privileged, timeout: 300 });
  const load = setInterval(() => Bun.sleepSync(50), 100);
  try {
    const runs = Array.from({ length: STREAMS }, () =>
      client.ping(target, { count: COUNT, interval: INTERVAL_MS, onResult }),
    );
    const [first, ...others] = await Promise.all(runs);
    const lost = others.reduce((sum, { statistics }) => sum + statistics.lost, 0);
    if (first === undefined) throw new Error("There was no run");
    return {
      thread,
      statistics: { ...first.statistics, lost: first.statistics.lost + lost },
      strays,
    };
  } finally {
    clearInterval(load);
  }
}

/** ICMP sockets of this process (proc_pid_net(5): the inode is the tenth field). */
function countSockets(): number {
  const inodes = ["raw", "raw6", "icmp", "icmp6"].flatMap((table) =>
    readFileSync(`/proc/self/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .map((row) => `socket:[${row.trim().split(/\s+/)[9]}]`),
  );
  const open = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // That of the directory itself is gone by now.
      return "";
    }
  });
  return open.filter((link) => inodes.includes(link)).length;
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
