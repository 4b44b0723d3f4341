import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  checkSnippets,
  type Link,
  listCommentSnippets,
  listFileLinks,
  listMarkdownSnippets,
  type Snippet,
} from "./support/documents.ts";

const ROOT = join(import.meta.dir, "..");
/** Starting the compiler takes a few seconds when the machine is busy. */
const COMPILER_TIMEOUT = 120_000;

describe("this repository", () => {
  test(
    "type-checks every ts block of its documents and doc comments",
    async () => {
      const snippets: Snippet[] = [];
      for (const [path, text] of await readAll("*.md", "docs/*.md")) {
        snippets.push(...listMarkdownSnippets(path, text));
      }
      for (const [path, text] of await readAll("src/**/*.ts")) {
        snippets.push(...listCommentSnippets(path, text));
      }
      expect(snippets.map(({ path }) => path)).toContain("README.md");
      expect(checkSnippets(ROOT, snippets)).toEqual([]);
    },
    COMPILER_TIMEOUT,
  );

  test("links only to files that exist", async () => {
    const links: Link[] = [];
    for (const [path, text] of await readAll("*.md", "docs/*.md"))
      links.push(...listFileLinks(path, text));
    const broken = links.filter(
      ({ path, target }) => !existsSync(join(ROOT, dirname(path), target)),
    );
    expect(links.map(({ path }) => path)).toContain("README.md");
    expect(broken).toEqual([]);
  });

  test("runs in .ci/run the very commands of the README", async () => {
    const script = await Bun.file(join(ROOT, ".ci/run")).text();
    const readme = await Bun.file(join(ROOT, "README.md")).text();
    const commands = [...script.matchAll(/"(npx --yes bun@.+)"/g)].map(([, command]) => command);
    expect(commands).toEqual(readme.match(/^npx --yes bun@.+$/gm) ?? []);
    expect(commands).toHaveLength(2);
  });

  test("names one Bun version everywhere", async () => {
    const { devDependencies } = await Bun.file(join(ROOT, "package.json")).json();
    const script = await Bun.file(join(ROOT, ".ci/run")).text();
    const readme = await Bun.file(join(ROOT, "README.md")).text();
    const named = [...`${script}\n${readme}`.matchAll(/\bbun@(\d[\w.]*)/g)];
    expect(named.length).toBeGreaterThan(1);
    expect([...new Set(named.map(([, version]) => version))]).toEqual([
      devDependencies["@types/bun"],
    ]);
  });

  test("asks in the README for the Bun that the packages ask for", async () => {
    const [library, tui] = await Promise.all(
      ["package.json", "tui/package.json"].map((path) => Bun.file(join(ROOT, path)).json()),
    );
    const [oldest, oldestForTui] = [library, tui].map(({ engines }) => engines.bun.slice(2));
    const sentence = `Bun ${oldest} or newer; for the terminal UI, ${oldestForTui}.`;
    expect(await Bun.file(join(ROOT, "README.md")).text()).toContain(sentence);
  });
});

describe("listMarkdownSnippets()", () => {
  test("finds ts fences only, with the line of their first line", () => {
    const markdown = [
      "# Title",
      "```ts",
      "const a = 1;",
      "",
      "a;",
      "```",
      "```sh",
      "bun a",
      "```",
    ].join("\n");
    expect(listMarkdownSnippets("a.md", markdown)).toEqual([
      { path: "a.md", line: 3, code: "const a = 1;\n\na;" },
    ]);
  });

  test("strips the indent of a fence in a list and minds longer fences", () => {
    const markdown = [
      "- item",
      "  ```ts",
      "  a;",
      "  ```",
      "````md",
      "```ts",
      "b;",
      "```",
      "````",
    ].join("\n");
    expect(listMarkdownSnippets("a.md", markdown)).toEqual([{ path: "a.md", line: 3, code: "a;" }]);
  });
});

describe("listCommentSnippets()", () => {
  test("finds fences in doc comments, not in code", () => {
    const source = [
      "/**",
      " * Pings.",
      " * @example",
      " * ```ts",
      " * ping();",
      " * ```",
      " */",
      "export const fence = `",
      "```ts",
      "no();",
      "```",
      "`;",
    ].join("\n");
    expect(listCommentSnippets("src/a.ts", source)).toEqual([
      { path: "src/a.ts", line: 5, code: "ping();" },
    ]);
  });

  test("reads an indented comment of a method", () => {
    const source =
      "class A {\n  /**\n   * ```ts\n   * if (a) {\n   *   b();\n   * }\n   * ```\n   */\n}";
    expect(listCommentSnippets("a.ts", source)).toEqual([
      { path: "a.ts", line: 4, code: "if (a) {\n  b();\n}" },
    ]);
  });
});

describe("listFileLinks()", () => {
  test("finds relative targets of links, images, references and tags", () => {
    const markdown = [
      "[a](docs/a.md#part) and ![b](b.png)",
      "[c]: ./c.md",
      '<img src="d.svg">',
      "[web](https://example.org/x) [part](#part) [mail](mailto:a@example.org) `[no](no.md)`",
      "```",
      "[no](no.md)",
      "```",
    ].join("\n");
    expect(listFileLinks("README.md", markdown).map(({ line, target }) => [line, target])).toEqual([
      [1, "docs/a.md"],
      [1, "b.png"],
      [2, "./c.md"],
      [3, "d.svg"],
    ]);
  });
});

describe("checkSnippets()", () => {
  test(
    "names file and line of each error and accepts a top-level await",
    () => {
      const good =
        'import { join } from "node:path";\nawait Bun.sleep(0);\nconst unused = join("a", "b");';
      const bad = "const a = 1;\nconst text: string = a;";
      const broken = "const = 1;";
      const problems = checkSnippets(ROOT, [
        { path: "good.md", line: 10, code: good },
        { path: "bad.md", line: 20, code: bad },
        { path: "broken.md", line: 30, code: broken },
        { path: "lost.md", line: 40, code: 'import { nothing } from "icmpx/nowhere";' },
      ]);
      const places = new Set(problems.map((problem) => problem.split(" ")[0]));
      expect([...places]).toEqual(["bad.md:21", "broken.md:30", "lost.md:40"]);
      expect(problems[0]).toContain("Type 'number' is not assignable to type 'string'");
    },
    COMPILER_TIMEOUT,
  );
});

async function readAll(...patterns: string[]): Promise<[path: string, text: string][]> {
  const paths: string[] = [];
  for (const pattern of patterns)
    paths.push(...(await Array.fromAsync(new Bun.Glob(pattern).scan(ROOT))));
  return Promise.all(
    paths.sort().map(async (path) => [path, await Bun.file(join(ROOT, path)).text()]),
  );
}
