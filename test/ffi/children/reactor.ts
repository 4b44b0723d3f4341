// One scenario of the reactor per process: its exit status is part of what is tested. Prints JSON.
import { writeSync } from "node:fs";
import { F_SETOWN } from "../../../src/ffi/constants.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import { openReactor } from "../../../src/ffi/reactor.ts";
import type { LibcSymbols } from "../../../src/ffi/symbols.ts";
import { libc, openRaw, request, requests } from "./common.ts";

/** linux/socket.h. */
const MSG_OOB = 1;

let polls = 0;
const counting: LibcSymbols = {
  ...libc.symbols,
  poll: (...args) => {
    polls++;
    return libc.symbols.poll(...args);
  },
};
const reactor = openReactor(new Libc(counting));
const SCENARIOS: Record<string, () => Promise<void> | void> = {
  "open-close": openClose,
  "exit-in-flood": exitInFlood,
  "natural-exit": naturalExit,
  "before-arming": beforeArming,
  limited: limited,
  flooded: flooded,
  throwing: throwing,
  "many-sockets": manySockets,
  "never-read": neverRead,
  "listeners-removed": listenersRemoved,
  "urgent-elsewhere": urgentElsewhere,
  merged: merged,
};
await SCENARIOS[process.argv[2] ?? ""]?.();

