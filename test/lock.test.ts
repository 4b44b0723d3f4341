import { afterAll, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(import.meta.dir, "..");
const folder = await mkdtemp(join(tmpdir(), "icmpx-lock-"));
afterAll(() => rm(folder, { recursive: true }));

// `bun install --frozen-lockfile` compares dependencies only.
test("bun.lock is what a plain `bun install` would leave", async () => {
  for (const file of ["package.json", "tui/package.json", "bun.lock"])
    await cp(join(repository, file), join(folder, file));
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "install", "--lockfile-only"], {
    cwd: folder,
    // A registry configured here would be written into the lock; where nothing is stale, none is
    // asked.
    env: { ...process.env, BUN_CONFIG_REGISTRY: "https://registry.npmjs.org/" },
    stderr: "pipe",
  });
  expect([exitCode, exitCode === 0 ? "" : stderr.toString()]).toEqual([0, ""]);
  expect(await Bun.file(join(folder, "bun.lock")).text()).toBe(
    await Bun.file(join(repository, "bun.lock")).text(),
  );
});
