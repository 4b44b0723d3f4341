import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { TUI_BUN } from "../src/cli/tui.ts";
import tuiPackageJson from "../tui/package.json" with { type: "json" };

const ENTRIES = [
  ["icmpx", "src/cli/icmpx.ts", packageJson.engines.bun.slice(2)],
  ["icmpx-tui", "tui/src/icmpx-tui.ts", tuiPackageJson.engines.bun.slice(2)],
] as const;

const folder = await mkdtemp(join(tmpdir(), "icmpx-engines-"));
afterAll(() => rm(folder, { recursive: true }));

test.each(ENTRIES)(
  "%s says which Bun it needs to an older one, and to no other",
  async (name, entry, oldest) => {
    const [major, minor, patch] = oldest.split(".").map(Number);
    const older = `${major}.${minor}.${(patch ?? 0) - 1}`;
    expect(await startedBy(older, entry)).toEqual({
      code: 2,
      stderr: `${name}: needs Bun ${oldest} or newer, not ${older}: run \`bun upgrade\`\n`,
    });
    expect(await startedBy(oldest, entry)).toEqual({ code: 0, stderr: "" });
  },
);

test("the command knows which Bun the terminal UI needs", () => {
  expect(TUI_BUN).toBe(tuiPackageJson.engines.bun.slice(2));
});

/** How the program ends under this Bun, which calls itself another. */
async function startedBy(
  version: string,
  entry: string,
): Promise<{ code: number; stderr: string }> {
  const preload = join(folder, `${version}.ts`);
  const disguise = `{ value: { ...process.versions, bun: ${JSON.stringify(version)} } }`;
  await Bun.write(preload, `Object.defineProperty(process, "versions", ${disguise});`);
  const path = join(import.meta.dir, "..", entry);
  const child = Bun.spawnSync([process.execPath, "--preload", preload, path, "--version"]);
  return { code: child.exitCode, stderr: child.stderr.toString() };
}
