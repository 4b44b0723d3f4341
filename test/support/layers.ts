/**
 * The rules of who may import whom, as functions over a set of source texts, so that the checker
 * itself can be tested on made-up files.
 *
 * @module
 */
import { dirname, join } from "node:path/posix";
import ts from "typescript";

/** Source text by path, relative to the repository, with `/` between folders. */
export type Sources = ReadonlyMap<string, string>;

/** The files under `root` that `pattern` names. */
export async function readSources(root: string, pattern: string): Promise<Sources> {
  const paths = (await Array.fromAsync(new Bun.Glob(pattern).scan(root))).sort();
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path, await Bun.file(join(root, path)).text()] as const),
    ),
  );
}

/** One import, re-export, `import()` or `import("...").Type`; types count as much as values. */
export interface Import {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  /** The path it leads to when the specifier is relative, else the specifier itself. */
  readonly target: string;
}

interface Layer {
  readonly name: string;
  readonly contains: (path: string) => boolean;
  readonly allows: (target: string, from: string) => boolean;
}

/** The one room of `client/` that may know libc. */
const TOUCHES_FFI = /^src\/client\/transport\//;
const PUBLIC_ENTRY = /^icmpx(\/packet|\/format)?$/;
const BUILT_IN = /^(node:|bun:|bun$)/;

/** What draws on the terminal, and nothing but `tui/src/program/` knows. */
const RENDERER = /^@opentui\/core$/;

/** A room of `src/client`. */
export interface Room {
  readonly name: string;
  /** A room imports only rooms on lower floors. */
  readonly floor: number;
  /** What it is, in one line. */
  readonly what: string;
}

/**
 * The rooms of `src/client`, from the top floor down. `client` is the file `client.ts`, all others
 * are folders.
 */
export const ROOMS: readonly Room[] = [
  { name: "client", floor: 7, what: "the door: public methods, and the lifetime of sockets" },
  { name: "strategies", floor: 6, what: "when to send what" },
  { name: "sweep", floor: 6, what: "any number of hosts, in constant memory" },
  { name: "run", floor: 5, what: "what is asked, and how it is awaited" },
  { name: "probing", floor: 4, what: "from the wish to send one probe to its verdict" },
  { name: "transport", floor: 3, what: "where bytes meet the kernel" },
  { name: "format", floor: 2, what: "results as text" },
  { name: "names", floor: 2, what: "hosts to addresses and back" },
  { name: "results", floor: 1, what: "what a caller is given" },
  { name: "time", floor: 1, what: "clocks, and when to wake" },
];

/** The room of a file of `src/client`, or undefined. */
export function roomOf(path: string): Room | undefined {
  const name = /^src\/client\/(?:([^/]+)\/.+|(client)\.ts)$/.exec(path);
  return ROOMS.find((room) => room.name === (name?.[1] ?? name?.[2]));
}

/**
 * The table: the first layer that contains a file says what it may import. Later folders need a row
 * here.
 */
const LAYERS: readonly Layer[] = [
  { name: "errors.ts", contains: (path) => path === "src/errors.ts", allows: () => false },
  {
    name: "packet/",
    contains: (path) => path.startsWith("src/packet/"),
    allows: (target) => target === "src/errors.ts" || target.startsWith("src/packet/"),
  },
  {
    name: "ffi/",
    contains: (path) => path.startsWith("src/ffi/"),
    allows: (target) =>
      BUILT_IN.test(target) ||
      target === "src/errors.ts" ||
      target === "src/packet/address.ts" ||
      target.startsWith("src/ffi/"),
  },
  {
    name: "client/",
    contains: (path) => roomOf(path) !== undefined,
    allows: (target, from) =>
      (BUILT_IN.test(target) && target !== "bun:ffi") ||
      target === "src/errors.ts" ||
      target.startsWith("src/packet/") ||
      isRoomBelow(target, from) ||
      (target.startsWith("src/ffi/") && TOUCHES_FFI.test(from)),
  },
  {
    name: "entries",
    contains: (path) => path === "src/index.ts" || path === "src/format.ts",
    allows: (target) => target === "src/errors.ts" || /^src\/(packet|client)\//.test(target),
  },
  outermost("src/cli/"),
  outermost("examples/"),
  tui("model/", []),
  tui("draw/", ["model/"]),
  tui("panels/", ["model/", "draw/"]),
  tui("screen/", ["model/", "draw/", "panels/"], RENDERER),
  tui("program/", ["model/", "draw/", "panels/", "screen/"], RENDERER),
  tui("", ["../package.json"]),
];

/** Whether `target` is in the room of `from`, or in one on a lower floor. */
function isRoomBelow(target: string, from: string): boolean {
  const [upper, lower] = [roomOf(from), roomOf(target)];
  if (upper === undefined || lower === undefined) return false;
  return upper === lower || upper.floor > lower.floor;
}

