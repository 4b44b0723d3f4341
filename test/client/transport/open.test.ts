import { describe, expect, test } from "bun:test";
import { realpathSync } from "node:fs";
import { constants } from "node:os";
import { Client } from "../../../src/client/client.ts";
import { openTransport, type Privileged } from "../../../src/client/transport/open.ts";
import { RawSocketPermissionError, SystemError } from "../../../src/errors.ts";
import { SO_RCVBUF, SO_RCVBUFFORCE, SOL_SOCKET } from "../../../src/ffi/constants.ts";
import type { LibcSymbols } from "../../../src/ffi/symbols.ts";
import type { FakeKernelOptions } from "../../support/fake-libc.ts";
import { type FakePlatform, fakePlatform, SOCKET_KINDS } from "../../support/fake-platform.ts";

const { EACCES, EAFNOSUPPORT, EMFILE, ENOBUFS, ENOMEM } = constants.errno;

const BUN = realpathSync(process.execPath);
const SETCAP = `  sudo setcap cap_net_raw+ep ${BUN}`;
const COPY = `  sudo install -g 1000 -m 750 ${BUN} /usr/local/bin/bun-icmp\n  sudo setcap cap_net_raw+ep /usr/local/bin/bun-icmp`;
const SYSCTL = '  sudo sysctl -w net.ipv4.ping_group_range="1000 1000"';

function opening(privileged: Privileged, options: FakeKernelOptions = {}, family: 4 | 6 = 4) {
  const fake = fakePlatform(options);
  const open = () => openTransport(fake.platform, { family, privileged, identifier: 0x1234 });
  return { ...fake, open };
}

