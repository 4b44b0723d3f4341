import { describe, expect, test } from "bun:test";
import { realpathSync } from "node:fs";
import {
  hasCapability,
  mountOptions,
  outerId,
  readProcessFacts,
  readRange,
} from "../../../src/client/transport/process-facts.ts";
import { describeIf, requires } from "../../support/requires.ts";

describe("what a process says about itself", () => {
  test("hasCapability() reads CAP_NET_RAW, bit 13", () => {
    const status = "Name:\tbun\nCapEff:\t0000000000002000\nCapBnd:\t000001ffffffdfff\n";
    expect(hasCapability(status, "CapEff")).toBe(true);
    expect(hasCapability(status, "CapBnd")).toBe(false);
    expect(hasCapability("", "CapEff")).toBeNull();
  });

  test("readRange() reads two numbers or nothing", () => {
    expect(readRange("1\t0\n")).toEqual([1, 0]);
    expect(readRange("0\t2147483647\n")).toEqual([0, 2_147_483_647]);
    for (const text of ["", "1", "a b"]) expect(readRange(text)).toBeNull();
  });

  test("outerId() follows the line that holds the number", () => {
    const map = "         0       1000          1\n         1     100000      65536\n";
    expect([0, 1, 65_536, 65_537].map((id) => outerId(map, id))).toEqual([
      1000,
      100_000,
      165_535,
      null,
    ]);
    expect(outerId("", 0)).toBeNull();
  });

  test("mountOptions() are those of the deepest mount, and of the latest on one place", () => {
    const mountinfo = [
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw",
      "23 22 0:5 / /proc rw,nosuid,nodev - proc proc rw",
      "24 23 0:5 /sys /proc/sys ro,nosuid - proc proc rw",
      "25 22 8:2 / /home\\040of\\040ann rw,nosuid - ext4 /dev/sdb rw",
      "26 22 8:3 / /usr rw - ext4 /dev/sdc rw",
      "27 26 8:4 / /usr ro - ext4 /dev/sdd rw",
    ].join("\n");
    const of = (path: string) => mountOptions(mountinfo, path).join();
    expect(of("/proc/sys/net/ipv4/ping_group_range")).toBe("ro,nosuid");
    expect(of("/proc/self")).toBe("rw,nosuid,nodev");
    expect(of("/home of ann/bun")).toBe("rw,nosuid");
    expect([of("/usr/bin/bun"), of("/usrlocal"), of("/")]).toEqual([
      "ro",
      "rw,relatime",
      "rw,relatime",
    ]);
    expect(mountOptions("", "/bun")).toEqual([]);
  });
});

describeIf(requires.linux(), "readProcessFacts()", () => {
  test("tells of this process", () => {
    const facts = readProcessFacts();
    expect(facts.executable).toBe(realpathSync(process.execPath));
    expect(facts.uid).toBe(process.getuid?.() ?? null);
    expect(facts.groups).toContain(process.getegid?.() ?? -1);
    expect(facts.pingGroupRange).toHaveLength(2);
    expect(facts.capNetRaw).toBeBoolean();
  });
});
