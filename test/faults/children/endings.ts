/**
 * Ends runs at every point that a program can: by a signal, by closing the client, by stop().
 * Sockets are real; what a run holds is counted on the way to libc, the reactor, the clock and the
 * signal. Prints a line for each.
 *
 * @module
 */

import { type DnsBackend, Resolver } from "../../../src/client/names/resolver.ts";
import {
  assemblePlatform,
  type Platform,
  RESOLVER_CLOCK,
} from "../../../src/client/transport/platform.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import { openReactor, type Reactor } from "../../../src/ffi/reactor.ts";
import { type LibcSymbols, openLibc } from "../../../src/ffi/symbols.ts";
import { Client, type EchoResult } from "../../../src/index.ts";
import { countingController } from "../../support/stage.ts";

/** The argument. */
export interface EndingsInput {
  readonly answering: string;
  readonly silent: string;
  readonly privileged: boolean;
}

const METHODS = ["probe", "ping", "multiping", "traceroute", "mtr"] as const;
const ACTIONS = ["abort", "close", "stop"] as const;
const POINTS = [
  { point: "before it begins" },
  { point: "at once" },
  { point: "during the lookup" },
  { point: "after the lookup" },
  { point: "socket", nth: 1 },
  { point: "socket", nth: 1, isMacrotask: true },
  { point: "sendmsg", nth: 1 },
  { point: "sendmsg", nth: 1, isMacrotask: true },
  { point: "sendmsg", nth: 4 },
  { point: "recvmmsg", nth: 1 },
  { point: "recvmmsg", nth: 4, isMacrotask: true },
  { point: "result", nth: 1 },
  { point: "result", nth: 3 },
  { point: "timeout", nth: 1 },
  { point: "item", nth: 1 },
] as const satisfies readonly Point[];

interface Point {
  readonly point: string;
  /** At which occurrence. */
  readonly nth?: number;
  /** Whether in a task of its own, or in the microtask that follows. */
  readonly isMacrotask?: boolean;
}

/** One line of output. */
export interface EndingLine extends Point {
  readonly method: (typeof METHODS)[number];
  readonly action: (typeof ACTIONS)[number];
  /** Whether the run came to that point, and was not over by then. */
  readonly reached: boolean;
  /** "resolved", or what it was rejected with. */
  readonly outcome: string;
  /** Callbacks and items that came after the end. */
  readonly lateCalls: number;
  /** What was still held after the client was closed. */
  readonly held: { sockets: number; watches: number; timers: number; listeners: number };
}

/** The last line. */
export interface Aftermath {
  readonly unhandled: readonly string[];
  /** Listeners of SIGURG that are left. */
  readonly signalHandlers: number;
}

const TIMEOUT_MS = 60;
const AT_ONCE = 15;

const input = JSON.parse(process.argv[2] ?? "{}") as EndingsInput;
const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(String(reason)));
process.on("uncaughtException", (error) => unhandled.push(String(error)));

const cases = METHODS.flatMap((method) =>
  ACTIONS.flatMap((action) => POINTS.map((point) => ({ method, action, ...point }))),
);
for (let first = 0; first < cases.length; first += AT_ONCE) {
  const lines = await Promise.all(cases.slice(first, first + AT_ONCE).map(end));
  for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
}
Bun.gc(true);
await Bun.sleep(50);
const aftermath: Aftermath = { unhandled, signalHandlers: process.listenerCount("SIGURG") };
process.stdout.write(`${JSON.stringify(aftermath)}\n`);

type Case = Pick<EndingLine, "method" | "action"> & Point;

