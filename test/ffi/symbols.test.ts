import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AF_INET, MSG_DONTWAIT, SOCK_DGRAM, SOCKADDR_IN } from "../../src/ffi/constants.ts";
import { MessageBatch } from "../../src/ffi/msghdr.ts";
import { decodeSocketAddress, encodeSocketAddress } from "../../src/ffi/sockaddr.ts";
import { cannotCall, openLibc } from "../../src/ffi/symbols.ts";
import { describeIf, requires } from "../support/requires.ts";

describeIf(requires.linux(), "openLibc()", () => {
  /** A UDP socket on 127.0.0.1, with its address as bytes. */
  function openUdp() {
    const libc = openLibc();
    const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
    const address = new Uint8Array(SOCKADDR_IN.size);
    encodeSocketAddress({ address: "127.0.0.1" }, new DataView(address.buffer), 0);
    expect(libc.bind(fd, address, address.length)).toBe(0);
    expect(libc.getsockname(fd, address, Uint32Array.of(address.length))).toBe(0);
    return { fd, address, [Symbol.dispose]: () => void libc.close(fd) };
  }

  test("loads once", () => {
    expect(openLibc()).toBe(openLibc());
  });

  test("binds sendto and recvfrom, which carry a datagram and its sender", () => {
    const libc = openLibc();
    using sender = openUdp();
    using receiver = openUdp();
    const data = Uint8Array.of(1, 2, 3);
    expect(
      libc.sendto(sender.fd, data, data.length, 0, receiver.address, receiver.address.length),
    ).toBe(3);
    const received = new Uint8Array(16);
    const from = new Uint8Array(SOCKADDR_IN.size);
    const fromLength = Uint32Array.of(from.length);
    expect(
      libc.recvfrom(receiver.fd, received, received.length, MSG_DONTWAIT, from, fromLength),
    ).toBe(3);
    expect([...received.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(from).toEqual(sender.address);
  });

  test("binds recvmsg, which fills what the msghdr points at", () => {
    const libc = openLibc();
    using sender = openUdp();
    using receiver = openUdp();
    libc.sendto(sender.fd, Uint8Array.of(7), 1, 0, receiver.address, receiver.address.length);
    const batch = new MessageBatch({ count: 1, controlLength: 64, dataLength: 64 });
    batch.resetForReceive(0);
    expect(libc.recvmsg(receiver.fd, batch.headers, MSG_DONTWAIT)).toBe(1);
    expect(batch.view.getUint8(batch.dataOffset(0))).toBe(7);
    const from = decodeSocketAddress(batch.view, batch.nameOffset(0), SOCKADDR_IN.size);
    expect(from).toEqual(
      decodeSocketAddress(new DataView(sender.address.buffer), 0, SOCKADDR_IN.size),
    );
  });

  test("tells why a call failed, right after it", () => {
    const libc = openLibc();
    expect(libc.close(-1)).toBe(-1);
    expect(libc.errno()).toBe(9); // EBADF
  });
});

describe("openLibc() elsewhere", () => {
  test("refuses platforms other than Linux", async () => {
    const script = `
      Object.defineProperty(process, "platform", { value: "darwin" });
      const { openLibc } = await import(${JSON.stringify(`${import.meta.dir}/../../src/ffi/symbols.ts`)});
      try { openLibc(); } catch (error) { console.log(error.name, error.message); }`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    expect(await child.stdout.text()).toBe(
      "UnsupportedPlatformError Cannot open sockets on darwin: only Linux is supported\n",
    );
  });
});

describeIf(
  requires.all(requires.linux(), requires.command("cc")),
  "openLibc() beside planted libraries",
  () => {
    const NAMES = [
      "libc.so.6",
      "libc.so",
      "libc.musl-x86_64.so.1",
      "libc.musl-aarch64.so.1",
      "libc",
    ];
    const PROGRAM = `
    const { openLibc } = await import(${JSON.stringify(`${import.meta.dir}/../../src/ffi/symbols.ts`)});
    try { console.log(openLibc().getpid() === process.pid); } catch (error) { console.log(error.name, error.message); }`;

    test.each([
      ["with the JIT", {}, /^true\n$/],
      [
        "without it, which is the reason that is told",
        { BUN_JSC_useJIT: "0" },
        /^UnsupportedPlatformError Cannot call the C library: bun:ffi requires the JIT\. It is off by BUN_JSC_useJIT=0/,
      ],
    ])("loads none of them %s", (_, env, expected) => {
      const folder = mkdtempSync(join(tmpdir(), "icmpx-planted-"));
      try {
        const marker = join(folder, "planted");
        writeFileSync(
          join(folder, "planted.c"),
          `#include <fcntl.h>\n__attribute__((constructor)) static void run(void) { open("${marker}", O_CREAT | O_WRONLY, 0600); }`,
        );
        const library = join(folder, "planted.so");
        expect(
          Bun.spawnSync(["cc", "-shared", "-fPIC", "-o", library, join(folder, "planted.c")])
            .success,
        ).toBe(true);
        for (const name of NAMES) copyFileSync(library, join(folder, name));
        const { stdout } = Bun.spawnSync([process.execPath, "-e", PROGRAM], {
          cwd: folder,
          env: { ...process.env, ...env },
        });
        expect(stdout.toString()).toMatch(expected);
        expect(existsSync(marker)).toBe(false);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);

test("cannotCall() has Bun's reason, and the remedy where the JIT is off", () => {
  const failure = new Error("bun:ffi requires the JIT");
  const { message, cause } = cannotCall(failure);
  expect(message).toStartWith("Cannot call the C library: bun:ffi requires the JIT. It is off by");
  expect(cause).toBe(failure);
  expect(cannotCall("no such symbol").message).toBe("Cannot call the C library: no such symbol");
});
