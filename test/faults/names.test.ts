import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAddressLookups } from "../../src/ffi/address-lookup.ts";
import { requiresLab } from "../lab/kinds.ts";
import { Lab } from "../lab/namespaces.ts";
import { describeIf, requires } from "../support/requires.ts";
import type { NamesTask } from "./children/names.ts";
import { runChild } from "./run-child.ts";

setDefaultTimeout(60_000);

interface Outcome {
  readonly outcome: unknown;
  /** When it was there, since the child asked. */
  readonly ms: number;
  readonly asked: number;
  /** From that to the end of the process. */
  readonly msToExit: number;
}

/**
 * Runs the child where /etc/hosts knows one name and /etc/resolv.conf says what would take minutes.
 */
async function outcomeOf(task: NamesTask): Promise<Outcome> {
  const lab = new Lab();
  await using _ = lab;
  const host = lab.add("host");
  await lab.build();
  const folder = mkdtempSync(join(tmpdir(), "icmpx-names-"));
  try {
    writeFileSync(
      join(folder, "resolv.conf"),
      "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n",
    );
    writeFileSync(join(folder, "hosts"), "192.0.2.7 known.example\n2001:db8::7 known.example\n");
    const mount = `for file in resolv.conf hosts; do mount --bind "${folder}/$file" "/etc/$file"; done; "$@"; date +%s%3N`;
    const through = ["unshare", "-m", "sh", "-ec", mount, "sh"];
    const [line, endMs] = await runChild(host, "names.ts", task, { through });
    const { atMs, ...outcome } = line as Omit<Outcome, "msToExit"> & { atMs: number };
    return { ...outcome, msToExit: (endMs as number) - atMs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describeIf(requiresLab("unshare"), "names of addresses at a dead name server", () => {
  test("keep results waiting for the timeout, and the process for no longer", async () => {
    const { outcome, ms, asked, msToExit } = await outcomeOf("run");
    expect(outcome).toEqual(Array(6).fill("reply"));
    expect(asked).toBe(6);
    expect(ms).toBeWithin(900, 3000);
    expect(msToExit).toBeLessThan(900);
  });

  test("keep neither run nor process beyond close()", async () => {
    const { outcome, ms, msToExit } = await outcomeOf("close");
    expect(outcome).toBe("ERR_CLIENT_CLOSED");
    expect(ms).toBeLessThan(900);
    expect(msToExit).toBeLessThan(900);
  });

  test("are waited for by who asks for one, until the client is closed", async () => {
    expect(await outcomeOf("ask")).toMatchObject({ outcome: "a.example", asked: 1 });
    const { outcome, ms, msToExit } = await outcomeOf("ask and close");
    expect(outcome).toBe("ERR_CLIENT_CLOSED");
    expect(ms).toBeLessThan(900);
    expect(msToExit).toBeLessThan(900);
  });
});

const requiresLookups = requires.all(
  requiresLab("unshare"),
  openAddressLookups() === undefined ? "needs a libc with getaddrinfo_a(3)" : undefined,
);

describeIf(requiresLookups, "addresses of names at a dead name server", () => {
  test("do not matter for those that /etc/hosts knows", async () => {
    const { outcome, asked } = await outcomeOf("resolve");
    expect({ outcome, asked }).toEqual({ outcome: ["192.0.2.7", "2001:db8::7"], asked: 0 });
  });

  test.each([
    ["resolve and close", "ERR_CLIENT_CLOSED"],
    ["ping a name and close", "ERR_CLIENT_CLOSED"],
    ["multiping a name and close", "ERR_CLIENT_CLOSED"],
    ["sweep a name and close", "ERR_CLIENT_CLOSED"],
    ["ping a name and abort", "aborted"],
  ] as const)("%s: neither promise nor process waits any longer", async (task, code) => {
    const { outcome, ms, asked, msToExit } = await outcomeOf(task);
    expect({ outcome, asked: asked > 0 }).toEqual({ outcome: code, asked: true });
    expect(ms).toBeLessThan(2000);
    expect(msToExit).toBeLessThan(2000);
  });
});
