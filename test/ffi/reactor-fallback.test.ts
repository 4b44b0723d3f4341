import { expect, test } from "bun:test";
import { constants } from "node:os";
import { SystemError } from "../../src/errors.ts";
import { Libc } from "../../src/ffi/libc.ts";
import { PollSet } from "../../src/ffi/poll-set.ts";
import { withFallback } from "../../src/ffi/reactor.ts";
import type { Reactor } from "../../src/ffi/watch.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeKernel } from "../support/fake-libc.ts";

const REFUSAL = new SystemError("fcntl() failed: EINVAL (invalid argument)", {
  errno: constants.errno.EINVAL,
  code: "EINVAL",
  syscall: "fcntl",
});

function reactor(watched: number[], error?: Error): Reactor {
  return {
    watch: (fd) => {
      if (error !== undefined) throw error;
      watched.push(fd);
      return { setActive: () => {}, renew: () => {}, close: () => {} };
    },
  };
}

test("what signals cannot announce is watched by a timer, which says why", () => {
  const bySignal: number[] = [];
  const byTimer: number[] = [];
  const usual = withFallback(reactor(bySignal), reactor(byTimer)).watch(3, () => {});
  const other = withFallback(reactor(bySignal, REFUSAL), reactor(byTimer)).watch(4, () => {});
  expect([bySignal, byTimer]).toEqual([[3], [4]]);
  expect([usual.refusal, other.refusal]).toEqual([undefined, REFUSAL]);
  const wrong = withFallback(reactor([], new TypeError("a mistake")), reactor(byTimer));
  expect(() => wrong.watch(5, () => {})).toThrow(TypeError);
});

test.each(["ENOSYS", "ENOMEM", "EINVAL"] as const)(
  "where poll() fails with %s, every socket is read",
  (code) => {
    const kernel = new FakeKernel(new FakeClock());
    const set = new PollSet(new Libc(kernel));
    const called: number[] = [];
    for (const fd of [100, 101]) set.add(fd, () => called.push(fd));
    kernel.refuseCall("poll", constants.errno[code]);
    // Nothing is known to be left unread, or reading would be repeated without end.
    expect(set.dispatch()).toBe("idle");
    expect(called).toEqual([100, 101]);
  },
);
