import { describe, expect, test } from "bun:test";
import { Libc } from "../../src/ffi/libc.ts";
import { PollSet } from "../../src/ffi/poll-set.ts";
import { openTimerReactor } from "../../src/ffi/reactor-timer.ts";
import { Socket } from "../../src/ffi/socket.ts";
import { openLibc } from "../../src/ffi/symbols.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeKernel } from "../support/fake-libc.ts";
import { describeIf, requires } from "../support/requires.ts";

const RAW = { domain: 2, type: 3, protocol: 1 };
const REQUEST = Uint8Array.of(8, 0, 0xe5, 0xc9, 0x12, 0x34, 0, 2);
const EINTR = 4;

describe("Libc", () => {
  test("counts both clocks on the scales of the fake clock, whenever it is made", async () => {
    const clock = new FakeClock();
    await clock.advance(3_600_000.000001);
    const libc = new Libc(new FakeKernel(clock));
    expect(libc.epochSeconds).toBe(clock.epochSeconds);
    expect(libc.monotonicNs()).toBe(clock.monotonicNs());
    expect(libc.realtimeNs()).toBe(clock.realtimeNs());
    clock.stepRealtime(-7_200_000_000_000);
    expect(libc.realtimeNs()).toBe(clock.realtimeNs());
    expect(libc.realtimeNs()).toBeLessThan(0);
    expect(libc.monotonicNs()).toBe(3_601_000_000_001);
  });

  test("knows interfaces by name", () => {
    const libc = new Libc(new FakeKernel(new FakeClock(), { interfaces: { lo: 1, wlan0: 7 } }));
    expect(["lo", "wlan0", "eth0", "", "lo\0"].map((name) => libc.interfaceIndex(name))).toEqual([
      1, 7, 0, 0, 0,
    ]);
    expect([1, 7, 2, 0].map((index) => libc.interfaceName(index))).toEqual([
      "lo",
      "wlan0",
      undefined,
      undefined,
    ]);
    expect(libc.pid()).toBe(4242);
  });
});

describeIf(requires.linux(), "Libc on the real libc", () => {
  test("tells the time", async () => {
    const libc = new Libc(openLibc());
    const offset = libc.epochSeconds * 1000 + libc.realtimeNs() / 1e6 - Date.now();
    expect(Math.abs(offset)).toBeLessThan(50);
    expect(libc.epochSeconds % 86_400).toBe(0);
    const start = libc.monotonicNs();
    await Bun.sleep(5);
    const passed = libc.monotonicNs() - start;
    expect(passed).toBeGreaterThan(4_000_000);
    expect(passed).toBeLessThan(2_000_000_000);
    expect(Number.isSafeInteger(start)).toBe(true);
  });

  test("knows loopback and this process", () => {
    const libc = new Libc(openLibc());
    expect(libc.interfaceIndex("lo")).toBe(1);
    expect(libc.interfaceIndex("no-such-if")).toBe(0);
    expect([libc.interfaceName(1), libc.interfaceName(0x7fff_ffff)]).toEqual(["lo", undefined]);
    expect(libc.pid()).toBe(process.pid);
    expect(openLibc()).toBe(openLibc());
  });
});

test("openLibc() throws UnsupportedPlatformError off Linux, and only when called", () => {
  const symbols = JSON.stringify(`${import.meta.dir}/../../src/ffi/symbols.ts`);
  const program = `
    Object.defineProperty(process, "platform", { value: "darwin" });
    const { openLibc } = await import(${symbols});
    try { openLibc(); } catch (failure) { console.log(failure.name, failure.message); }`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", program]);
  expect(stdout.toString()).toBe(
    "UnsupportedPlatformError Cannot open sockets on darwin: only Linux is supported\n",
  );
});

describe("PollSet", () => {
  function setUp() {
    const clock = new FakeClock();
    const kernel = new FakeKernel(clock);
    const libc = new Libc(kernel);
    return { clock, kernel, libc, open: () => Socket.open(libc, RAW) };
  }

  test("is not interrupted by signals", async () => {
    const { clock, kernel, libc, open } = setUp();
    const set = new PollSet(libc);
    const socket = open();
    let calls = 0;
    set.add(socket.fd, () => {
      calls++;
      socket.receive(() => {});
    });
    socket.send({ data: REQUEST, destination: { address: "127.0.0.1" } });
    await clock.advance(1);
    kernel.failNext("poll", EINTR, 3);
    expect([set.dispatch(), calls, set.dispatch(), calls]).toEqual(["ready", 1, "idle", 1]);
  });

  test("does not call an entry that an earlier handler took out", async () => {
    const { clock, libc, open } = setUp();
    const set = new PollSet(libc);
    const called: string[] = [];
    const first = open();
    const second = open();
    set.add(first.fd, () => {
      called.push("first");
      set.remove(entry);
      set.remove(entry);
    });
    const entry = set.add(second.fd, () => called.push("second"));
    first.send({ data: REQUEST, destination: { address: "127.0.0.1" } });
    await clock.advance(1);
    set.dispatch();
    expect([called, set.size]).toEqual([["first"], 1]);
  });

  test("after a handler that stopped early, the others have the next turn", async () => {
    const { clock, libc, open } = setUp();
    const set = new PollSet(libc);
    const called: string[] = [];
    const sockets = [..."abcd"].map((name) => {
      const socket = open();
      const isFlooded = name === "b" || name === "d";
      set.add(socket.fd, () => {
        called.push(name);
        return isFlooded;
      });
      return socket;
    });
    // A raw socket gets everybody's replies.
    sockets[0]?.send({ data: REQUEST, destination: { address: "127.0.0.1" } });
    await clock.advance(1);
    const states = Array.from({ length: 4 }, () => {
      called.push("|");
      return set.dispatch();
    });
    expect(called.join("")).toBe("|ab|cd|ab|cd");
    expect(states).toEqual(["unfinished", "unfinished", "unfinished", "unfinished"]);
  });

  test("a timer reactor polls only while some watch is active", async () => {
    const { kernel, libc, open } = setUp();
    const reactor = openTimerReactor(libc);
    const watches = [open(), open()].map((socket) => reactor.watch(socket.fd, () => {}));
    const polls = async (): Promise<boolean> => {
      const before = kernel.calls.length;
      await Bun.sleep(15);
      return kernel.calls.slice(before).some(({ syscall }) => syscall === "poll");
    };
    expect(await polls()).toBe(false);
    for (const watch of watches) watch.setActive(true);
    expect(await polls()).toBe(true);
    watches[0]?.setActive(false);
    expect(await polls()).toBe(true);
    watches[1]?.close();
    expect(await polls()).toBe(false);
  });
});
