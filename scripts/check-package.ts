/**
 * Proves that the packed tarball works for a stranger: it is packed as it would be published, added to an
 * empty project with no registry in reach, and each entry is imported from there. `dist/` must be built.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dir, "..");
// Nothing listens on the discard port, so an attempt to fetch anything at all ends in an error.
const OFFLINE = { npm_config_registry: "http://127.0.0.1:9/", BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/" };

const directory = await mkdtemp(join(tmpdir(), "icmpx-package-"));
try {
  await checkPackage(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function checkPackage(work: string): Promise<void> {
  // The scripts are ignored because `prepack` would build again what the gate has just built.
  run(
    [process.execPath, "pm", "pack", "--ignore-scripts", "--quiet", "--filename", join(work, "icmpx.tgz")],
    repository,
  );

  const project = join(work, "project");
  await Bun.write(join(project, "package.json"), JSON.stringify({ name: "empty", private: true }));
  run([process.execPath, "add", "--no-cache", join(work, "icmpx.tgz")], project);

  const installed = join(project, "node_modules", "icmpx");
  for (const unwanted of ["test", "scripts", "node_modules", "tsconfig.json"]) {
    if (existsSync(join(installed, unwanted))) throw new Error(`The tarball ships ${unwanted}`);
  }

  importEntry([process.execPath, "-e"], "icmpx", project);
  importEntry([process.execPath, "-e"], "icmpx/packet", project);
  // Bun takes the `bun` condition, so the compiled files are imported by their paths as well.
  importEntry([process.execPath, "-e"], join(installed, "dist", "index.js"), project);
  // The codecs promise to run anywhere.
  const node = Bun.which("node");
  if (node !== null) importEntry([node, "--input-type=module", "-e"], "icmpx/packet", project);
}

function importEntry(evaluate: readonly string[], specifier: string, project: string): void {
  const name = JSON.stringify(specifier);
  const program = `
    const exported = Object.keys(await import(${name}));
    if (exported.length === 0) throw new Error("No exports from " + ${name});
    console.log(exported.length + " exports from " + ${name});
  `;
  console.log(run([...evaluate, program], project).trim());
}

/** Runs `command` and gives back its standard output; throws with all that it printed if it fails. */
function run(command: readonly string[], cwd: string): string {
  const result = Bun.spawnSync([...command], { cwd, env: { ...process.env, ...OFFLINE }, stdin: "ignore" });
  if (!result.success) {
    throw new Error(
      `${command.join(" ")} exited with ${result.exitCode}\n${result.stdout.toString()}${result.stderr.toString()}`,
    );
  }
  return result.stdout.toString();
}
