/**
 * What docs.test.ts looks for in documents: code blocks and links, and a type check of the blocks.
 *
 * @module
 */
import { dirname, join } from "node:path";
import ts from "typescript";

/** One fenced `ts` block. Line numbers count from 1. */
export interface Snippet {
  readonly path: string;
  /** The line of `path` where the first line of `code` stands. */
  readonly line: number;
  readonly code: string;
}

/** One link or image of a Markdown file whose target is a path, with any `#anchor` cut off. */
export interface Link {
  readonly path: string;
  readonly line: number;
  readonly target: string;
}

interface Line {
  readonly text: string;
  readonly number: number;
}

const FENCE = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/;
const TYPESCRIPT = /^(ts|typescript|mts)$/;

/** The `ts` blocks of a Markdown text. */
export function listMarkdownSnippets(path: string, markdown: string): Snippet[] {
  const { snippets } = splitFences(path, numberLines(markdown));
  return snippets;
}

/** The `ts` blocks inside the doc comments of a TypeScript source. */
export function listCommentSnippets(path: string, source: string): Snippet[] {
  const snippets: Snippet[] = [];
  let comment: Line[] | undefined;
  for (const { text, number } of numberLines(source)) {
    if (/^\s*\/\*\*/.test(text)) comment = [];
    comment?.push({ text: text.replace(/^\s*(\/\*\*|\*(?!\/)) ?/, ""), number });
    if (comment !== undefined && text.includes("*/")) {
      snippets.push(...splitFences(path, comment).snippets);
      comment = undefined;
    }
  }
  return snippets;
}

/**
 * The links of a Markdown text that lead to files; code and addresses with a scheme are left out.
 */
export function listFileLinks(path: string, markdown: string): Link[] {
  const { prose } = splitFences(path, numberLines(markdown));
  const links: Link[] = [];
  for (const { text, number } of prose) {
    const bare = text.replace(/`[^`]*`/g, "code");
    const inline = bare.matchAll(/\]\(\s*<?([^)\s>]+)/g);
    const reference = bare.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/g);
    const html = bare.matchAll(/\b(?:src|href)="([^"]+)"/g);
    for (const [, address = ""] of [...inline, ...reference, ...html]) {
      const target = address.replace(/[#?].*$/, "");
      if (target !== "" && !/^[a-z][a-z0-9+.-]*:/i.test(target))
        links.push({ path, line: number, target });
    }
  }
  return links;
}

function numberLines(text: string): Line[] {
  return text.split("\n").map((line, index) => ({ text: line, number: index + 1 }));
}

function splitFences(path: string, lines: readonly Line[]): { snippets: Snippet[]; prose: Line[] } {
  const snippets: Snippet[] = [];
  const prose: Line[] = [];
  let open: { fence: string; indent: number; isTypeScript: boolean; code: Line[] } | undefined;
  for (const line of lines) {
    const [, indent = "", fence = "", language = ""] = FENCE.exec(line.text) ?? [];
    if (open === undefined) {
      if (fence === "") prose.push(line);
      else
        open = { fence, indent: indent.length, isTypeScript: TYPESCRIPT.test(language), code: [] };
    } else if (fence.startsWith(open.fence) && language === "") {
      const [first] = open.code;
      if (open.isTypeScript && first !== undefined) {
        snippets.push({
          path,
          line: first.number,
          code: open.code.map(({ text }) => text).join("\n"),
        });
      }
      open = undefined;
    } else {
      open.code.push({ text: line.text.slice(open.indent), number: line.number });
    }
  }
  return { snippets, prose };
}

/**
 * Type-checks every snippet as a module of its own that could stand in the folder `root`, all in
 * one program, with the settings of `root`/tsconfig.json.
 *
 * @returns One line for each error: `file:line message`.
 */
export function checkSnippets(root: string, snippets: readonly Snippet[]): string[] {
  const byFile = new Map(
    snippets.map((snippet, index) => [join(root, `snippet-${index}.ts`), snippet]),
  );
  const options = readOptions(root);
  const host = ts.createCompilerHost(options, true);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => byFile.has(name) || fileExists.call(host, name);
  host.readFile = (name) => moduleText(byFile.get(name)) ?? readFile.call(host, name);

  const program = ts.createProgram([...byFile.keys()], options, host);
  const problems: string[] = [];
  for (const [name, snippet] of byFile) {
    const file = program.getSourceFile(name);
    const found = [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ];
    for (const { start = 0, messageText } of found) {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line;
      const message = ts.flattenDiagnosticMessageText(messageText, " ");
      problems.push(`${snippet.path}:${snippet.line + line} ${message}`);
    }
  }
  return problems;
}

/** The empty export makes a module of a snippet that imports nothing. */
function moduleText(snippet: Snippet | undefined): string | undefined {
  return snippet === undefined ? undefined : `${snippet.code}\nexport {};\n`;
}

function readOptions(root: string): ts.CompilerOptions {
  const path = join(root, "tsconfig.json");
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile);
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, " "));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path));
  // A snippet shows one thing: it may leave a variable unused, and it declares nothing to others.
  return {
    ...options,
    noUnusedLocals: false,
    noUnusedParameters: false,
    isolatedDeclarations: false,
    declaration: false,
  };
}