/** What `open` throws. */
function thrown(open: () => unknown): unknown {
  try {
    open();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown");
}

function expectNothingOpen({ kernel }: Pick<FakePlatform, "kernel">): void {
  expect(kernel.openDescriptors).toBe(0);
  expect(kernel.reactor.watched).toBe(0);
}

describe.each([4, 6] as const)("openTransport() of IPv%d", (family) => {
  test.each([
    { privileged: "auto", where: "both are allowed", allowed: {}, kind: "raw" },
    {
      privileged: "auto",
      where: "only datagram is",
      allowed: { allowRaw: false },
      kind: "datagram",
    },
    { privileged: "auto", where: "only raw is", allowed: { allowDatagram: false }, kind: "raw" },
    { privileged: true, where: "both are allowed", allowed: {}, kind: "raw" },
    { privileged: true, where: "only raw is", allowed: { allowDatagram: false }, kind: "raw" },
    { privileged: false, where: "both are allowed", allowed: {}, kind: "datagram" },
    {
      privileged: false,
      where: "only datagram is",
      allowed: { allowRaw: false },
      kind: "datagram",
    },
  ] as const)("with privileged $privileged, where $where, opens a $kind socket", (row) => {
    const { privileged, allowed, kind } = row;
    const isRaw = kind === "raw";
    const { open, kernel } = opening(privileged, allowed, family);
    const transport = open();
    expect(transport.privileged).toBe(isRaw);
    expect(transport.family).toBe(family);
    // Raw IPv4 probes leave by a socket of their own.
    expect(kernel.openDescriptors).toBe(isRaw && family === 4 ? 2 : 1);
    const fd = kernel.calls.findLast(({ syscall }) => syscall === "socket")?.result ?? -1;
    const socket = kernel.socketOf(fd);
    expect(socket?.raw).toBe(isRaw);
    expect(transport.identifier).toBe(isRaw ? 0x1234 : (socket?.port ?? -1));
    transport.close();
    expectNothingOpen({ kernel });
  });

  const refusals: {
    readonly privileged: Privileged;
    readonly allowed: FakeKernelOptions;
    readonly code: string;
    readonly names: readonly string[];
    readonly leavesOut: string;
  }[] = [
    {
      privileged: "auto",
      allowed: { allowRaw: false, allowDatagram: false },
      code: "EACCES",
      names: [SYSCTL, COPY, "icmpx doctor"],
      leavesOut: "leave out",
    },
    {
      privileged: true,
      allowed: { allowRaw: false },
      code: "EPERM",
      names: [COPY, SETCAP, "CAP_NET_RAW", '"privileged: true"'],
      leavesOut: SYSCTL,
    },
    {
      privileged: false,
      allowed: { allowDatagram: false },
      code: "EACCES",
      names: [SYSCTL, '"privileged: false"'],
      leavesOut: SETCAP,
    },
  ];
  test.each(refusals)(
    "with privileged $privileged, where that is not allowed, names the remedies",
    (row) => {
      const { open, kernel } = opening(row.privileged, row.allowed, family);
      const error = thrown(open);
      expect(error).toBeInstanceOf(RawSocketPermissionError);
      expect(error).toMatchObject({ code: row.code, syscall: "socket", cause: { code: row.code } });
      const { message } = error as Error;
      for (const text of row.names) expect(message).toContain(text);
      expect(message).not.toContain(row.leavesOut);
      expectNothingOpen({ kernel });
    },
  );

  test.each([
    ["EMFILE", EMFILE],
    ["ENOBUFS", ENOBUFS],
    ["ENOMEM", ENOMEM],
  ])("lets %s through, and does not fall back", (code, errno) => {
    const { open, kernel } = opening("auto", {}, family);
    kernel.failNext("socket", errno);
    const error = thrown(open);
    expect(error).toBeInstanceOf(SystemError);
    expect(error).not.toBeInstanceOf(RawSocketPermissionError);
    expect(error).toMatchObject({ code, errno, syscall: "socket" });
    expect(kernel.calls.filter(({ syscall }) => syscall === "socket").length).toBe(1);
    expectNothingOpen({ kernel });
  });

  test("says so when the kernel lacks the family", () => {
    const { open, kernel } = opening("auto", { families: family === 4 ? [6] : [4] }, family);
    expect(thrown(open)).toMatchObject({ code: "EAFNOSUPPORT", errno: EAFNOSUPPORT });
    expectNothingOpen({ kernel });
  });
});

describe.each(SOCKET_KINDS)("Opening a $name socket", (kind) => {
  const required: (keyof LibcSymbols)[] = ["bind", "getsockname"];

  /**
   * Opens with the call number `failing` of `syscall` failing; tells whether there was such a call,
   * and what was thrown.
   */
  function openFailing(syscall: keyof LibcSymbols, failing: number) {
    const { open, kernel } = opening(kind.privileged, {}, kind.family);
    kernel.failNext(syscall, 0, failing);
    kernel.failNext(syscall, ENOMEM);
    let error: unknown;
    try {
      open().close();
    } catch (failure) {
      error = failure;
    }
    const calls = kernel.calls.filter((call) => call.syscall === syscall);
    expectNothingOpen({ kernel });
    return { wasCalled: calls.length > failing, error };
  }

  test.each(required)("leaks no descriptor, whichever %s fails", (syscall) => {
    let failing = 0;
    let thrownErrors = 0;
    for (; ; failing++) {
      const { wasCalled, error } = openFailing(syscall, failing);
      if (!wasCalled) break;
      if (error === undefined) continue;
      thrownErrors += 1;
      expect(error).toBeInstanceOf(SystemError);
      expect(error).toMatchObject({ code: "ENOMEM", syscall });
    }
    // Raw IPv4 probes can leave by the socket that receives.
    const isOptional = kind.privileged && kind.family === 4 && syscall === "bind";
    expect(failing > 0).toBe(!kind.privileged || isOptional);
    expect(thrownErrors).toBe(isOptional ? 0 : failing);
    expect(failing).toBeLessThan(20);
  });

  test("opens, whichever option is refused", () => {
    let failing = 0;
    for (; ; failing++) {
      const { wasCalled, error } = openFailing("setsockopt", failing);
      if (!wasCalled) break;
      expect(error).toBeUndefined();
    }
    expect(failing).toBeGreaterThan(4);
  });

  test("does without the option that only newer kernels or the privileged have", () => {
    const { open, kernel } = opening(kind.privileged, {}, kind.family);
    const transport = open();
    const names = kernel.calls
      .filter(({ syscall, args }) => syscall === "setsockopt" && args[1] === SOL_SOCKET)
      .map(({ args }) => args[2]);
    expect(names).toContain(SO_RCVBUFFORCE);
    expect(names).not.toContain(SO_RCVBUF);
    transport.close();

    const unprivileged = opening(false, { allowRaw: false }, kind.family);
    unprivileged.open();
    const succeeded = unprivileged.kernel.calls
      .filter(({ syscall, result }) => syscall === "setsockopt" && result === 0)
      .map(({ args }) => args[2]);
    expect(succeeded).toContain(SO_RCVBUF);
    expect(succeeded).not.toContain(SO_RCVBUFFORCE);
  });

  test("fails at once through the Client, and works once it is allowed", async () => {
    const { platform, kernel, clock } = fakePlatform({ maxDescriptors: 1 });
    using holder = new Client({ privileged: kind.privileged, timeout: 10 }, platform);
    await clock.runUntil(holder.probe(kind.target));
    using client = new Client({ privileged: kind.privileged, timeout: 10 }, platform);
    const failed = client.probe(kind.target);
    const error = await clock.runUntil(
      failed.then(
        () => undefined,
        (reason: unknown) => reason,
      ),
    );
    expect(error).toMatchObject({ name: "SystemError", code: "EMFILE" });
    holder.close();
    expect(kernel.openDescriptors).toBe(0);
    expect((await clock.runUntil(client.probe(kind.target))).error).toBe("timeout");
  });
});

describe("RawSocketPermissionError", () => {
  test("comes from every method of a Client, and leaves nothing open", async () => {
    const { platform, kernel, clock } = fakePlatform({ allowRaw: false, allowDatagram: false });
    using client = new Client({}, platform);
    const runs = [
      client.probe("192.0.2.1"),
      client.ping("192.0.2.1"),
      client.traceroute("2001:db8::1"),
      client.mtr("192.0.2.1", { count: 1 }),
      client.multiping(["192.0.2.1", "2001:db8::1"]),
    ];
    for (const run of runs) {
      const error = await clock.runUntil(
        run.then(
          () => undefined,
          (reason: unknown) => reason,
        ),
      );
      expect(error).toBeInstanceOf(RawSocketPermissionError);
      expect(error).toMatchObject({ errno: EACCES });
    }
    expectNothingOpen({ kernel });
    expect(clock.pending).toBe(0);
  });
});
