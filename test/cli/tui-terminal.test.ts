import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { realpathSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace } from "../lab/namespaces.ts";
import { describeIf, requires } from "../support/requires.ts";
import { Pty } from "../tui/pty/pty.ts";
import { ENTRY } from "./fake-environment.ts";

setDefaultTimeout(60_000);

/** An ordinary user, who may gain the capabilities of files. */
const USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

let folder = "";
let copy = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-bootstrap-"));
  await chmod(folder, 0o777);
  copy = join(folder, "bun-icmp");
});
afterAll(() => rm(folder, { recursive: true }));

describeIf(
  requires.all(requiresLab("setcap", "setpriv", "ps"), requires.nobody()),
  "icmpx --bootstrap-cap on a terminal",
  () => {
    const lab = new Lab();
    let closed: Namespace;
    beforeAll(async () => {
      closed = lab.add("bootstrap", { pingGroups: false });
      await lab.build();
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    test("grants, verifies, and starts the terminal UI in the file that has the capability", async () => {
      await using pty = start([process.execPath, ENTRY, "--bootstrap-cap", "--copy-to", copy]);
      await pty.shows("Traceroute");
      expect(pty.output).toContain(`Verified: a fresh process of ${copy} opens raw sockets.`);
      expect(realpathSync(`/proc/${childOf(pty.pid)}/exe`)).toBe(copy);
      pty.type("\x03");
      expect(await pty.ended()).toBe(130);
      expect([pty.isAlternate, pty.leftovers]).toEqual([false, []]);
    });

    test("then an ordinary user measures with that Bun, where nothing else is allowed", async () => {
      await using pty = start([...USER, copy, ENTRY]);
      await pty.shows("Traceroute");
      pty.type("127.0.0.1\r");
      await pty.until(() => /#2 .*ttl 64/.test(pty.text));
      expect(pty.text).not.toContain("setcap");
      pty.type("q");
      expect(await pty.ended()).toBe(0);
      expect(pty.leftovers).toEqual([]);
    });

    for (const [signal, code] of [
      ["SIGTERM", 143],
      ["SIGINT", 130],
      ["SIGHUP", 129],
    ] as const) {
      test(`passes ${signal} on to it, and gives its exit code`, async () => {
        await rm(copy, { force: true });
        await using pty = start([process.execPath, ENTRY, "--bootstrap-cap", "--copy-to", copy]);
        await pty.shows("Traceroute");
        pty.kill(signal);
        expect(await pty.ended()).toBe(code);
        expect([pty.isAlternate, pty.leftovers]).toEqual([false, []]);
      });
    }

    function start(command: readonly string[]): Pty {
      return new Pty(["ip", "netns", "exec", closed.name, ...command], {
        columns: 100,
        rows: 30,
        env: { XDG_CONFIG_HOME: folder, HOME: folder },
      });
    }
  },
);

function childOf(pid: number): number {
  return Number(
    Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(pid)])
      .stdout.toString()
      .trim(),
  );
}
