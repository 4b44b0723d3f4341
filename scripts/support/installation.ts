import { mkdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";

const REPOSITORY = resolve(import.meta.dir, "../..");
/** Nothing listens on the discard port, so an attempt to fetch anything at all ends in an error. */
export const OFFLINE: Readonly<Record<string, string>> = {
  npm_config_registry: "http://127.0.0.1:9/",
  BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/",
};

/** Both packages in a folder, as a user has them. */
export interface Installation {
  readonly folder: string;
  /** The program `icmpx`. */
  readonly command: string;
}

/** Puts both packages into the `node_modules` of a folder, with what `bun run build` made last. */
export function installPackages(folder: string): Installation {
  const modules = join(folder, "node_modules");
  for (const [name, source] of [
    ["icmpx", REPOSITORY],
    ["icmpx-tui", join(REPOSITORY, "tui")],
  ] as const) {
    const tarball = join(folder, `${name}.tgz`);
    pack(source, tarball);
    unpack(tarball, join(modules, name));
  }
  linkRenderer(modules);
  return { folder, command: join(modules, "icmpx/dist/cli/icmpx.js") };
}

/**
 * Packs as `publish` would, but for the scripts: `prepack` would build again what was just built.
 */
export function pack(folder: string, tarball: string): void {
  run(
    [process.execPath, "pm", "pack", "--ignore-scripts", "--quiet", "--filename", tarball],
    folder,
  );
}

/** Unpacks a tarball as an installation would. */
export function unpack(tarball: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  run(["tar", "-xzf", tarball, "--strip-components=1", "-C", folder], folder);
}

/** Lends the renderer of this repository to a `node_modules`. */
export function linkRenderer(modules: string): void {
  symlinkSync(join(REPOSITORY, "tui/node_modules/@opentui"), join(modules, "@opentui"));
}

/**
 * Runs `command` and gives back its standard output; throws with all that it printed if it fails.
 */
export function run(command: readonly string[], cwd: string): string {
  const result = Bun.spawnSync([...command], {
    cwd,
    env: { ...process.env, ...OFFLINE },
    stdin: "ignore",
  });
  if (!result.success) {
    throw new Error(
      `${command.join(" ")} exited with ${result.exitCode}\n${result.stdout.toString()}${result.stderr.toString()}`,
    );
  }
  return result.stdout.toString();
}
