import { fileURLToPath } from "node:url";
import { ExitCode, type Host } from "./host.ts";
import { version } from "./version.ts";

const PACKAGE = "icmpx-tui";

/** What the package of the terminal UI exports as `icmpx-tui/main`. */
interface TuiModule {
  /** Runs it until the user leaves. Exit code 2: it could not start, and has said why. */
  main(options: { readonly args: readonly string[] }): Promise<number>;
}

/**
 * Runs the terminal UI, which is a package of its own, in this process. Where it is not installed beside this one, Bun fetches
 * the same version into its cache (`bun x`).
 *
 * @param showHelp called when there is no terminal UI to be had, after the reason was told
 * @returns the exit code
 */
export async function runTui(host: Host, showHelp: () => Promise<unknown>): Promise<number> {
  if (!host.isInteractive) {
    host.stderr.write("icmpx: the terminal UI needs a terminal; without one there are these commands:\n\n");
    await showHelp();
    return ExitCode.Failed;
  }
  const url = (await findInstalled(host)) ?? (await fetchTui(host));
  const code = url === undefined ? ExitCode.Failed : await run(await host.load(url));
  if (code === ExitCode.Failed) {
    host.stderr.write("\n");
    await showHelp();
  }
  return code;
}

/** The module beside this package, if it is of the same version: they are made for each other. */
async function findInstalled(host: Host): Promise<string | undefined> {
  const url = host.locate(`${PACKAGE}/main`);
  const description = host.locate(`${PACKAGE}/package.json`);
  if (url === undefined || description === undefined) return undefined;
  const installed = (await Bun.file(fileURLToPath(description)).json()) as { readonly version: string };
  return installed.version === version() ? url : undefined;
}

/** Has Bun fetch the package, which tells where it is then. */
async function fetchTui(host: Host): Promise<string | undefined> {
  const wanted = `${PACKAGE}@${version()}`;
  const { code, stdout } = await host.execute([process.execPath, "x", wanted, "--locate"]);
  const url = stdout.trim().split("\n").at(-1) ?? "";
  if (code === 0 && url.startsWith("file:")) return url;
  host.stderr.write(
    [
      "icmpx: the terminal UI is a package of its own, and could not be fetched. One of these installs it:",
      `  bun add ${wanted}            # beside icmpx in a project`,
      `  bun add --global ${wanted}   # beside a global icmpx`,
      "",
    ].join("\n"),
  );
  return undefined;
}

async function run(module: unknown): Promise<number> {
  return (module as TuiModule).main({ args: [] });
}
