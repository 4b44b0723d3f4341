import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Diagnosis } from "../../src/cli/diagnosis.ts";
import type { Execution } from "../../src/cli/host.ts";
import {
  IP_RECVERR_RFC4884,
  IPPROTO_IP,
  SO_TIMESTAMPING,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import { requiresLab } from "../lab/kinds.ts";
import { type Child, Lab, type Namespace } from "../lab/namespaces.ts";
import { echoReply } from "../support/fake-network.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { describeIf, requires } from "../support/requires.ts";
import { type CliOutcome, ENTRY, runCli, runOn } from "./fake-environment.ts";

setDefaultTimeout(60_000);

const BUN = realpathSync(process.execPath);

/** Nobody who may still gain what a file grants, as users on most systems may. */
const USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-doctor-"));
  chmodSync(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

describe("icmpx doctor on a system that lacks something", () => {
  const { ENOPROTOOPT, EINVAL } = constants.errno;

  async function run(line: string, refuse: boolean): Promise<string> {
    const fake = fakePlatform({ network: (probe) => [echoReply(probe)] });
    const { kernel } = fake;
    if (refuse) {
      kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMPING, ENOPROTOOPT);
      kernel.refuseOption(IPPROTO_IP, IP_RECVERR_RFC4884, EINVAL);
    }
    const { code, stdout, stderr } = await runOn(fake, line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  }

  test("each socket that opens is followed by what it does without, and what that costs", async () => {
    const lines = (await run("doctor", true)).split("\n");
    const first = lines.findIndex((line) => line.startsWith("raw IPv4"));
    const stamps =
      "  without SO_TIMESTAMPING (ENOPROTOOPT): RTTs include the time it takes to send";
    const shown = lines.slice(first, lines.indexOf("", first));
    expect(shown.map((line) => line.replace(/ +opens, .*/, ""))).toEqual([
      "raw IPv4",
      stamps,
      "raw IPv6",
      stamps,
      "datagram IPv4",
      stamps,
      "  without IP_RECVERR_RFC4884 (EINVAL): extensions of ICMP errors, such as MPLS labels, may be missed",
      "datagram IPv6",
      stamps,
    ]);
  });

  test("--json has it for each socket", async () => {
    const { sockets } = JSON.parse(await run("doctor --json", true)) as Diagnosis;
    expect(
      sockets.map(({ missing }) => missing.map(({ name, code }) => `${name} ${code}`)),
    ).toEqual([
      ["SO_TIMESTAMPING ENOPROTOOPT"],
      ["SO_TIMESTAMPING ENOPROTOOPT"],
      ["SO_TIMESTAMPING ENOPROTOOPT", "IP_RECVERR_RFC4884 EINVAL"],
      ["SO_TIMESTAMPING ENOPROTOOPT"],
    ]);
  });

  test("nothing is said where nothing lacks", async () => {
    expect(await run("doctor", false)).not.toContain("without");
    const { sockets } = JSON.parse(await run("doctor --json", false)) as Diagnosis;
    expect(sockets.map(({ missing }) => missing)).toEqual([[], [], [], []]);
  });
});

describeIf(requires.all(requires.linux(), requires.root()), "icmpx doctor in this process", () => {
  test("opens sockets and tells of the kernel's stamps", async () => {
    const { code, stdout } = await runCli("doctor");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^raw IPv4 +opens, loopback answers in \d+\.\d{3} ms, stamped by the kernel$/m,
    );
    expect(stdout).toContain("Probes can be sent.");
    const { sockets, bun } = JSON.parse((await runCli("doctor --json")).stdout) as Diagnosis;
    expect(bun).toEqual({ version: Bun.version, path: BUN });
    expect(sockets.map(({ kind, family }) => `${kind} ${family}`)).toEqual([
      "raw 4",
      "raw 6",
      "datagram 4",
      "datagram 6",
    ]);
  });

  test("--fix grants to the real file, explains, and verifies in a fresh process of an ordinary user", async () => {
    const { code, stdout, host } = await runCli("doctor --fix", {
      execute: answers({ verified: true }),
    });
    expect(code).toBe(0);
    expect(host.commands[0]).toEqual(["setcap", "cap_net_raw+ep", BUN]);
    expect(host.commands[1]).toEqual([...verification(65_534), BUN, ENTRY, "doctor", "--json"]);
    expect(stdout).toContain(
      "Anyone who may run that file can then, with any script, send packets of any kind",
    );
    expect(stdout).toContain(`sudo setcap -r ${BUN}`);
    expect(stdout).toContain("Verified: ");
    const viaSudo = await runCli("--bootstrap-cap", {
      execute: answers({ verified: true }),
      env: { SUDO_UID: "1000", SUDO_GID: "1000" },
    });
    expect(viaSudo.host.commands[1]?.slice(0, 5)).toEqual(verification(1000));
  });

  test("--fix says what went wrong, with exit code 2", async () => {
    const failed = await runCli("doctor --fix", { execute: () => ({ code: 1, stdout: "" }) });
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain(
      `it ended with code 1. Run this as root:\n  setcap cap_net_raw+ep ${BUN}\n`,
    );
    const missing = await runCli("doctor --fix");
    expect(missing.stderr).toContain("setcap is not installed");
    for (const stdout of ["", "{}", '{"sockets":[]}']) {
      const useless = await runCli("doctor --fix", { execute: () => ({ code: 0, stdout }) });
      expect(useless.code).toBe(2);
      expect(useless.stderr).toContain("opens no raw socket");
      expect(useless.stdout).not.toContain("Verified");
    }
  });

  test("--copy-to makes a private copy, in a folder too, and overwrites nothing", async () => {
    const execute = answers({ verified: true });
    const target = join(folder, "private bun");
    const { code, stdout, host } = await runCli(["doctor", "--fix", "--copy-to", target], {
      execute,
    });
    expect(code).toBe(0);
    expect(host.commands[0]).toEqual(["setcap", "cap_net_raw+ep", target]);
    expect(stdout).toContain(`$ setcap cap_net_raw+ep '${target}'\n`);
    expect(statSync(target).mode & 0o777).toBe(0o755);
    expect(statSync(target).size).toBe(statSync(BUN).size);
    const again = await runCli(["doctor", "--fix", "--copy-to", target], { execute });
    expect(again).toMatchObject({
      code: 2,
      stderr: `icmpx: Cannot copy to ${target}: it exists already\n`,
    });
    expect(again.host.commands).toEqual([]);
    await rm(target);
    await runCli(["doctor", "--fix", "--copy-to", folder], { execute });
    expect(existsSync(join(folder, "bun.exe")) || existsSync(join(folder, "bun"))).toBe(true);
    const nowhere = await runCli(["doctor", "--fix", "--copy-to", join(folder, "no/such/folder")], {
      execute,
    });
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toStartWith(
      `icmpx: Cannot copy to ${folder}/no/such/folder: no such file`,
    );
  });
});

describeIf(requiresLab("setcap", "getcap"), "icmpx doctor in namespaces", () => {
  const lab = new Lab();
  let open: Namespace;
  let closed: Namespace;
  beforeAll(async () => {
    open = lab.add("open");
    closed = lab.add("closed", { pingGroups: false });
    await lab.build();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test("with nothing allowed: all four denied, all remedies, exit code 1", async () => {
    const { code, stdout } = await outcome(
      closed.spawn([...USER, process.execPath, ENTRY, "doctor"]),
    );
    expect(code).toBe(1);
    expect(stdout.match(/denied \(E(PERM|ACCES)\)/g)).toHaveLength(4);
    expect(stdout).toContain(
      "\n\nNo probe can be sent.\n\nAny of these helps; the first allow least:\n",
    );
    expect(stdout).toContain("holds no group of this process");
    expect(stdout).toEndWith(`\n  sudo setcap cap_net_raw+ep ${BUN}\n`);
    expect(stdout).toContain('\n  sudo sysctl -w net.ipv4.ping_group_range="65534 65534"\n');
  });

  test("with ping groups open: datagram sockets open, exit code 0", async () => {
    const child = open.spawn([process.execPath, ENTRY, "doctor", "--json"], { as: "nobody" });
    const { code, stdout } = await outcome(child);
    expect(code).toBe(0);
    const { sockets, isInPingGroup, remedies, process: own } = JSON.parse(stdout) as Diagnosis;
    expect(isInPingGroup).toBe(true);
    expect(own).toMatchObject({
      uid: 65_534,
      capNetRaw: false,
      mayGainCapNetRaw: false,
      noNewPrivileges: true,
    });
    expect(
      sockets.map(({ kind, state, kernelTimestamps }) => [kind, state, kernelTimestamps]),
    ).toEqual([
      ["raw", "denied", null],
      ["raw", "denied", null],
      ["datagram", "open", true],
      ["datagram", "open", true],
    ]);
    // Such a Bun would not even start: setcap(8) is no remedy here.
    expect(remedies.map(({ command }) => command.split("\n")[0])).toEqual([
      "docker run --cap-add NET_RAW --user 0 ...",
      "containers:",
    ]);
  });

  test("--fix refuses where the capability could not be gained: such a Bun would not even start", async () => {
    const child = closed.spawn([process.execPath, ENTRY, "--bootstrap-cap"], { as: "nobody" });
    const { code, stdout, stderr } = await outcome(child);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("CAP_NET_RAW is outside the bounding set");
  });

  test("--fix asks sudo when it is not root", async () => {
    const sudo = join(folder, "sudo");
    writeFileSync(sudo, '#!/bin/sh\necho "$@" >&2\nexit 3\n');
    chmodSync(sudo, 0o755);
    const command = [
      ...USER,
      "env",
      `PATH=${folder}:${process.env["PATH"]}`,
      process.execPath,
      ENTRY,
      "doctor",
      "--fix",
    ];
    const { code, stdout, stderr } = await outcome(closed.spawn(command));
    expect(code).toBe(2);
    expect(stdout).toContain(`$ sudo setcap cap_net_raw+ep ${BUN}\n`);
    expect(stderr).toStartWith(
      `setcap cap_net_raw+ep ${BUN}\nicmpx: cannot grant the capability: it ended with code 3`,
    );
  });

  test("--copy-to for real: nobody pings with the copy, and with no other Bun", async () => {
    const copy = join(folder, "bun-icmp");
    const granted = await outcome(
      closed.spawn([process.execPath, ENTRY, "--bootstrap-cap", "--copy-to", copy]),
    );
    expect(granted).toMatchObject({ code: 0, stderr: "" });
    expect(granted.stdout).toContain(`Verified: a fresh process of ${copy} opens raw sockets.\n`);
    expect(Bun.spawnSync(["getcap", copy]).stdout.toString()).toContain("cap_net_raw=ep");

    const ping = ["ping", "-c", "1", "127.0.0.1"];
    const withCopy = await outcome(closed.spawn([...USER, copy, ENTRY, ...ping]));
    expect(withCopy).toMatchObject({ code: 0, stderr: "" });
    expect(withCopy.stdout).toContain("1 packets transmitted, 1 received");
    const doctor = await outcome(closed.spawn([...USER, copy, ENTRY, "doctor", "--json"]));
    expect(JSON.parse(doctor.stdout)).toMatchObject({
      ok: true,
      process: { uid: 65_534, capNetRaw: true },
    });

    // Run by the copy itself, --fix grants to the file that runs: the copy, and nothing else.
    await outcome(closed.spawn(["setcap", "-r", copy]));
    expect((await outcome(closed.spawn([...USER, copy, ENTRY, ...ping]))).code).toBe(2);
    expect((await outcome(closed.spawn([copy, ENTRY, "doctor", "--fix"]))).code).toBe(0);
    expect((await outcome(closed.spawn([...USER, copy, ENTRY, ...ping]))).code).toBe(0);

    expect(Bun.spawnSync(["getcap", BUN]).stdout.toString()).toBe("");
    expect((await outcome(closed.spawn([...USER, process.execPath, ENTRY, ...ping]))).code).toBe(2);
  });
});

function verification(id: number): string[] {
  return ["setpriv", `--reuid=${id}`, `--regid=${id}`, "--clear-groups", "--"];
}

function answers({ verified }: { verified: boolean }): (command: readonly string[]) => Execution {
  const sockets = [{ kind: "raw", family: 4, state: verified ? "open" : "denied" }];
  return (command) => ({
    code: 0,
    stdout: command.includes("setcap") ? "" : JSON.stringify({ sockets }),
  });
}

async function outcome(child: Child): Promise<CliOutcome> {
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
