import { describe, expect, test } from "bun:test";
import { type InterfaceWishes, interfaceOfRoute } from "../../../src/client/run/route-interface.ts";
import { fakePlatform } from "../../support/fake-platform.ts";

const INTERFACES = { lo: 1, eth0: 2, wlan0: 3 };
const OTHER = 'Cannot probe "host": it is on interface';

function interfaceOf(wishes: Partial<InterfaceWishes>): string | number | undefined {
  const { platform } = fakePlatform({ interfaces: INTERFACES });
  const { address = "192.0.2.1" } = wishes;
  return interfaceOfRoute(platform.libc, {
    host: "host",
    address,
    source: undefined,
    interface: undefined,
    ...wishes,
  });
}

describe("interfaceOfRoute()", () => {
  test.each([
    [{}, undefined],
    [{ interface: "eth0" }, "eth0"],
    [{ interface: 3 }, 3],
    [{ address: "fe80::1%eth0" }, "eth0"],
    [{ address: "127.0.0.5", interface: "lo" }, "lo"],
    [{ address: "192.0.2.10", interface: "lo" }, "lo"],
    [{ address: "2001:db8::10", interface: 1 }, 1],
    [{ address: "fe80::1%2" }, "2"],
    [{ address: "fe80::1", interface: "eth0" }, "eth0"],
    [{ address: "ff02::1", interface: "eth0" }, "eth0"],
    [{ address: "ff05::1" }, undefined],
    [{ address: "fe80::1", source: "fe80::2%eth0" }, "eth0"],
    [{ address: "fe80::1%eth0", source: "fe80::2" }, "eth0"],
    [{ address: "fe80::1%eth0", source: "fe80::2%2", interface: 2 }, "eth0"],
    [{ address: "2001:db8::1", source: "fe80::2%eth0" }, "eth0"],
    [{ address: "2001:db8::1", source: "2001:db8::2" }, undefined],
  ])("of %o is %p", (wishes, expected) => {
    expect(interfaceOf(wishes)).toBe(expected as never);
  });

  test.each([
    [
      { address: "fe80::1%eth0", interface: "wlan0" },
      `${OTHER} eth0, and probes are to leave by wlan0`,
    ],
    [
      { address: "fe80::1%eth0", source: "fe80::2%wlan0" },
      `${OTHER} eth0, and probes are to leave by wlan0`,
    ],
    [
      { address: "fe80::1", source: "fe80::2%wlan0", interface: 2 },
      `${OTHER} 2, and probes are to leave by wlan0`,
    ],
    [{ interface: "lo" }, 'Cannot probe "host": interface lo leads to addresses of this host only'],
    [
      { address: "2001:db8::1", interface: 1 },
      'Cannot probe "host": interface 1 leads to addresses',
    ],
    [{ address: "fe80::1%eth9" }, 'Cannot probe "host": this host has no interface "eth9"'],
    [{ interface: "eth9" }, 'Option "interface" is "eth9": this host has no such interface'],
    [
      { source: "fe80::2%eth9" },
      'Option "source" is "fe80::2%eth9": this host has no interface "eth9"',
    ],
    [
      { address: "2001:db8::1", source: "fe80::2" },
      'Option "source" is fe80::2: a link-local address needs its interface, as in fe80::2%eth0',
    ],
    [
      { address: "fe80::1" },
      'Cannot probe "host": every interface may have such a link-local address: add its interface, as in fe80::1%eth0, or set the option "interface"',
    ],
    [
      { address: "ff02::1" },
      'Cannot probe "host": every interface may have such a link-local address: add its interface, as in ff02::1%eth0, or set the option "interface"',
    ],
  ])("refuses %o", (wishes, message) => {
    expect(() => interfaceOf(wishes)).toThrow(message);
  });
});