function report(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

/** 2,000 sockets, each watched, flooded, and closed with signals on their way. */
async function openClose(): Promise<void> {
  const messages = requests(20);
  let received = 0;
  for (let round = 0; round < 2000; round++) {
    const socket = openRaw();
    const watch = reactor.watch(socket.fd, () => {
      received += socket.receive(() => {});
    });
    socket.sendBatch(messages);
    if (round % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.sendBatch(messages);
    // Both orders happen in practice; neither may leave a signal without a handler.
    if (round % 2 === 0) {
      watch.close();
      socket.close();
    } else {
      socket.close();
      watch.close();
    }
    watch.close();
  }
  report({ received: received > 0 });
}

function exitInFlood(): void {
  const socket = openRaw();
  const flooding = openRaw();
  const messages = requests(50);
  reactor.watch(socket.fd, () => {
    socket.receive(() => {});
  });
  let rounds = 0;
  function flood(): void {
    flooding.sendBatch(messages);
    if (++rounds === 20) {
      flooding.sendBatch(messages);
      process.exit(7);
    }
    setImmediate(flood);
  }
  flood();
}

/** Leaves everything open and returns, while somebody else's packets keep arriving. */
async function naturalExit(): Promise<void> {
  const socket = openRaw();
  reactor.watch(socket.fd, () => {
    socket.receive(() => {});
  });
  report("watching");
  await Bun.sleep(20);
}

/** What arrived before the socket was watched is reported all the same. */
async function beforeArming(): Promise<void> {
  const socket = openRaw();
  socket.sendBatch(requests(3));
  await Bun.sleep(20);
  const { promise, resolve } = Promise.withResolvers<number>();
  reactor.watch(socket.fd, () => resolve(socket.receive(() => {})));
  const timer = setTimeout(() => resolve(-1), 2000);
  report({ received: await promise });
  clearTimeout(timer);
}

/**
 * A handler that takes two messages at a time is called until nothing is left, though no further
 * signal comes.
 */
async function limited(): Promise<void> {
  const socket = openRaw();
  let received = 0;
  let calls = 0;
  reactor.watch(socket.fd, () => {
    calls++;
    received += socket.receive(() => {}, 2);
  });
  const blocked = performance.now() + 20;
  socket.sendBatch(requests(50));
  while (performance.now() < blocked) {}
  const deadline = performance.now() + 2000;
  while (received < 100 && performance.now() < deadline) await Bun.sleep(1);
  await Bun.sleep(20);
  report({ received, enough: calls >= 50, calls: calls < 120 });
}

/**
 * A handler that says it stopped early is called again at once, however often, and timers have
 * their turn meanwhile.
 */
async function flooded(): Promise<void> {
  const socket = openRaw();
  const flooding = openRaw();
  const messages = requests(50);
  let calls = 0;
  let ticks = 0;
  const ended = Promise.withResolvers<void>();
  const timer = setInterval(() => ticks++, 1);
  reactor.watch(socket.fd, () => {
    flooding.sendBatch(messages);
    socket.receive(() => {}, 10);
    calls += 1;
    if (calls === 1000) ended.resolve();
    return true;
  });
  flooding.sendBatch(messages);
  const started = performance.now();
  await ended.promise;
  clearInterval(timer);
  // At growing intervals it would take a minute.
  report({ ticks: ticks > 20, soon: performance.now() - started < 20_000 });
  process.exit();
}

/** An exception in one handler reaches the process, and the other sockets their handlers. */
async function throwing(): Promise<void> {
  const caught: string[] = [];
  process.on("uncaughtException", (failure) => caught.push(failure.message));
  const first = openRaw();
  const second = openRaw();
  let received = 0;
  reactor.watch(first.fd, () => {
    first.receive(() => {});
    throw new Error("from the first handler");
  });
  reactor.watch(second.fd, () => {
    received += second.receive(() => {});
  });
  second.send(request(1));
  await Bun.sleep(50);
  report({ caught: caught[0], received });
}

/** The pollfd array grows, entries go from its middle, and each socket gets its own calls. */
async function manySockets(): Promise<void> {
  const counts = new Array<number>(40).fill(0);
  const sockets = counts.map(() => openRaw());
  const watches = sockets.map((socket, index) =>
    reactor.watch(socket.fd, () => {
      counts[index] = (counts[index] ?? 0) + socket.receive(() => {});
    }),
  );
  for (let index = 0; index < 40; index += 3) watches[index]?.close();
  sockets[0]?.send(request(1));
  await Bun.sleep(50);
  report({ counts });
}

/**
 * A handler that never reads must not turn the loop into a spinning one, nor keep the process
 * alive.
 */
async function neverRead(): Promise<void> {
  const socket = openRaw();
  let calls = 0;
  reactor.watch(socket.fd, () => {
    calls++;
  });
  socket.send(request(1));
  await Bun.sleep(1500);
  report({ calls: calls > 10 && calls < 200 });
}

/** Without the listener an arrival is not reported, and does no harm; `renew()` reports it. */
async function listenersRemoved(): Promise<void> {
  const socket = openRaw();
  let received = 0;
  let others = 0;
  process.on("SIGURG", () => others++);
  const watch = reactor.watch(socket.fd, () => {
    received += socket.receive(() => {});
  });
  await Bun.sleep(20);
  const counts: number[] = [];
  const count = async (act: () => void): Promise<void> => {
    act();
    await Bun.sleep(20);
    counts.push(received);
  };
  await count(() => process.removeAllListeners());
  await count(() => socket.send(request(1)));
  await count(() => watch.renew());
  await count(() => socket.send(request(2)));
  // A listener of the user's own is no sign that ours is there.
  await count(() => {
    process.removeAllListeners("SIGURG");
    process.on("SIGURG", () => others++);
    socket.send(request(3));
  });
  await count(() => watch.renew());
  await count(() => watch.renew());
  report({ counts, others, listeners: process.listenerCount("SIGURG") });
}

/** SIGURG that has nothing to do with our sockets costs one poll and reports nothing. */
async function urgentElsewhere(): Promise<void> {
  const socket = openRaw();
  let calls = 0;
  reactor.watch(socket.fd, () => {
    calls++;
    socket.receive(() => {});
  });
  await Bun.sleep(20);
  polls = 0;
  for (let count = 0; count < 10; count++) {
    process.kill(process.pid, "SIGURG");
    await Bun.sleep(5);
  }
  const polled = polls;
  await sendUrgentData(10);
  const afterUrgentData = { polled: polls - polled, calls };
  socket.send(request(1));
  await Bun.sleep(20);
  report({ polled, afterUrgentData, afterArrival: calls > 0 });
}

/**
 * Urgent data on a TCP connection whose owner is this process, as if from another library (tcp(7)).
 */
async function sendUrgentData(count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: (socket) => resolve(descriptorOf(socket)), data: () => {} },
  });
  const { hostname, port } = server;
  const client = await Bun.connect({ hostname, port, socket: { data: () => {} } });
  libc.symbols.fcntl(await promise, F_SETOWN, process.pid);
  for (let sent = 0; sent < count; sent++) {
    libc.symbols.sendto(descriptorOf(client), Uint8Array.of(1), 1, MSG_OOB, null, 0);
    await Bun.sleep(5);
  }
  client.end();
  server.stop(true);
}

/** Bun's sockets have a descriptor, of which its types know nothing. */
function descriptorOf(socket: object): number {
  return (socket as { readonly fd: number }).fd;
}

/** Many arrivals in a blocked event loop raise one signal, and all of them are read. */
async function merged(): Promise<void> {
  const socket = openRaw();
  let calls = 0;
  let received = 0;
  reactor.watch(socket.fd, () => {
    calls++;
    received += socket.receive(() => {});
  });
  await Bun.sleep(20);
  calls = 0;
  socket.sendBatch(requests(50));
  await Bun.sleep(50);
  report({ received, merged: calls < 10 });
}
