/**
 * Loaded before all tests. Those that change user start Bun as nobody, who may not enter a home of
 * mode 700, where npx and Bun's own installer put it. Then the tests start a copy that everybody
 * may run.
 *
 * @module
 */
import { afterAll } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

if (process.getuid?.() === 0 && Bun.which("setpriv") !== null && !isReadable(process.execPath)) {
  // Not in TMPDIR, which may be private as well.
  const folder = mkdtempSync("/tmp/icmpx-bun-");
  const copy = join(folder, "bun");
  copyFileSync(process.execPath, copy);
  chmodSync(copy, 0o755);
  chmodSync(folder, 0o755);
  process.execPath = copy;
  afterAll(() => rmSync(folder, { recursive: true }));
}

/** By test(1), as setpriv(1) still has root's capabilities while it starts a program. */
function isReadable(bun: string): boolean {
  return Bun.spawnSync([...NOBODY, "test", "-x", bun]).success;
}
