import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { plainChain } from "../scenarios/plain-chain.ts";
import { describeIf } from "../support/requires.ts";
import { SOCKET_KINDS } from "./kinds.ts";
import { measureRun } from "./measured-run.ts";
import { Measurer } from "./measurer.ts";
import { openLab, type SimulatedLab } from "./open-lab.ts";
import { requiresSimulator } from "./requires-simulator.ts";
import type { Scenario } from "./scenario.ts";
import { contradictions } from "./verify.ts";

setDefaultTimeout(60_000);

describeIf(requiresSimulator("ping"), "openLab()", () => {
  test("gives a namespace of its own, with no way out but the simulator", async () => {
    await using lab = await openLab(plainChain);
    const links = (await lab.exec(["ip", "-o", "link"])).trim().split("\n");
    expect(links.map((line) => line.split(": ")[1])).toEqual(["lo", "internet"]);
    const routes = (await lab.exec(["ip", "-4", "route"])).trim().split("\n");
    expect(routes.every((route) => route.includes("dev internet"))).toBe(true);
    const own = await lab.exec(["readlink", "/proc/self/ns/net"]);
    const ours = await Bun.$`readlink /proc/self/ns/net`.text();
    expect(own).not.toBe(ours);
  });

  test("runs labs at once that do not see each other", async () => {
    await using one = await openLab(plainChain);
    await using other = await openLab(plainChain);
    const ping = ["ping", "-c", "3", "-i", "0.01", plainChain.nodes["target"]?.address[4] ?? ""];
    await Promise.all([one.exec(ping), one.exec(ping), other.exec(ping)]);
    expect((await one.truth()).probes).toHaveLength(6);
    expect((await other.truth()).probes).toHaveLength(3);
    await one.load(plainChain);
    expect((await one.truth()).probes).toHaveLength(0);
    expect((await other.truth()).probes).toHaveLength(3);
  });

  test("runs programs without any capability as nobody", async () => {
    await using lab = await openLab(plainChain);
    const status = await lab.exec(["cat", "/proc/self/status"], { as: "nobody" });
    // In a user namespace there is no other user.
    expect(status).toContain(process.getuid?.() === 0 ? "Uid:\t65534" : "Uid:\t0");
    for (const set of ["CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(status).toContain(`${set}:\t0000000000000000`);
    }
  });

  test("works inside a user namespace, too", async () => {
    await using lab = await openLab(plainChain, { userNamespace: true });
    const status = await lab.exec(["cat", "/proc/self/status"], { as: "nobody" });
    expect(status).toContain("CapEff:\t0000000000000000");
    for (const kind of SOCKET_KINDS) {
      const bench = { lab, kind, measurer: new Measurer(lab, kind) };
      const [run] = plainChain.runs;
      if (run === undefined) throw new Error("The plain chain has no run");
      const measured = await measureRun(bench, plainChain, run);
      expect(measured.result).toMatchObject({ kind: "reply" });
      expect(contradictions(measured)).toEqual([]);
    }
  });

  test("leaves nothing behind, be programs running or not", async () => {
    const lab = await openLab(plainChain);
    const child = lab.spawn(["sleep", "60"]);
    const simulator = await simulatorOf(lab);
    expect(existsSync(`/proc/${simulator}`)).toBe(true);
    await lab[Symbol.asyncDispose]();
    expect(child.signalCode).toBe("SIGKILL");
    expect(existsSync(`/proc/${simulator}`)).toBe(false);
    expect(existsSync(`/proc/${child.pid}`)).toBe(false);
  });

  test("ends with the process that opened it, however that ends", async () => {
    const script = `
      import { openLab } from ${JSON.stringify(`${import.meta.dir}/open-lab.ts`)};
      import { plainChain } from ${JSON.stringify(`${import.meta.dir}/../scenarios/plain-chain.ts`)};
      const lab = await openLab(plainChain);
      const children = await Bun.file("/proc/self/task/" + process.pid + "/children").text();
      process.stdout.write(children.trim().split(" ")[0]);
      process.kill(process.pid, "SIGKILL");
    `;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", script]);
    const simulator = Number(stdout.toString());
    expect(simulator).toBeGreaterThan(1);
    for (let attempt = 0; isRunning(simulator) && attempt < 500; attempt += 1) await Bun.sleep(10);
    expect(isRunning(simulator)).toBe(false);
  });

  test("tells what is wrong with a scenario", async () => {
    const broken: Scenario = { ...plainChain, routes: [{ to: "target", via: ["nowhere"] }] };
    await expect(openLab(broken)).rejects.toThrow("Bad scenario plain-chain: no node nowhere");
  });
});

/**
 * Whether it has not ended. The first process of a container may leave it behind as a zombie, which
 * has no command line.
 */
function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) && readFileSync(path, "utf8") !== "";
}

async function simulatorOf(lab: SimulatedLab): Promise<string> {
  const self = (await lab.exec(["readlink", "/proc/self/ns/net"])).trim();
  const listing = await Bun.$`find /proc -maxdepth 1 -regex "/proc/[0-9]+"`.text();
  for (const path of listing.trim().split("\n")) {
    const namespace = (await Bun.$`readlink ${path}/ns/net`.nothrow().quiet().text()).trim();
    const command = (await Bun.$`cat ${path}/cmdline`.nothrow().quiet().text()).replaceAll(
      "\0",
      " ",
    );
    if (namespace === self && command.includes("simulator.ts")) return path.slice("/proc/".length);
  }
  throw new Error("No simulator runs in the lab");
}
