import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OWNED_FILES } from "../../tui/src/program/owned-files.ts";
import { describeIf, requires } from "../support/requires.ts";

const ANN = { uid: 61_234, gid: 61_235 };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "icmpx-owned-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What reading a file comes to in a process of its own, which may hang. */
function readInChild(path: string): string {
  const program = `
    const { OWNED_FILES } = await import(${JSON.stringify(join(import.meta.dir, "../../tui/src/program/owned-files.ts"))});
    try { console.log(OWNED_FILES.read(${JSON.stringify(path)})); } catch (error) { console.log(error.message); }`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", program], { timeout: 5000 });
  return stdout.toString().trim();
}

/** Does something between the look at a path and the creation of a file beside it. */
function beforeDraft(action: () => void): void {
  const uuid = crypto.randomUUID();
  const spy = spyOn(crypto, "randomUUID").mockImplementation(() => {
    spy.mockRestore();
    action();
    return uuid;
  });
}

describe("OWNED_FILES", () => {
  test("reads what it has put there, and knows what is missing", () => {
    const path = join(folder, "new", "tui.json");
    expect(OWNED_FILES.read(path)).toBeNull();
    OWNED_FILES.replace(path, "one");
    OWNED_FILES.replace(path, "two");
    expect(OWNED_FILES.read(path)).toBe("two");
    expect(readdirSync(join(folder, "new"))).toEqual(["tui.json"]);
  });

  test("reads no FIFO, device or endless file, and does not wait for one", () => {
    const fifo = join(folder, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).success).toBe(true);
    expect(readInChild(fifo)).toBe("it is not a regular file");
    const device = join(folder, "device");
    symlinkSync("/dev/zero", device);
    expect(readInChild(device)).toBe("it is not a regular file");
    const large = join(folder, "large");
    writeFileSync(large, "x".repeat((1 << 20) + 1));
    expect(readInChild(large)).toBe("1048577 bytes, need at most 1048576");
  });

  test("writes to nothing that lies in its way", () => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "untouched");
    const path = join(folder, "tui.json");
    symlinkSync(victim, `${path}.${process.pid}.tmp`);
    OWNED_FILES.replace(path, "text");
    expect([readFileSync(victim, "utf8"), readFileSync(path, "utf8")]).toEqual([
      "untouched",
      "text",
    ]);
    expect(lstatSync(path).isFile()).toBe(true);
  });

  test("writes to nothing that is put in its way meanwhile", () => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "untouched");
    const path = join(folder, "tui.json");
    OWNED_FILES.replace(path, "before");
    beforeDraft(() => {
      rmSync(path);
      symlinkSync(victim, path);
    });
    OWNED_FILES.replace(path, "text");
    expect([readFileSync(victim, "utf8"), readFileSync(path, "utf8")]).toEqual([
      "untouched",
      "text",
    ]);
    expect(lstatSync(path).isFile()).toBe(true);
  });
});

describeIf(requires.root(), "OWNED_FILES of root in the home of another user", () => {
  let home = "";
  let path = "";
  beforeEach(() => {
    chmodSync(folder, 0o755);
    home = join(folder, "ann");
    mkdirSync(home);
    chownSync(home, ANN.uid, ANN.gid);
    path = join(home, ".config", "icmpx", "tui.json");
  });

  const identity = () => [process.geteuid?.(), process.getegid?.(), process.getgroups?.()];

  test("leaves nothing there that is root's, and is root again", () => {
    const before = identity();
    OWNED_FILES.replace(path, "text");
    expect(OWNED_FILES.read(path)).toBe("text");
    for (const made of [".config", ".config/icmpx", ".config/icmpx/tui.json"]) {
      expect([made, lstatSync(join(home, made))]).toMatchObject([made, ANN]);
    }
    expect(identity()).toEqual(before);
  });

  test("writes and reads nothing that the user may not", () => {
    const before = identity();
    const secrets = join(folder, "secrets");
    mkdirSync(secrets, { mode: 0o700 });
    writeFileSync(join(secrets, "tui.json"), "secret", { mode: 0o600 });
    mkdirSync(join(home, ".config"));
    chownSync(join(home, ".config"), ANN.uid, ANN.gid);
    symlinkSync(secrets, join(home, ".config", "icmpx"));
    expect(() => OWNED_FILES.read(path)).toThrow("EACCES");
    expect(() => OWNED_FILES.replace(path, "text")).toThrow("EACCES");
    expect(readFileSync(join(secrets, "tui.json"), "utf8")).toBe("secret");
    expect(readdirSync(secrets)).toEqual(["tui.json"]);
    expect(identity()).toEqual(before);
  });

  test("leads nowhere either when a folder is swapped for a link meanwhile", () => {
    const before = identity();
    const secrets = join(folder, "secrets");
    mkdirSync(secrets, { mode: 0o700 });
    writeFileSync(join(secrets, "tui.json"), "secret", { mode: 0o600 });
    const own = join(home, ".config", "icmpx");
    const swap = (): void => {
      renameSync(own, `${own}.away`);
      symlinkSync(secrets, own);
    };
    const restore = (): void => {
      rmSync(own);
      renameSync(`${own}.away`, own);
    };
    OWNED_FILES.replace(path, "text");
    // By the user, after the path has been followed.
    beforeDraft(swap);
    expect(() => OWNED_FILES.replace(path, "text")).toThrow("EACCES");
    restore();
    // After the owner of the home has been found, and before root acts as that owner.
    for (const act of [() => OWNED_FILES.read(path), () => OWNED_FILES.replace(path, "text")]) {
      const spy = spyOn(process, "setgroups").mockImplementation((groups) => {
        spy.mockRestore();
        swap();
        process.setgroups?.(groups);
      });
      expect(act).toThrow("EACCES");
      restore();
    }
    expect(readFileSync(join(secrets, "tui.json"), "utf8")).toBe("secret");
    expect(readdirSync(secrets)).toEqual(["tui.json"]);
    expect(identity()).toEqual(before);
  });

  test("goes by the owner of the home, not by who owns what a link of the user's leads to", () => {
    const own = join(folder, "etc");
    mkdirSync(own, { mode: 0o755 });
    mkdirSync(join(home, ".config"));
    symlinkSync(own, join(home, ".config", "icmpx"));
    expect(() => OWNED_FILES.replace(path, "text")).toThrow("EACCES");
    // And by the owner of what root's own link leads to.
    symlinkSync(home, join(folder, "link"));
    OWNED_FILES.replace(join(folder, "link", "tui.json"), "text");
    expect(lstatSync(join(home, "tui.json"))).toMatchObject(ANN);
  });
});
