/**
 * Makes the sockets of a client unreadable while every kind of run goes on, on the main thread or
 * in a Worker, and prints what becomes of each: one line for a descriptor that another file takes
 * the place of, one for a sandbox that answers receives with EIO.
 *
 * @module
 */
import { dlopen, FFIType } from "bun:ffi";
import { closeSync, constants, openSync, readdirSync, readlinkSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { Client, type EchoResult, type Measurement, SystemError } from "icmpx";
import { refuse } from "../../support/sandbox.ts";

export interface BrokenInput {
  readonly privileged: boolean;
  /** Somebody who answers. */
  readonly target: string;
  /** Somebody who does not, and a range of them. */
  readonly silent: string;
  readonly range: string;
  readonly inWorker: boolean;
}

export interface BrokenReport {
  readonly how: "another file" | "EIO";
  /** Of each kind of run: how it ended. */
  readonly endings: Readonly<Record<string, string>>;
  /** What a probe after that came to. */
  readonly next: string;
  /** Sockets that are open more than before. */
  readonly leaked: number;
}

/** The last line, of a Worker only: what a ping of the main thread saw meanwhile. */
export interface UndisturbedReport {
  readonly sent: number;
  readonly received: number;
}

const TIMEOUT_MS = 400;
const RECEIVES = ["recvmmsg", "recvmsg", "recvfrom"] as const;

const input = JSON.parse(process.argv[2] ?? "{}") as BrokenInput;
const { target, silent, range, privileged } = input;

if (!Bun.isMainThread) {
  postMessage(await breakBoth());
} else if (input.inWorker) {
  await using client = new Client({ privileged });
  // Its socket is open before the Worker looks which are its own.
  await client.probe(target);
  const undisturbed = client.ping(target, { count: 50, interval: 20 });
  const worker = new Worker(import.meta.url, { argv: [JSON.stringify(input)] });
  const reported = Promise.withResolvers<BrokenReport[]>();
  worker.onmessage = ({ data }: MessageEvent<BrokenReport[]>) => reported.resolve(data);
  worker.onerror = ({ message }) => reported.reject(new Error(message));
  const [reports, { statistics }] = await Promise.all([reported.promise, undisturbed]);
  worker.terminate();
  const { sent, received } = statistics;
  for (const report of [...reports, { sent, received } satisfies UndisturbedReport]) print(report);
} else {
  for (const report of await breakBoth()) print(report);
}

async function breakBoth(): Promise<BrokenReport[]> {
  return [
    await breakSockets("another file", replaceDescriptor),
    // For good, so it comes last.
    await breakSockets("EIO", () =>
      refuse(RECEIVES.map((call) => ({ call, errno: osConstants.errno.EIO }))),
    ),
  ];
}

async function breakSockets(
  how: BrokenReport["how"],
  damage: (fds: readonly number[]) => void,
): Promise<BrokenReport> {
  const before = new Set(sockets());
  await using client = new Client({ privileged, timeout: TIMEOUT_MS });
  const long = { count: 100_000, interval: 20 };
  const answered = Promise.withResolvers<void>();
  const onResult = ({ kind }: EchoResult): void => {
    if (kind === "reply") answered.resolve();
  };
  const runs: Record<string, Measurement<unknown, unknown>> = {
    ping: client.ping(target, { ...long, onResult }),
    multiping: client.multiping([target, silent], long),
    traceroute: client.traceroute(silent),
    mtr: client.mtr(silent, long),
    sweep: client.sweep(range, { rate: 50 }),
  };
  const endings = Object.entries(runs).map(
    async ([name, run]) => [name, await ending(run)] as const,
  );
  await answered.promise;
  // The sweep has one of its own.
  let own = [] as number[];
  while (own.length < 2) {
    await Bun.sleep(5);
    own = sockets().filter((fd) => !before.has(fd));
  }
  damage(own);
  const ended = Object.fromEntries(await Promise.all(endings));
  const next = await ending(client.probe(target));
  await client[Symbol.asyncDispose]();
  const leaked = sockets().filter((fd) => !before.has(fd)).length;
  return { how, endings: ended, next, leaked };
}

async function ending(run: PromiseLike<unknown>): Promise<string> {
  try {
    const result = await run;
    return (result as { readonly kind?: string }).kind ?? "ended";
  } catch (error) {
    return error instanceof SystemError ? `${error.syscall} ${error.code}` : String(error);
  }
}

function sockets(): number[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:") ? [Number(fd)] : [];
    } catch {
      // The one that reads the folder is gone by now.
      return [];
    }
  });
}

function replaceDescriptor(fds: readonly number[]): void {
  const { i32 } = FFIType;
  const libc = dlopen("libc.so.6", { dup2: { args: [i32, i32], returns: i32 } });
  const file = openSync("/dev/null", constants.O_RDWR);
  for (const fd of fds) libc.symbols.dup2(file, fd);
  closeSync(file);
}

function print(line: BrokenReport | UndisturbedReport): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
