import { describe, expect, test } from "bun:test";
import { findPermission } from "../../tui/src/model/permission.ts";
import { expectClosed, type Scene, scene } from "../client/support.ts";
import { FakePath } from "../support/fake-path.ts";
import type { FakePlatformOptions } from "../support/fake-platform.ts";

describe("findPermission()", () => {
  test("raw sockets: nothing to say", async () => {
    const set = loopback({});
    expect(await set.outcome(findPermission(set.client))).toEqual({ state: "raw", message: "" });
    expect(set.kernel.sent.map(({ destination }) => destination)).toEqual(["127.0.0.1"]);
    await set.client.close();
    expectClosed(set);
  });

  test("datagram sockets only", async () => {
    const { client, outcome } = loopback({ allowRaw: false });
    const { state, message } = await outcome(findPermission(client));
    expect(state).toBe("datagram");
    expect(message).toContain("icmpx doctor");
  });

  test("neither: the narrowest remedies, exactly", async () => {
    const { client, outcome, kernel } = loopback({ allowRaw: false, allowDatagram: false });
    const { state, message } = await outcome(findPermission(client));
    expect(state).toBe("denied");
    const commands = message.split("\n").filter((line) => line.startsWith("  "));
    expect(commands).toEqual([
      '  sudo sysctl -w net.ipv4.ping_group_range="1000 1000"',
      expect.stringMatching(/^ {2}sudo install -g 1000 -m 750 \S+ \S+$/),
      "  sudo setcap cap_net_raw+ep /usr/local/bin/bun-icmp",
    ]);
    expect(kernel.openDescriptors).toBe(0);
  });

  test("a host without IPv4 is asked by IPv6", async () => {
    const { client, outcome, kernel } = loopback({ families: [6] });
    expect((await outcome(findPermission(client))).state).toBe("raw");
    expect(kernel.sent.map(({ destination }) => destination)).toEqual(["::1"]);
  });

  test("a host without any IP is told in words", async () => {
    const { client, outcome } = loopback({ families: [] });
    const { state, message } = await outcome(findPermission(client));
    expect(state).toBe("denied");
    expect(message).toContain("EAFNOSUPPORT");
  });

  test("no answer is no denial", async () => {
    const { client, outcome, nowMs } = loopback({ network: new FakePath(null).network });
    expect((await outcome(findPermission(client))).state).toBe("raw");
    expect(nowMs()).toBeLessThanOrEqual(150);
  });

  test("any other failure is told, and does not reject", async () => {
    const { client, outcome } = loopback({ maxDescriptors: 0 });
    const { state, message } = await outcome(findPermission(client));
    expect(state).toBe("denied");
    expect(message).toContain("EMFILE");
    await client.close();
    expect(await findPermission(client)).toEqual({
      state: "denied",
      message: "The client is closed",
    });
  });
});

function loopback(options: FakePlatformOptions): Scene {
  return scene({ network: new FakePath({ delays: 0.1 }).network, ...options });
}
