/**
 * Bundles what the two packages export into their `dist/`: Bun reads a few large files sooner than
 * a hundred small ones. Names stay as they are, and source maps lead stack traces to `src/`, which
 * is in the packages.
 *
 * The codecs are a file of their own, so that a `PacketError` is the same class in both entries.
 * Bun's splitting would do that, too, but what crosses from one file to another is then called
 * otherwise (`Client2`). Of the programs nobody sees such names.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const TUI = join(ROOT, "tui");
const SOURCES = join(ROOT, "src");
const CODECS = join(SOURCES, "packet/codecs.ts");
/** What is in {@link CODECS}, which there is as a bundle only. */
const codecs = [
  join(SOURCES, "errors.ts"),
  ...readdirSync(join(SOURCES, "packet"), { withFileTypes: true })
    .filter(({ name }) => name !== "index.ts")
    .map(({ name }) => join(SOURCES, "packet", name)),
];

await bundle([CODECS], {
  files: { [CODECS]: codecs.map((path) => `export * from ${JSON.stringify(path)};`).join("\n") },
});
await bundle([join(SOURCES, "index.ts")], { plugins: [codecsFrom(SOURCES)] });
await bundle([join(SOURCES, "format.ts")], { plugins: [codecsFrom(SOURCES)] });
await bundle([join(SOURCES, "packet/index.ts")], { plugins: [codecsFrom(dirname(CODECS))] });
const program: Partial<Bun.BuildConfig> = {
  splitting: true,
  external: ["icmpx", "icmpx/format", "icmpx/packet", "@opentui/core"],
  naming: { chunk: "[name]-[hash].[ext]" },
};
await bundle([join(SOURCES, "cli/icmpx.ts")], program);
await bundle([join(TUI, "src/icmpx-tui.ts"), join(TUI, "src/main.ts")], program);

/**
 * Bundles files of one folder into the place in `dist/` that mirrors theirs: source maps and files
 * are found relative to it.
 */
async function bundle(entrypoints: string[], options: Partial<Bun.BuildConfig>): Promise<void> {
  const folder = dirname(entrypoints[0] ?? "");
  const home = folder.startsWith(TUI) ? TUI : ROOT;
  const { outputs } = await Bun.build({
    entrypoints,
    root: folder,
    outdir: join(home, "dist", relative(join(home, "src"), folder)),
    // For Node, `using` is compiled away. Bun before 1.3.14 does not know it in what the pragma
    // makes it run as it is.
    target: "node",
    banner: "// @bun",
    sourcemap: "linked",
    ...options,
  });
  for (const { path } of outputs) if (path.endsWith(".js")) await toAscii(path);
}

/**
 * Writes what is not ASCII in the strings of a script as escapes: Bun reads a script that has the
 * pragma as Latin-1.
 */
async function toAscii(path: string): Promise<void> {
  const text = await Bun.file(path).text();
  const escaped = text.replace(/[^\0-\x7f]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  if (escaped !== text) await Bun.write(path, escaped);
}

/** Leaves imports of a codec to the bundle of codecs, as it is found from `folder`. */
function codecsFrom(folder: string): Bun.BunPlugin {
  const known = new Set(codecs);
  const place = relative(folder, join(dirname(CODECS), basename(CODECS, ".ts")));
  return {
    name: "codecs apart",
    setup: (build) => {
      build.onResolve({ filter: /^\./ }, ({ path, importer }) =>
        known.has(resolve(dirname(importer), path))
          ? { path: `./${place}.js`, external: true }
          : undefined,
      );
    },
  };
}
