import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { RawSocketPermissionError, SystemError } from "../../src/errors.ts";
import {
  AF_INET,
  IPPROTO_ICMP,
  SO_RXQ_OVFL,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import { Libc } from "../../src/ffi/libc.ts";
import { type IncomingMessage, type OutgoingMessage, Socket } from "../../src/ffi/socket.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeKernel, type FakeKernelOptions } from "../support/fake-libc.ts";

const { EAGAIN, EHOSTUNREACH, EINTR, EIO, EMFILE, ENOBUFS } = constants.errno;
const ECHO = Uint8Array.of(8, 0, 0xe5, 0xc9, 0x12, 0x34, 0, 2);
const MESSAGE: OutgoingMessage = { data: ECHO, destination: { address: "127.0.0.1" } };
const RAW = { domain: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP };

function setUp(options: FakeKernelOptions = {}) {
  const clock = new FakeClock();
  const kernel = new FakeKernel(clock, options);
  const libc = new Libc(kernel);
  return { clock, kernel, libc, socket: Socket.open(libc, RAW) };
}

describe("Socket.open()", () => {
  test.each([
    ["EPERM", { allowRaw: false }, SOCK_RAW],
    ["EACCES", { allowDatagram: false }, SOCK_DGRAM],
    ["EAFNOSUPPORT", { families: [6] as const }, SOCK_RAW],
    ["EMFILE", { maxDescriptors: 0 }, SOCK_RAW],
  ])("throws %s and leaves nothing open", (code, options, type) => {
    const kernel = new FakeKernel(new FakeClock(), options);
    const attempt = (): unknown => Socket.open(new Libc(kernel), { ...RAW, type });
    expect(attempt).toThrow(SystemError);
    expect(attempt).not.toThrow(RawSocketPermissionError);
    expect(attempt).toThrow(
      expect.objectContaining({ code, syscall: "socket", address: undefined }),
    );
    expect(kernel.openDescriptors).toBe(0);
  });

  test("asks for a non-blocking descriptor that children do not inherit", () => {
    const { kernel } = setUp();
    expect(kernel.calls.find(({ syscall }) => syscall === "socket")?.args).toEqual([
      2,
      3 | 0x800 | 0x80000,
      1,
    ]);
  });
});

describe("Socket.send()", () => {
  test("is not interrupted by signals", () => {
    const { kernel, socket } = setUp();
    kernel.failNext("sendmsg", EINTR, 20);
    expect(socket.send(MESSAGE)).toBe("sent");
    expect(kernel.sent.length).toBe(1);
  });

  test.each([
    ["EAGAIN", EAGAIN],
    ["ENOBUFS", ENOBUFS],
  ] as const)("says that there is no room for %s", (_name, errno) => {
    const { kernel, socket } = setUp();
    kernel.failNext("sendmsg", errno);
    kernel.failNext("sendmmsg", errno);
    expect(socket.send(MESSAGE)).toBe(errno === EAGAIN ? "full" : "busy");
    expect(socket.sendBatch([MESSAGE])).toBe(0);
    expect(kernel.sent.length).toBe(0);
    expect(socket.send(MESSAGE)).toBe("sent");
  });

  test("does not take the errors of 31 earlier datagrams for its own", () => {
    const { kernel, socket } = setUp();
    kernel.failNext("sendmsg", EHOSTUNREACH, 31);
    expect(socket.send(MESSAGE)).toBe("sent");
    kernel.failNext("sendmsg", EHOSTUNREACH, 32);
    expect(() => socket.send(MESSAGE)).toThrow("EHOSTUNREACH");
  });

  test("throws a failure that repeats, with its address", () => {
    const { kernel, socket } = setUp();
    kernel.failSendsTo("10.0.0.1", EHOSTUNREACH);
    const attempt = (): unknown =>
      socket.send({ ...MESSAGE, destination: { address: "10.0.0.1" } });
    expect(attempt).toThrow(/^sendmsg\(\) to 10\.0\.0\.1 failed: EHOSTUNREACH \(.+\)$/);
    expect(attempt).toThrow(
      expect.objectContaining({
        errno: EHOSTUNREACH,
        code: "EHOSTUNREACH",
        syscall: "sendmsg",
        address: "10.0.0.1",
      }),
    );
  });
});

describe("Socket.sendBatch()", () => {
  test("stops before a message that fails, and throws when that one comes first", () => {
    const { kernel, socket } = setUp();
    kernel.failSendsTo("10.0.0.1", EHOSTUNREACH);
    const bad = { ...MESSAGE, destination: { address: "10.0.0.1" } };
    expect(socket.sendBatch([MESSAGE, MESSAGE, bad, MESSAGE])).toBe(2);
    expect(() => socket.sendBatch([bad, MESSAGE])).toThrow(
      expect.objectContaining({ address: "10.0.0.1", syscall: "sendmmsg" }),
    );
    expect(kernel.sent.length).toBe(2);
  });

  test("counts what left when a later system call fails", () => {
    const { kernel, socket } = setUp();
    const messages = Array.from({ length: 300 }, () => MESSAGE);
    const bad = { ...MESSAGE, destination: { address: "10.0.0.1" } };
    kernel.failSendsTo("10.0.0.1", EHOSTUNREACH);
    expect(socket.sendBatch([...messages.slice(0, 256), bad])).toBe(256);
    expect(
      socket.sendBatch([...messages, { ...MESSAGE, destination: { address: "nowhere" } }]),
    ).toBe(300);
    expect(socket.sendBatch([])).toBe(0);
  });
});

describe("Socket.receive()", () => {
  async function arrived() {
    const setup = setUp();
    setup.socket.send(MESSAGE);
    await setup.clock.advance(5);
    return setup;
  }

  test("is not interrupted by signals", async () => {
    const { kernel, socket } = await arrived();
    kernel.failNext("recvmmsg", EINTR, 20);
    expect(socket.receive(() => {})).toBe(2);
  });

  test("skips pending errors, but not for ever", async () => {
    const { kernel, socket } = await arrived();
    kernel.failNext("recvmmsg", EHOSTUNREACH, 5);
    expect(socket.receive(() => {})).toBe(2);
    kernel.failNext("recvmmsg", EIO, 17);
    expect(() => socket.receive(() => {})).toThrow("recvmmsg() failed: EIO");
    kernel.refuseCall("recvmmsg", EHOSTUNREACH);
    expect(() => socket.receive(() => {})).toThrow("recvmmsg() failed: EHOSTUNREACH");
  });

  test("goes on after a flood of ICMP errors, which it does not wait for the end of", async () => {
    const { kernel, socket } = await arrived();
    kernel.refuseCall("recvmmsg", EHOSTUNREACH);
    const before = kernel.calls.length;
    for (let read = 0; read < 100; read++)
      expect(
        socket.receive(
          () => {},
          10,
          () => true,
        ),
      ).toBe(0);
    expect(kernel.calls.length - before).toBeLessThanOrEqual(100 * 64);
    kernel.refuseCall("recvmmsg", 0);
    expect(socket.receive(() => {})).toBe(2);
  });

  test("stops when a handler closes the socket", async () => {
    const { socket } = await arrived();
    const seen: number[] = [];
    socket.receive(() => {
      seen.push(socket.fd);
      socket.close();
    });
    expect(seen[0]).toBeGreaterThan(0);
    expect(socket.closed).toBe(true);
  });

  test("reports how many datagrams the socket dropped", async () => {
    const { clock, socket } = setUp({ queueLimit: 4 });
    socket.setOption(SOL_SOCKET, SO_RXQ_OVFL, 1);
    for (let count = 0; count < 5; count++) socket.send(MESSAGE);
    await clock.advance(5);
    expect(socket.receive(() => {})).toBe(4);
    socket.send(MESSAGE);
    await clock.advance(5);
    const counts: IncomingMessage["overflow"][] = [];
    socket.receive(({ overflow }) => counts.push(overflow));
    expect(counts).toEqual([6, 6]);
  });
});

test("an errno without a name is given as its number", () => {
  const { kernel, socket } = setUp();
  kernel.failNext("setsockopt", 9999);
  expect(() => socket.setOption(SOL_SOCKET, SO_RXQ_OVFL, 1)).toThrow("setsockopt() failed: E9999");
  kernel.failNext("getsockopt", EMFILE);
  expect(() => socket.getOption(SOL_SOCKET, SO_RXQ_OVFL)).toThrow(
    "getsockopt() failed: EMFILE (too many open files)",
  );
});
