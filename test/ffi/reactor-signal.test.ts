import { afterEach, expect, test } from "bun:test";
import { AF_INET, IPPROTO_ICMP, O_ASYNC, SOCK_RAW } from "../../src/ffi/constants.ts";
import { Libc } from "../../src/ffi/libc.ts";
import { SignalReactor } from "../../src/ffi/reactor-signal.ts";
import { Socket } from "../../src/ffi/socket.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeKernel } from "../support/fake-libc.ts";
import { echoReply } from "../support/fake-network.ts";

const TARGET = "203.0.113.9";

let close: (() => void) | undefined;
afterEach(() => close?.());

/**
 * A reactor on a kernel that takes every setting, and raises no signal but those the test raises.
 */
function setUp() {
  const clock = new FakeClock();
  const kernel = new FakeKernel(clock, { network: (probe) => [echoReply(probe, { delayMs: 10 })] });
  const libc = new Libc(kernel);
  const reactor = new SignalReactor(libc);
  const socket = Socket.open(libc, { domain: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP });
  const reads: number[] = [];
  let onRead: (() => void) | undefined;
  const flood = { isOn: false };
  const watch = reactor.watch(socket.fd, () => {
    reads.push(socket.receive(() => {}));
    onRead?.();
    return flood.isOn;
  });
  close = () => watch.close();
  const polls = () => kernel.calls.filter(({ syscall }) => syscall === "poll").length;
  return {
    ...{ kernel, reactor, socket, watch, reads, polls, flood },
    /** Whether the socket may raise signals. */
    isArmed: () => ((kernel.socketOf(socket.fd)?.flags ?? 0) & O_ASYNC) !== 0,
    /** An answer arrives. */
    arrive: () => {
      socket.send({
        data: Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 1),
        destination: { address: TARGET },
      });
      clock.block(10);
    },
    nextRead: () => new Promise<void>((resolve) => (onRead = resolve)),
    /** Waits until the reactor has looked that often. */
    looked: async (count: number) => {
      for (const until = polls() + count; polls() < until; ) await Bun.sleep(1);
    },
  };
}

test("what no signal announces is found by a timer, which goes on looking", async () => {
  const { arrive, watch, reads, nextRead, looked } = setUp();
  watch.setActive(true);
  await looked(3);
  expect([reads, watch.refusal]).toEqual([[], undefined]);
  const first = nextRead();
  arrive();
  await first;
  expect([reads, watch.refusal]).toEqual([[1], { code: "no signal" }]);
  const second = nextRead();
  arrive();
  await second;
  expect(reads).toEqual([1, 1]);
});

test("what arrives right after the watch has begun is not read before silence proves anything", async () => {
  const { arrive, watch, reads, nextRead } = setUp();
  watch.setActive(true);
  const read = nextRead();
  arrive();
  await immediate();
  expect(reads).toEqual([]);
  await read;
  expect([reads, watch.refusal]).toEqual([[1], { code: "no signal" }]);
});

test("what arrived before the watch is read at once, and proves nothing", async () => {
  const { arrive, reads, reactor, socket, watch } = setUp();
  watch.close();
  arrive();
  const other = reactor.watch(socket.fd, () => reads.push(socket.receive(() => {})));
  await immediate();
  expect([reads, other.refusal]).toEqual([[1], undefined]);
  other.close();
});

test("a watch begun later knows it from the start", async () => {
  const { arrive, watch, nextRead, reactor, socket } = setUp();
  watch.setActive(true);
  const read = nextRead();
  arrive();
  await read;
  const other = reactor.watch(socket.fd, () => {});
  expect(other.refusal).toEqual({ code: "no signal" });
  other.close();
});

test("once a signal is heard, no timer looks any more", async () => {
  const { arrive, watch, reads, polls, looked } = setUp();
  watch.setActive(true);
  await looked(3);
  process.emit("SIGURG", "SIGURG");
  const before = polls();
  arrive();
  watch.setActive(false);
  watch.setActive(true);
  await Bun.sleep(30);
  expect([polls() - before, reads, watch.refusal]).toEqual([0, [], undefined]);
  process.emit("SIGURG", "SIGURG");
  expect(reads).toEqual([1]);
});

test("looks grow apart while nothing arrives, and end with the expectation", async () => {
  const { watch, polls, looked } = setUp();
  watch.setActive(true);
  // After 1, 2, 4, 8, 16, 32 and 64 ms.
  const began = performance.now();
  await looked(7);
  expect(performance.now() - began).toBeGreaterThan(100);
  watch.setActive(false);
  const before = polls();
  await Bun.sleep(40);
  expect(polls()).toBe(before);
  watch.close();
  watch.setActive(true);
  await Bun.sleep(20);
  expect(polls()).toBe(before);
});

test("silence proves nothing while user code keeps removing the listener", async () => {
  const { arrive, kernel, watch, reads, looked } = setUp();
  arrive();
  const poll = kernel.poll.bind(kernel);
  kernel.poll = (...args) => {
    process.removeAllListeners("SIGURG");
    return poll(...args);
  };
  watch.setActive(true);
  await looked(4);
  expect([reads, watch.refusal]).toEqual([[], undefined]);
});

test("many signals in a row leave timers and immediates their turn", async () => {
  const { arrive, reads } = setUp();
  for (let signal = 0; signal < 500; signal++) {
    arrive();
    process.emit("SIGURG", "SIGURG");
  }
  expect(reads).toEqual(new Array(8).fill(1));
  await immediate();
  expect(reads.slice(8)).toEqual([492]);
  arrive();
  process.emit("SIGURG", "SIGURG");
  expect(reads.slice(9)).toEqual([1]);
});

test("a flooded socket raises no signals until all is read, and is looked at once more then", async () => {
  const { arrive, flood, isArmed, reads } = setUp();
  expect(isArmed()).toBe(true);
  for (const isUnreadAtTheEnd of [true, false]) {
    reads.length = 0;
    flood.isOn = true;
    arrive();
    process.emit("SIGURG", "SIGURG");
    expect([reads, isArmed()]).toEqual([[1], false]);
    flood.isOn = false;
    if (isUnreadAtTheEnd) arrive();
    await immediate();
    expect(isArmed()).toBe(true);
    // What has come between the last read and the arming.
    arrive();
    await immediate();
    expect(reads).toEqual(isUnreadAtTheEnd ? [1, 1, 1] : [1, 1]);
  }
});

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
