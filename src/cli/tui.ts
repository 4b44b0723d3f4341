import { fileURLToPath } from "node:url";
import { ExitCode, type Host } from "./host.ts";
import { version } from "./version.ts";

const PACKAGE = "icmpx-tui";
/** The oldest Bun that its renderer runs on. */
export const TUI_BUN = "1.3.14";

/** What the package of the terminal UI exports as `icmpx-tui/main`. */
interface TuiModule {
  /** Runs it until the user leaves. Exit code 2: it could not start, and has said why. */
  main(options: { readonly args: readonly string[] }): Promise<number>;
}

/**
 * Runs the terminal UI, which is a package of its own, in this process. Where it is not installed
 * beside this one, Bun fetches the same version into its cache (`bun x`), once the user has agreed.
 *
 * @param hasAgreed whether to fetch without asking, and even without a terminal: `--yes`
 * @param showHelp called when there is no terminal UI to be had, after the reason was told
 * @returns the exit code
 */
export async function runTui(
  host: Host,
  hasAgreed: boolean,
  showHelp: () => Promise<unknown>,
): Promise<number> {
  const { isInteractive, stdout, stderr } = host;
  let code: number = ExitCode.Failed;
  if (!isInteractive && !hasAgreed) {
    stderr.write(
      "icmpx: the terminal UI needs a terminal; without one there are these commands:\n",
    );
  } else if (Bun.semver.order(process.versions.bun, TUI_BUN) < 0) {
    stderr.write(
      `icmpx: the terminal UI needs Bun ${TUI_BUN} or newer, and this is ${process.versions.bun}\n`,
    );
  } else {
    const url = (await findInstalled(host)) ?? (await fetchTui(host, hasAgreed));
    if (url === undefined) {
      stderr.write(remedy());
    } else if (isInteractive) {
      code = await run(await host.load(url));
    } else {
      stdout.write(`${wanted()} is here; on a terminal, icmpx starts it\n`);
      return ExitCode.Answered;
    }
  }
  if (code === ExitCode.Failed) {
    stderr.write("\n");
    await showHelp();
  }
  return code;
}

/** The module beside this package, if it is of the same version: they are made for each other. */
async function findInstalled(host: Host): Promise<string | undefined> {
  const url = host.locate(`${PACKAGE}/main`);
  const description = host.locate(`${PACKAGE}/package.json`);
  if (url === undefined || description === undefined) return undefined;
  const installed = (await Bun.file(fileURLToPath(description)).json()) as {
    readonly version: string;
  };
  return installed.version === version() ? url : undefined;
}

/**
 * Where Bun's cache has the package, after fetching it there if that is agreed to; undefined if it
 * has not.
 */
async function fetchTui(host: Host, hasAgreed: boolean): Promise<string | undefined> {
  const cached = await locateWith(host, ["--no-install"], "ignore");
  if (cached !== undefined) return cached;
  const question = `The terminal UI is a package of its own. Fetch ${wanted()} (57 MB) from the registry?`;
  return hasAgreed || host.confirm(question) ? locateWith(host, [], "inherit") : undefined;
}

/**
 * Starts the package with `bun x`, which for an exact version looks nowhere but in its cache and
 * the registry.
 */
async function locateWith(
  host: Host,
  flags: readonly string[],
  stderr: "inherit" | "ignore",
): Promise<string | undefined> {
  const command = [process.execPath, "x", ...flags, wanted(), "--locate"];
  const { code, stdout } = await host.execute(command, stderr);
  const url = stdout.trim().split("\n").at(-1) ?? "";
  return code === 0 && url.startsWith("file:") ? url : undefined;
}

/** The package of this release, and of no other. */
function wanted(): string {
  return `${PACKAGE}@${version()}`;
}

function remedy(): string {
  return [
    "icmpx: the terminal UI is a package of its own, and not installed. One of these installs it:",
    `  bun add ${wanted()}            # beside icmpx in a project`,
    `  bun add --global ${wanted()}   # beside a global icmpx`,
    "  icmpx --yes                          # in Bun's cache",
    "",
  ].join("\n");
}

async function run(module: unknown): Promise<number> {
  return (module as TuiModule).main({ args: [] });
}