/**
 * People's programs know the published name, Bun's and Node's modules, and files beside themselves.
 */
function outermost(folder: string): Layer {
  return {
    name: folder.replace("src/", ""),
    contains: (path) => path.startsWith(folder),
    allows: (target) =>
      PUBLIC_ENTRY.test(target) ||
      (BUILT_IN.test(target) && target !== "bun:ffi") ||
      target.startsWith(folder),
  };
}

/**
 * A folder of the terminal UI, which people's programs are like, with the others that it may look
 * into.
 */
function tui(folder: string, others: readonly string[], packages?: RegExp): Layer {
  const { name, contains, allows } = outermost(`tui/src/${folder}`);
  const paths = others.map((other) => join("tui/src", other));
  return {
    name,
    contains,
    allows: (target, from) =>
      allows(target, from) ||
      paths.some((path) => target.startsWith(path)) ||
      packages?.test(target) === true,
  };
}

/** Whatever would tie the codecs to one runtime or to the time of day. */
const IMPURE_GLOBALS: ReadonlySet<string> = new Set([
  "Bun",
  "Buffer",
  "Date",
  "console",
  "performance",
  "process",
  "queueMicrotask",
  "require",
  "setInterval",
  "setImmediate",
  "setTimeout",
]);

/** Every import of the file `path`, in order. */
export function listImports(path: string, source: string): Import[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest);
  const imports: Import[] = [];
  visit(file);
  return imports;

  function visit(node: ts.Node): void {
    const literal = moduleSpecifier(node);
    if (literal !== undefined) {
      const specifier = literal.text;
      const line = file.getLineAndCharacterOfPosition(literal.getStart(file)).line + 1;
      const target = /^\.{1,2}\//.test(specifier) ? join(dirname(path), specifier) : specifier;
      imports.push({ from: path, line, specifier, target });
    }
    ts.forEachChild(node, visit);
  }
}

function moduleSpecifier(node: ts.Node): ts.StringLiteralLike | undefined {
  let specifier: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    specifier = node.moduleSpecifier;
  } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    specifier = node.arguments[0];
  } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    specifier = node.argument.literal;
  }
  return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier : undefined;
}

/** Imports that the table forbids, and files that no row of it covers. */
export function findForbiddenImports(sources: Sources): string[] {
  const problems: string[] = [];
  for (const [path, source] of sources) {
    const layer = LAYERS.find(({ contains }) => contains(path));
    if (layer === undefined) {
      problems.push(`${path} belongs to no layer`);
      continue;
    }
    for (const { line, specifier, target } of listImports(path, source)) {
      if (!layer.allows(target, path))
        problems.push(`${path}:${line} ${layer.name} imports ${specifier}`);
    }
  }
  return problems;
}

/** Uses of runtime globals and clocks inside `packet/`. */
export function findImpureGlobals(sources: Sources): string[] {
  const problems: string[] = [];
  for (const [path, source] of sources) {
    if (!path.startsWith("src/packet/")) continue;
    const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
    visit(file);

    function visit(node: ts.Node): void {
      if (ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text) && isReference(node)) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
        problems.push(`${path}:${line + 1} packet/ uses ${node.text}`);
      }
      ts.forEachChild(node, visit);
    }
  }
  return problems;
}

/** Whether `node` stands for a variable or a type, and not for a property or a key of that name. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return !(
    ts.isPropertySignature(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isMethodDeclaration(parent)
  );
}

/** Files called `index.ts` other than the two entries. */
export function findExtraIndexes(sources: Sources): string[] {
  const entries = ["src/index.ts", "src/packet/index.ts"];
  return [...sources.keys()].filter(
    (path) => /(^|\/)index\.ts$/.test(path) && !entries.includes(path),
  );
}

/** Import cycles, type imports included, each as `a -> b -> a` and reported once. */
export function findCycles(sources: Sources): string[] {
  const cycles: string[] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  for (const path of sources.keys()) visit(path);
  return cycles;

  function visit(path: string): void {
    const start = trail.indexOf(path);
    if (start !== -1) {
      cycles.push([...trail.slice(start), path].join(" -> "));
      return;
    }
    const source = sources.get(path);
    if (finished.has(path) || source === undefined) return;
    trail.push(path);
    for (const { target } of listImports(path, source)) visit(target);
    trail.pop();
    finished.add(path);
  }
}

/** Files with more than `limit` lines, the longest first. */
export function findLongFiles(sources: Sources, limit: number): string[] {
  return [...sources]
    .map(([path, source]) => ({ path, lines: source.split("\n").length - 1 }))
    .filter(({ lines }) => lines > limit)
    .sort((a, b) => b.lines - a.lines)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
}
