import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./measure.ts";

/** A program that was compiled. Disposal removes it. */
export interface Compiled extends AsyncDisposable {
  readonly path: string;
}

/** Compiles `<name>.c` of this folder. Needs cc. */
export async function compile(name: string): Promise<Compiled> {
  const directory = await mkdtemp(join(tmpdir(), "icmpx-bench-"));
  const path = join(directory, name);
  await run("cc", "-O2", "-Wall", "-o", path, join(import.meta.dir, `${name}.c`));
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
