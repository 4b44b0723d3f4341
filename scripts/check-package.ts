/**
 * Proves that the packed tarballs work for a stranger: they are packed as they would be published. The library is added to an
 * empty project with no registry in reach, and each entry is imported from there; then the terminal UI is put beside it, and
 * `icmpx` starts it. `dist/` must be built.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
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
  pack(repository, join(work, "icmpx.tgz"));
  pack(join(repository, "tui"), join(work, "icmpx-tui.tgz"));

  const project = join(work, "project");
  await Bun.write(join(project, "package.json"), JSON.stringify({ name: "empty", private: true }));
  run([process.execPath, "add", "--no-cache", join(work, "icmpx.tgz")], project);

  const installed = join(project, "node_modules", "icmpx");
  for (const unwanted of ["test", "scripts", "node_modules", "tsconfig.json", "tui"]) {
    if (existsSync(join(installed, unwanted))) throw new Error(`The tarball ships ${unwanted}`);
  }

  importEntry([process.execPath, "-e"], "icmpx", project);
  importEntry([process.execPath, "-e"], "icmpx/packet", project);
  // Bun takes the `bun` condition, so the compiled files are imported by their paths as well.
  importEntry([process.execPath, "-e"], join(installed, "dist", "index.js"), project);
  // The codecs promise to run anywhere.
  const node = Bun.which("node");
  if (node !== null) importEntry([node, "--input-type=module", "-e"], "icmpx/packet", project);

  await checkTui(join(work, "icmpx-tui.tgz"), project);
}

/** Puts the terminal UI into the project as an installation would, its renderer taken from this repository. */
async function checkTui(tarball: string, project: string): Promise<void> {
  const modules = join(project, "node_modules");
  const installed = join(modules, "icmpx-tui");
  await mkdir(installed);
  run(["tar", "-xzf", tarball, "--strip-components=1", "-C", installed], project);
  await symlink(join(repository, "tui/node_modules/@opentui"), join(modules, "@opentui"));

  const [library, tui] = await Promise.all(
    ["icmpx", "icmpx-tui"].map((name) => Bun.file(join(modules, name, "package.json")).json()),
  );
  const versions = [
    library.version,
    tui.version,
    library.peerDependencies["icmpx-tui"],
    tui.peerDependencies.icmpx,
  ];
  if (new Set(versions).size !== 1) throw new Error(`The versions of the two packages differ: ${versions}`);
  for (const needed of ["README.md", "LICENSE"]) {
    if (!existsSync(join(installed, needed))) throw new Error(`The tarball of icmpx-tui lacks ${needed}`);
  }

  const isShown = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  let output = "";
  const child = Bun.spawn([process.execPath, join(modules, ".bin/icmpx")], {
    cwd: project,
    env: { ...process.env, ...OFFLINE, TERM: "xterm-256color", XDG_CONFIG_HOME: project },
    terminal: {
      cols: 100,
      rows: 30,
      data: (_, bytes) => {
        output += decoder.decode(bytes, { stream: true });
        if (output.includes("Traceroute")) isShown.resolve();
      },
    },
  });
  const hasEnded = child.exited.then((code) => {
    throw new Error(`icmpx ended with code ${code} instead of starting the terminal UI:\n${output}`);
  });
  await Promise.race([isShown.promise, hasEnded]);
  hasEnded.catch(() => {});
  child.terminal?.write("\x03");
  const code = await child.exited;
  // 128 and the number of SIGINT.
  if (code !== 130) throw new Error(`icmpx ended with code ${code} after Ctrl-C`);
  console.log("icmpx starts icmpx-tui beside it");
}

/** Packs as `publish` would, but for the scripts: `prepack` would build again what the gate has just built. */
function pack(folder: string, tarball: string): void {
  run([process.execPath, "pm", "pack", "--ignore-scripts", "--quiet", "--filename", tarball], folder);
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
