import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { ResolveError } from "../../src/errors.ts";
import { FakePath } from "../support/fake-path.ts";
import { SOCKET_KINDS } from "../support/fake-platform.ts";
import { scene } from "./support.ts";

describe("Sockets of a client", () => {
  for (const kind of SOCKET_KINDS) {
    test(`are shared by "auto" and those who insist on what it came to, ${kind.name}`, async () => {
      const { client, kernel, outcome } = scene({
        ...new FakePath({ delays: 1 }),
        allowRaw: kind.privileged,
      });
      await outcome(client.probe(kind.target));
      await outcome(client.probe(kind.target, { privileged: kind.privileged }));
      await outcome(client.probe(kind.target));
      expect(kernel.openDescriptors).toBe(kind.sockets);
    });
  }

  test("are opened raw by auto, even when a datagram one is open", async () => {
    const { client, kernel, outcome } = scene(new FakePath({ delays: 1 }));
    const datagram = await outcome(client.probe("198.51.100.1", { privileged: false }));
    const auto = await outcome(client.probe("198.51.100.1"));
    // A raw IPv4 client has one socket to receive and one to send.
    expect(kernel.openDescriptors).toBe(3);
    // Only raw IPv4 sockets show the header.
    expect(datagram.reply?.receivedPacket.ipHeader.ihl).toBeNull();
    expect(auto.reply?.receivedPacket.ipHeader.ihl).toBe(5);
  });
});

test("an IPv4 address in IPv6 form is refused with the one to use", async () => {
  const { client, failure } = scene();
  const error = await failure(client.probe("::ffff:192.0.2.1"));
  expect(error).toBeInstanceOf(ResolveError);
  expect((error as Error).message).toContain("use 192.0.2.1");
});

test("a refused send names what was asked for", async () => {
  const { client, kernel, outcome } = scene();
  kernel.failSendsTo("198.51.100.1", constants.errno.EINVAL);
  const options = { source: "192.0.2.10", interface: "eth0", mark: 3 };
  const result = await outcome(client.probe("198.51.100.1", options));
  expect(result).toMatchObject({ kind: "sendError", error: "EINVAL" });
  expect(result.kind === "sendError" && result.sendError.message).toEndWith(
    "with source 192.0.2.10, interface eth0, mark 3",
  );
});
