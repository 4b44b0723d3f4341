import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describeIf } from "../support/requires.ts";
import { requiresLab } from "./kinds.ts";
import { type Child, Lab, type Namespace, outputOf } from "./namespaces.ts";

describeIf(requiresLab(), "Lab", () => {
  test("removes namespaces and children when a block is left by an error", async () => {
    let name = "";
    let child: Child | undefined;
    async function leave(): Promise<void> {
      await using lab = new Lab();
      const host = lab.add("host");
      await lab.build();
      name = host.name;
      child = host.spawn(["sleep", "1000"]);
      expect(names()).toContain(name);
      throw new Error("left");
    }
    expect(await leave().catch((error: Error) => error.message)).toBe("left");
    expect(names()).not.toContain(name);
    expect(child?.signalCode).toBe("SIGKILL");
  });

  test("removes what a killed process left behind", async () => {
    const program = `
      import { Lab } from ${JSON.stringify(join(import.meta.dir, "namespaces.ts"))};
      const lab = new Lab();
      const host = lab.add("host");
      await lab.build();
      process.stdout.write(host.name);
      process.kill(process.pid, "SIGKILL");`;
    const run = async (source: string) => {
      const child = Bun.spawn([process.execPath, "-e", source], { stdout: "pipe" });
      return { output: await new Response(child.stdout).text(), code: await child.exited };
    };
    const { output: name } = await run(program);
    expect(names()).toContain(name);
    const { code } = await run(
      program.replace("process.kill", "await lab[Symbol.asyncDispose](); void "),
    );
    expect(code).toBe(0);
    expect(names()).not.toContain(name);
  });

  test("removes what was built when the rest fails", async () => {
    const lab = new Lab();
    const host = lab.add("host");
    lab.ip(host, "link set nonesuch up");
    expect(await lab.build().catch((error: Error) => error.message)).toContain("nonesuch");
    expect(names()).not.toContain(host.name);
  });

  test("gives two labs different names", async () => {
    await using first = new Lab();
    await using second = new Lab();
    const hosts = [first.add("host"), second.add("host")];
    await Promise.all([first.build(), second.build()]);
    for (const { name } of hosts) expect(names()).toContain(name);
  });

  describe("as nobody", () => {
    test("a child has no capability, no group and no way to gain one", async () => {
      await using lab = new Lab();
      const host = lab.add("host");
      await lab.build();
      const status = await outputOf(
        host.spawn(["cat", "/proc/self/status"], { as: "nobody" }),
        "cat",
      );
      const fields = new Map(
        status.split("\n").map((line) => line.split(/:\s*/) as [string, string]),
      );
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
        expect([set, fields.get(set)]).toEqual([set, "0000000000000000"]);
      }
      expect(fields.get("Uid")?.split("\t")).toEqual(["65534", "65534", "65534", "65534"]);
      expect(fields.get("Groups")?.trim()).toBe("");
      expect(fields.get("NoNewPrivs")).toBe("1");
    });

    test("a child may open datagram sockets only where ping groups are open", async () => {
      await using lab = new Lab();
      const open = lab.add("open");
      const closed = lab.add("closed", { pingGroups: false });
      await lab.build();
      const range = (host: Namespace): Promise<string> =>
        host.exec("cat", "/proc/sys/net/ipv4/ping_group_range");
      expect((await range(open)).trim()).toBe("0\t2147483647");
      expect((await range(closed)).trim()).toBe("1\t0");
    });
  });
});

function names(): string[] {
  return readdirSync("/run/netns");
}
