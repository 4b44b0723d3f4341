/**
 * Proves that the packed tarballs work for a stranger: they are packed as they would be published.
 * The library is added to an empty project with no registry in reach, and each entry is imported
 * from there; then the terminal UI is put beside it, and `icmpx` starts it. `dist/` must be built.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { linkRenderer, OFFLINE, pack, run, unpack } from "./support/installation.ts";

const repository = resolve(import.meta.dir, "..");

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
  importEntry([process.execPath, "-e"], "icmpx/format", project);
  importEntry([process.execPath, "-e"], "icmpx/packet", project);
  // The codecs promise to run anywhere.
  const node = Bun.which("node");
  if (node !== null) importEntry([node, "--input-type=module", "-e"], "icmpx/packet", project);

  checkBundles(project);
  await checkTui(join(work, "icmpx-tui.tgz"), project);
}

/**
 * Bundles must not show: exports bear their own names, both entries share their classes, and errors
 * point at the sources.
 */
function checkBundles(project: string): void {
  const program = `
    const entries = await Promise.all([import("icmpx"), import("icmpx/packet"), import("icmpx/format")]);
    const renamed = entries.flatMap(Object.entries).filter(([name, value]) => typeof value === "function" && value.name !== name);
    if (renamed.length > 0) throw new Error("Renamed: " + renamed.map(([name]) => name));
    const [{ Client, PacketError }, packet] = entries;
    if (PacketError !== packet.PacketError) throw new Error("Each entry has a PacketError of its own");
    const failures = [() => packet.decodeIpv4Header(new Uint8Array(1)), () => new Client({ timeout: -1 })];
    for (const fail of failures) {
      try { fail(); } catch ({ stack }) { console.log(stack); }
    }
    console.log(entries[0].formatMtr({ target: "a", resolved: "a", hops: [] }));
    console.log(Object.keys(require.cache).filter((path) => path.includes("/icmpx/")).length + " files");
  `;
  const output = run([process.execPath, "-e", program], project);
  for (const expected of [
    /\/icmpx\/src\/packet\/ipv4\.ts:\d+/,
    /\/icmpx\/src\/client\/client\.ts:\d+/,
    /^┌─+┬/m,
    /^4 files$/m,
  ]) {
    if (!expected.test(output))
      throw new Error(`Importing the package lacks ${expected}:\n${output}`);
  }
  const command = join(project, "node_modules/.bin/icmpx");
  for (const args of [["--version"], ["ping", "--help"], ["decode", "--help"]])
    run([command, ...args], project);
  checkLetters([command, "ping", "-c", "1", "127.0.0.1", "::1"], project);
  console.log("bundles keep names, classes, lines and letters");
}

/** What is not ASCII is drawn as it is, and has its likeness where the locale has none of it. */
function checkLetters(table: readonly string[], project: string): void {
  for (const [locale, expected] of [
    ["C.UTF-8", /^│ Target +│ Address/m],
    ["C", /^\| Target +\| Address/m],
  ] as const) {
    const output = run(["env", `LC_ALL=${locale}`, ...table], project);
    if (!expected.test(output)) throw new Error(`LC_ALL=${locale} lacks ${expected}:\n${output}`);
  }
}

/**
 * Puts the terminal UI into the project as an installation would, its renderer taken from this
 * repository.
 */
async function checkTui(tarball: string, project: string): Promise<void> {
  const modules = join(project, "node_modules");
  const installed = join(modules, "icmpx-tui");
  unpack(tarball, installed);
  linkRenderer(modules);

  const [library, tui] = await Promise.all(
    ["icmpx", "icmpx-tui"].map((name) => Bun.file(join(modules, name, "package.json")).json()),
  );
  const versions = [
    library.version,
    tui.version,
    library.peerDependencies["icmpx-tui"],
    tui.peerDependencies.icmpx,
  ];
  if (new Set(versions).size !== 1)
    throw new Error(`The versions of the two packages differ: ${versions}`);
  for (const needed of ["README.md", "LICENSE"]) {
    if (!existsSync(join(installed, needed)))
      throw new Error(`The tarball of icmpx-tui lacks ${needed}`);
  }

  const main = join(installed, "dist/main.js");
  const located = run(
    [process.execPath, join(installed, "dist/icmpx-tui.js"), "--locate"],
    project,
  );
  if (located.trim() !== pathToFileURL(main).href)
    throw new Error(`icmpx-tui is located at ${located}`);
  if (!(await allText(join(installed, "dist"))).includes('import("@opentui/core")'))
    throw new Error("The renderer is bundled, which is not ours to ship");

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
    throw new Error(
      `icmpx ended with code ${code} instead of starting the terminal UI:\n${output}`,
    );
  });
  await Promise.race([isShown.promise, hasEnded]);
  hasEnded.catch(() => {});
  child.terminal?.write("\x03");
  const code = await child.exited;
  // 128 and the number of SIGINT.
  if (code !== 130) throw new Error(`icmpx ended with code ${code} after Ctrl-C`);
  if (!output.includes("│")) throw new Error(`The terminal UI draws no line:\n${output}`);
  console.log("icmpx starts icmpx-tui beside it");
}

/** The text of all scripts of a folder. */
async function allText(folder: string): Promise<string> {
  const paths = await Array.fromAsync(new Bun.Glob("*.js").scan({ cwd: folder, absolute: true }));
  return (await Promise.all(paths.map((path) => Bun.file(path).text()))).join("\n");
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
