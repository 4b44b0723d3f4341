import { describe, expect, test } from "bun:test";
import { Client } from "../../../src/client/client.ts";
import { diagnosePermission, permissionError } from "../../../src/client/transport/permission.ts";
import type { ProcessFacts } from "../../../src/client/transport/process-facts.ts";
import type { FakeKernelOptions } from "../../support/fake-libc.ts";
import { fakePlatform, ORDINARY_USER } from "../../support/fake-platform.ts";

const NOTHING: FakeKernelOptions = { allowRaw: false, allowDatagram: false };
const { executable } = ORDINARY_USER;
const SYSCTL = 'sudo sysctl -w net.ipv4.ping_group_range="1000 1000"';
const COPY = `sudo install -g 1000 -m 750 ${executable} /usr/local/bin/bun-icmp\nsudo setcap cap_net_raw+ep /usr/local/bin/bun-icmp`;
const SETCAP = `sudo setcap cap_net_raw+ep ${executable}`;
const UNIT = "[Service]\nAmbientCapabilities=CAP_NET_RAW";
const DOCKER = "docker run --cap-add NET_RAW --user 0 ...";
const POD = "containers:\n  - securityContext: { runAsUser: 0, capabilities: { add: [NET_RAW] } }";
const POD_SYSCTL =
  'spec:\n  securityContext:\n    sysctls: [{ name: net.ipv4.ping_group_range, value: "1000 1000" }]';

function diagnose(facts: Partial<ProcessFacts>, kernelOptions = NOTHING) {
  const { platform, kernel } = fakePlatform(kernelOptions);
  const processFacts = () => ({ ...ORDINARY_USER, ...facts });
  const diagnosis = diagnosePermission({ libc: platform.libc, processFacts });
  expect([kernel.openDescriptors, kernel.sent]).toEqual([0, []]);
  return diagnosis;
}

describe("diagnosePermission()", () => {
  test.each<readonly [string, Partial<ProcessFacts>, readonly string[], RegExp | null]>([
    ["an ordinary user", {}, [SYSCTL, COPY, SETCAP], null],
    ["under systemd", { hasSystemd: true }, [SYSCTL, COPY, UNIT, SETCAP], null],
    [
      "root without the capability, who needs no sudo",
      { uid: 0, groups: [0] },
      [SYSCTL, COPY, SETCAP].map((each) => each.replaceAll("sudo ", "").replaceAll("1000", "0")),
      null,
    ],
    ["no_new_privs", { noNewPrivileges: true }, [SYSCTL], /no_new_privs/],
    [
      "a bounding set without the capability",
      { mayGainCapNetRaw: false },
      [SYSCTL, DOCKER, POD],
      /bounding set/,
    ],
    [
      "that in a service of systemd",
      { mayGainCapNetRaw: false, hasSystemd: true },
      [SYSCTL, `${UNIT}\nCapabilityBoundingSet=CAP_NET_RAW`, DOCKER, POD],
      /bounding set/,
    ],
    [
      "a container, where sysctls are read-only",
      { isSysctlReadOnly: true },
      ['docker run --sysctl net.ipv4.ping_group_range="1000 1000" ...', POD_SYSCTL, COPY, SETCAP],
      null,
    ],
    [
      "one of Kubernetes without the capability, as root",
      { isSysctlReadOnly: true, hasKubernetes: true, mayGainCapNetRaw: false, uid: 0 },
      [POD_SYSCTL, POD.replace("runAsUser: 0, ", "")],
      /bounding set/,
    ],
    [
      "the network of another user namespace, where groups have other numbers",
      { hasUserNamespace: true, isNetworkForeign: true, uid: 0, groups: [0], outerGroup: 1000 },
      [SYSCTL],
      /user namespace/,
    ],
    [
      "root's user namespace, whose capability is good for nothing",
      { hasUserNamespace: true, capNetRaw: true, uid: 0, groups: [0], outerGroup: 1000 },
      [SYSCTL],
      /user namespace/,
    ],
    [
      "a user namespace without a number for the group outside",
      { hasUserNamespace: true, isNetworkForeign: true, outerGroup: null },
      [],
      /user namespace/,
    ],
    [
      "something else that forbids raw sockets, and a group within the range",
      { capNetRaw: true, pingGroupRange: [0, 5000] },
      [],
      /seccomp/,
    ],
    [
      "a range that others are in, and must stay in",
      { pingGroupRange: [2000, 3000] },
      [SYSCTL.replace("1000 1000", "1000 3000"), COPY, SETCAP],
      null,
    ],
    ["no such range at all", { pingGroupRange: null }, [COPY, SETCAP], null],
    ["a Bun on a file system with nosuid", { executableMayGrant: false }, [SYSCTL, COPY], null],
    ["nosuid where a copy would go", { copyMayGrant: false }, [SYSCTL, SETCAP], null],
  ])("%s", (_, facts, commands, obstacle) => {
    const diagnosis = diagnose(facts);
    expect(diagnosis.remedies.map(({ command }) => command)).toEqual([...commands]);
    if (obstacle === null) expect(diagnosis.obstacle).toBeNull();
    else expect(diagnosis.obstacle).toMatch(obstacle);
  });

  test("has remedies for what is denied only, and tells what else is the matter", () => {
    expect(diagnose({}, {})).toMatchObject({ obstacle: null, remedies: [] });
    expect(diagnose({}, { allowRaw: false }).remedies.map(({ opens }) => opens)).toEqual([
      "raw",
      "raw",
    ]);
    expect(diagnose({}, { allowDatagram: false }).remedies.map(({ opens }) => opens)).toEqual([
      "datagram",
    ]);
    expect(diagnose({}, { families: [6] }).sockets).toEqual([
      { kind: "raw", family: 4, state: "unavailable", code: "EAFNOSUPPORT" },
      { kind: "raw", family: 6, state: "open", code: null },
      { kind: "datagram", family: 4, state: "unavailable", code: "EAFNOSUPPORT" },
      { kind: "datagram", family: 6, state: "open", code: null },
    ]);
  });

  test("is what a client gives", () => {
    const { platform } = fakePlatform(NOTHING);
    using client = new Client({}, platform);
    expect(client.diagnosePermission()).toEqual(diagnose({}));
  });
});

describe("permissionError()", () => {
  test("has two remedies in its message, and all of them as data", () => {
    const diagnosis = diagnose({ hasSystemd: true });
    const { message, remedies } = permissionError(diagnosis, "auto", undefined);
    expect(message.split("\n").filter((line) => line.startsWith("  "))).toEqual(
      [SYSCTL, ...COPY.split("\n")].map((line) => `  ${line}`),
    );
    expect(message).toEndWith("\nor see `icmpx doctor` for 2 more");
    expect(remedies).toEqual(diagnosis.remedies);
  });

  test("says so when nothing can be done from what this process can see", () => {
    const diagnosis = diagnose({ capNetRaw: true, pingGroupRange: [0, 5000] });
    expect(permissionError(diagnosis, "auto", undefined).message).toBe(
      "Cannot open an ICMP socket: permission denied (CAP_NET_RAW is effective, but a seccomp filter or a security module forbids raw sockets)\nNothing that this process can see would change that",
    );
  });

  test("offers the kind that opens instead", () => {
    const diagnosis = diagnose({ noNewPrivileges: true }, { allowRaw: false });
    expect(permissionError(diagnosis, true, undefined).message).toEndWith(
      '\nLeave out "privileged: true"',
    );
  });
});
