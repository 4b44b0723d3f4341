import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, realpathSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Diagnosis } from "../../src/cli/diagnosis.ts";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace } from "../lab/namespaces.ts";
import { describeIf, requires } from "../support/requires.ts";
import { type CliOutcome, ENTRY } from "./fake-environment.ts";

setDefaultTimeout(60_000);

const GROUP = 61_000;
const USER = ["setpriv", "--reuid=61001", `--regid=${GROUP}`, "--clear-groups"];
const OTHER = ["setpriv", "--reuid=61002", "--regid=61003", "--clear-groups"];
const AMBIENT = ["--inh-caps=+net_raw", "--ambient-caps=+net_raw"];
const PING = ["ping", "-c", "1", "127.0.0.1"];
const BUN = realpathSync(process.execPath);
const COPY = "/usr/local/bin/bun-icmp";
const SYSCTL = `sudo sysctl -w net.ipv4.ping_group_range="${GROUP} ${GROUP}"`;

// Every state is made for real, and every remedy that is offered in it is carried out.
describeIf(requires.all(requiresLab("setcap", "unshare"), requires.nobody()), "remedies", () => {
  const lab = new Lab();
  let host: Namespace;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "icmpx-remedies-"));
    chmodSync(folder, 0o755);
    host = lab.add("host", { pingGroups: false });
    await lab.build();
  });
  beforeEach(() => host.exec("sysctl", "-q", "-w", "net.ipv4.ping_group_range=1 0"));
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const run = async (command: readonly string[]): Promise<CliOutcome> => {
    const child = host.spawn(command);
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  };
  const icmpx = (through: readonly string[], args: readonly string[], bun: string = BUN) =>
    run([...through, bun, ENTRY, ...args]);
  const diagnose = async (through: readonly string[]): Promise<Diagnosis> =>
    JSON.parse((await icmpx(through, ["doctor", "--json"])).stdout) as Diagnosis;
  /** Does what a remedy says, as root, with a copy of Bun that is the test's own. */
  const carryOut = async (command: string): Promise<string> => {
    const copy = join(folder, "bun-icmp");
    await rm(copy, { force: true });
    const script = command.replaceAll("sudo ", "").replaceAll(COPY, copy);
    expect(await run(["sh", "-ec", script])).toMatchObject({ code: 0, stderr: "" });
    return copy;
  };

  test("a sysctl for a group lets its members in, and nobody else", async () => {
    const { remedies, obstacle } = await diagnose(USER);
    expect(obstacle).toBeNull();
    expect(remedies[0]).toMatchObject({ opens: "datagram", command: SYSCTL });
    await carryOut(remedies[0]?.command ?? "");
    expect((await icmpx(USER, PING)).code).toBe(0);
    expect((await diagnose(USER)).isInPingGroup).toBe(true);
    const other = await icmpx(OTHER, PING);
    expect(other.code).toBe(2);
    // Those who are in stay in.
    const widened = `net.ipv4.ping_group_range="${GROUP} 61003"`;
    expect(other.stderr).toContain(widened);
    await carryOut(`sysctl -w ${widened}`);
    expect([(await icmpx(USER, PING)).code, (await icmpx(OTHER, PING)).code]).toEqual([0, 0]);
    // By a supplementary group, too.
    const member = [...OTHER.slice(0, 2), "--regid=61009", `--groups=${GROUP}`];
    expect((await icmpx(member, PING)).code).toBe(0);
  });

  test("a copy of Bun for a group serves its members, and nobody else", async () => {
    const { remedies } = await diagnose(USER);
    expect(remedies[1]?.command).toStartWith(`sudo install -g ${GROUP} -m 750 ${BUN} ${COPY}\n`);
    const copy = await carryOut(remedies[1]?.command ?? "");
    expect((await icmpx(USER, PING, copy)).code).toBe(0);
    expect((await icmpx(USER, PING)).code).toBe(2);
    // Through env(1): setpriv(1) itself still has the capabilities of root when it runs a program.
    expect((await icmpx([...OTHER, "env"], PING, copy)).stderr).toContain("Permission denied");

    // Where the capability cannot be gained, such a Bun does not start, or has nothing of it.
    const unstarted = await icmpx([...USER, "--bounding-set=-net_raw", "env"], PING, copy);
    expect(unstarted.stderr).toContain("Operation not permitted");
    const withoutGain = await icmpx([...USER, "--no-new-privs", "env"], PING, copy);
    expect([withoutGain.code, withoutGain.stderr]).toEqual([
      2,
      expect.stringContaining("no_new_privs is set"),
    ]);
  });

  test("no file helps outside the bounding set: none is offered, by no command", async () => {
    const through = [...USER, "--bounding-set=-net_raw"];
    const { remedies, obstacle, process: own } = await diagnose(through);
    expect(own.mayGainCapNetRaw).toBe(false);
    expect(obstacle).toContain("outside the bounding set");
    expect(remedies.map(({ command }) => command.split("\n")[0])).toEqual([
      SYSCTL,
      "docker run --cap-add NET_RAW --user 0 ...",
      "containers:",
    ]);
    for (const command of ["ping", "mtr", "traceroute", "sweep"]) {
      const { code, stderr } = await icmpx(through, [command, "127.0.0.1"]);
      expect([command, code]).toEqual([command, 2]);
      expect(stderr).toContain("outside the bounding set");
      expect(stderr).toContain(`  ${SYSCTL}\n`);
      expect(stderr).not.toContain("setcap");
    }
    await carryOut(SYSCTL);
    expect((await icmpx(through, PING)).code).toBe(0);
  });

  test("no file helps with no_new_privs; the capability from outside does", async () => {
    const through = [...USER, "--no-new-privs"];
    const { remedies, obstacle, process: own } = await diagnose(through);
    expect(own.noNewPrivileges).toBe(true);
    expect(obstacle).toContain("no_new_privs");
    expect(remedies).toEqual([expect.objectContaining({ command: SYSCTL })]);
    expect(remedies[0]?.summary).toEndWith(", from a shell where sudo works");
    expect((await icmpx(through, ["doctor", "--fix"])).code).toBe(2);
    // What AmbientCapabilities=CAP_NET_RAW of a unit does (systemd.exec(5)).
    const ambient = await diagnose([...through, ...AMBIENT]);
    expect([
      ambient.ok,
      ambient.process.capNetRaw,
      ambient.remedies.map(({ opens }) => opens),
    ]).toEqual([true, true, ["datagram"]]);
    expect((await icmpx([...through, ...AMBIENT], PING)).code).toBe(0);
    await carryOut(SYSCTL);
    expect((await icmpx(through, PING)).code).toBe(0);
  });

  test("systemd's lines are offered where systemd runs, and only there", async () => {
    const booted = [
      "unshare",
      "-m",
      "sh",
      "-ec",
      'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$@"',
      "sh",
    ];
    const lines = (await diagnose([...booted, ...USER])).remedies.map(({ command }) => command);
    expect(lines[2]).toBe("[Service]\nAmbientCapabilities=CAP_NET_RAW");
    expect(lines.at(-1)).toBe(`sudo setcap cap_net_raw+ep ${BUN}`);
    const sealed = await diagnose([...booted, ...USER, "--bounding-set=-net_raw"]);
    expect(sealed.remedies[1]?.command).toBe(
      "[Service]\nAmbientCapabilities=CAP_NET_RAW\nCapabilityBoundingSet=CAP_NET_RAW",
    );
    const unbooted = ["unshare", "-m", "sh", "-ec", 'mount -t tmpfs none /run && exec "$@"', "sh"];
    expect(JSON.stringify((await diagnose([...unbooted, ...USER])).remedies)).not.toContain(
      "[Service]",
    );
  });

  test("sysctls that are read-only, as in a container, are set from outside", async () => {
    const contained = [
      "unshare",
      "-m",
      "sh",
      "-ec",
      'mount --bind -o ro /proc/sys /proc/sys && exec "$@"',
      "sh",
    ];
    const { remedies } = await diagnose([...contained, ...USER]);
    expect(remedies.slice(0, 2).map(({ command }) => command.split("\n").at(-1))).toEqual([
      `docker run --sysctl net.ipv4.ping_group_range="${GROUP} ${GROUP}" ...`,
      `    sysctls: [{ name: net.ipv4.ping_group_range, value: "${GROUP} ${GROUP}" }]`,
    ]);
  });

  test.each([
    ["of an ordinary user", USER, GROUP],
    ["of root", [], 0],
  ])(
    "in a user namespace %s, only the sysctl outside helps, with the group's number outside",
    async (_, user, gid) => {
      const through = [...user, "unshare", "-Ur"];
      const { remedies, obstacle, process: own } = await diagnose(through);
      expect([own.uid, own.capNetRaw, own.isNetworkForeign]).toEqual([0, true, true]);
      expect(obstacle).toContain("user namespace");
      const command = `sudo sysctl -w net.ipv4.ping_group_range="${gid} ${gid}"`;
      expect(remedies).toEqual([expect.objectContaining({ opens: "datagram", command })]);
      expect(remedies[0]?.summary).toEndWith(", outside this user namespace");
      const told = await icmpx(through, ["doctor"]);
      expect(told.stdout).toContain("CAP_NET_RAW       effective, but not for this network\n");
      const refused = await icmpx(through, PING);
      expect(refused.stderr).not.toContain("setcap");
      await carryOut(command);
      expect((await icmpx(through, PING)).code).toBe(0);
    },
  );

  test("in a user namespace without numbers of users, no file helps", async () => {
    const through = [...USER, "unshare", "-U"];
    const { remedies, obstacle, process: own } = await diagnose(through);
    expect([own.capNetRaw, own.isNetworkForeign, remedies]).toEqual([false, true, []]);
    expect(obstacle).toContain("user namespace");
    expect((await icmpx(through, PING)).stderr).not.toContain("setcap");
  });

  test("in a user namespace that has the network, its capability counts", async () => {
    const inside = ["unshare", "-Urn", "sh", "-ec", 'ip link set lo up && exec "$@"', "sh"];
    const { ok, obstacle, process: own } = await diagnose([...USER, ...inside]);
    expect([ok, obstacle, own.isNetworkForeign]).toEqual([true, null, false]);
  });
});