async function end(one: Case): Promise<EndingLine> {
  const { method, action, point, nth = 1, isMacrotask = false } = one;
  const { controller, listeners } = countingController();
  let reached = false;
  let isOver = false;
  let lateCalls = 0;
  const act = {
    abort: () => controller.abort(new Error("enough")),
    close: () => client.close(),
    stop: () => run.stop(),
  };
  const fire = () => {
    if (reached || isOver) return;
    reached = true;
    act[action]();
  };
  const counts = new Map<string, number>();
  const pass = (name: string) => {
    if (reached) return;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (name !== point || count !== nth) return;
    if (isMacrotask) setImmediate(fire);
    else queueMicrotask(fire);
  };
  const { platform, held } = watchedPlatform(pass);
  const client = new Client({ privileged: input.privileged, timeout: TIMEOUT_MS }, platform);
  const run = start(client, {
    method,
    host: point === "timeout" ? "silent" : "answering",
    signal: controller.signal,
    onResult: (result) => {
      if (reached) lateCalls += 1;
      else if (point === "result" && (counts.get("result") ?? 0) + 1 === nth) fire();
      else if (point === "timeout" && result.kind === "timeout") fire();
      counts.set("result", (counts.get("result") ?? 0) + 1);
    },
  });
  if (point === "before it begins") fire();
  const iteration = point === "item" ? iterate(run, fire) : undefined;
  const outcome = run.then(
    () => "resolved",
    (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`,
  );
  void outcome.then(() => {
    isOver = true;
  });
  if (point === "at once") fire();
  const line = { ...one, outcome: await outcome };
  await iteration;
  // Longer than every timeout of what was in flight.
  await Bun.sleep(2 * TIMEOUT_MS);
  client.close();
  return { ...line, reached, lateCalls, held: { ...held(), listeners: listeners() } };
}

interface Start {
  readonly method: Case["method"];
  readonly host: string;
  readonly signal: AbortSignal;
  readonly onResult: (result: EchoResult) => void;
}

function start(client: Client, { method, host, signal, onResult }: Start) {
  const options = { signal, onResult };
  const long = { ...options, count: 1000, interval: 5 };
  switch (method) {
    case "probe":
      return client.probe(host, options);
    case "ping":
      return client.ping(host, long);
    case "multiping":
      return client.multiping([host, "silent", "answering"], long);
    case "traceroute":
      return client.traceroute(host, { ...options, concurrency: 2, gapLimit: 100, probes: 10 });
    case "mtr":
      return client.mtr(host, long);
  }
}

async function iterate(run: AsyncIterable<unknown>, fire: () => void): Promise<void> {
  try {
    for await (const _ of run) fire();
  } catch {
    // The outcome of the run tells it, too.
  }
}

/**
 * A platform of its own over the real kernel, that says what passes through it and what is still
 * held.
 */
function watchedPlatform(pass: (name: string) => void) {
  const held = { sockets: 0, watches: 0, timers: 0 };
  const real = openLibc();
  const symbols: LibcSymbols = {
    ...real,
    socket: (...parameters) => {
      const fd = real.socket(...parameters);
      if (fd >= 0) held.sockets += 1;
      pass("socket");
      return fd;
    },
    close: (fd) => {
      held.sockets -= 1;
      return real.close(fd);
    },
    sendmsg: (...parameters) => {
      const sent = real.sendmsg(...parameters);
      pass("sendmsg");
      return sent;
    },
    recvmmsg: (...parameters) => {
      const received = real.recvmmsg(...parameters);
      if (received > 0) pass("recvmmsg");
      return received;
    },
  };
  const libc = new Libc(symbols);
  const reactor: Reactor = {
    watch: (fd, onReady) => {
      held.watches += 1;
      const watch = openReactor(new Libc(real)).watch(fd, onReady);
      return {
        setActive: (active) => watch.setActive(active),
        renew: () => watch.renew(),
        close: () => {
          held.watches -= 1;
          watch.close();
        },
      };
    },
  };
  const schedule = (delayNs: number, callback: () => void) => {
    const timer = { isWaiting: true };
    const finish = () => {
      if (timer.isWaiting) held.timers -= 1;
      timer.isWaiting = false;
    };
    held.timers += 1;
    const handle = setTimeout(
      () => {
        finish();
        callback();
      },
      Math.ceil(delayNs / 1e6),
    );
    return () => {
      finish();
      clearTimeout(handle);
    };
  };
  const dns: DnsBackend = {
    lookup: async (host) => {
      pass("during the lookup");
      await Bun.sleep(5);
      pass("after the lookup");
      return [{ address: host === "silent" ? input.silent : input.answering, family: 0 }];
    },
    reverse: async () => null,
  };
  const platform: Platform = assemblePlatform({
    libc,
    reactor,
    schedule,
    resolver: new Resolver(dns, RESOLVER_CLOCK),
  });
  return { platform, held: () => held };
}
