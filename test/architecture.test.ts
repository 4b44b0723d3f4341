import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { drawHouse } from "../scripts/support/house.ts";
import {
  findCycles,
  findExtraIndexes,
  findForbiddenImports,
  findImpureGlobals,
  findLongFiles,
  listImports,
  readSources,
  type Sources,
} from "./support/layers.ts";

const ROOT = join(import.meta.dir, "..");
/** Beyond this a file is split; beyond `LONG` it is only named in the output. */
const TOO_LONG = 600;
const LONG = 400;

const sources = await readSources(ROOT, "{src,examples,tui}/**/*.ts");

describe("this repository", () => {
  test("has sources to check", () => {
    expect([...sources.keys()]).toContain("src/errors.ts");
    expect([...sources.keys()]).toContain("tui/src/main.ts");
  });

  test("imports only what the table of layers allows", () => {
    expect(findForbiddenImports(sources)).toEqual([]);
  });

  test("keeps packet/ free of clocks and of any runtime's globals", () => {
    expect(findImpureGlobals(sources)).toEqual([]);
  });

  test("has no index.ts but the two entries", () => {
    expect(findExtraIndexes(sources)).toEqual([]);
  });

  test("has no import cycle", () => {
    expect(findCycles(sources)).toEqual([]);
  });

  test("is what docs/house.svg shows; if not, run: bun scripts/house.ts", async () => {
    expect(await Bun.file(join(ROOT, "docs/house.svg")).text()).toBe(drawHouse(sources));
  });

  test(`has no file over ${TOO_LONG} lines`, () => {
    for (const file of findLongFiles(sources, LONG))
      console.warn(`${file}: split it at the next change`);
    expect(findLongFiles(sources, TOO_LONG)).toEqual([]);
  });
});

describe("listImports()", () => {
  test("sees every way of naming a module, types included", () => {
    const source = [
      'import { a } from "./a.ts";',
      'import type { B } from "../b.ts";',
      'import "node:fs";',
      'export { c } from "./deep/c.ts";',
      'export type { D } from "./d.ts";',
      'const e = await import("./e.ts");',
      'let f: import("./f.ts").F;',
      '// import { g } from "./g.ts";',
      'const text = `import { h } from "./h.ts"`;',
    ].join("\n");
    expect(
      listImports("src/client/x.ts", source).map(({ line, target }) => [line, target]),
    ).toEqual([
      [1, "src/client/a.ts"],
      [2, "src/b.ts"],
      [3, "node:fs"],
      [4, "src/client/deep/c.ts"],
      [5, "src/client/d.ts"],
      [6, "src/client/e.ts"],
      [7, "src/client/f.ts"],
    ]);
  });
});

describe("findForbiddenImports()", () => {
  const forbidden: readonly (readonly [path: string, specifier: string])[] = [
    ["src/errors.ts", "node:util"],
    ["src/errors.ts", "./packet/address.ts"],
    ["src/packet/udp.ts", "bun:ffi"],
    ["src/packet/udp.ts", "node:buffer"],
    ["src/packet/udp.ts", "../ffi/socket.ts"],
    ["src/packet/udp.ts", "../client/client.ts"],
    ["src/packet/udp.ts", "ipaddr.js"],
    ["src/ffi/socket.ts", "../packet/icmpv4.ts"],
    ["src/ffi/socket.ts", "../client/options.ts"],
    ["src/client/strategies/ping.ts", "../../ffi/socket.ts"],
    ["src/client/strategies/ping.ts", "bun:ffi"],
    ["src/client/transport/raw.ts", "bun:ffi"],
    ["src/client/client.ts", "../ffi/socket.ts"],
    ["src/client/transport/platform.ts", "../../index.ts"],
    ["src/index.ts", "./ffi/socket.ts"],
    ["src/index.ts", "node:os"],
    ["src/cli/main.ts", "../client/client.ts"],
    ["examples/ping.ts", "../src/index.ts"],
    ["examples/ping.ts", "icmpx/src/client/client.ts"],
    ["examples/ping.ts", "bun:ffi"],
    ["src/cli/tui.ts", "icmpx-tui/main"],
    ["src/cli/tui.ts", "../../tui/src/main.ts"],
    ["tui/src/model/session.ts", "@opentui/core"],
    ["tui/src/model/session.ts", "../draw/graph.ts"],
    ["tui/src/model/session.ts", "../../../src/client/client.ts"],
    ["src/client/time/clock.ts", "../results/results.ts"],
    ["src/client/results/results.ts", "../time/clock.ts"],
    ["src/client/probing/prober.ts", "../run/options.ts"],
    ["src/client/sweep/sweep.ts", "../strategies/ping.ts"],
    ["src/client/probing/prober.ts", "../client.ts"],
    ["src/client/client.ts", "./loose.ts"],
    ["tui/src/draw/graph.ts", "../panels/ping.ts"],
    ["tui/src/panels/ping.ts", "@opentui/core"],
    ["tui/src/panels/ping.ts", "../app/app.ts"],
    ["tui/src/program/app.ts", "../main.ts"],
    ["tui/src/program/app.ts", "@opentui/core/testing"],
    ["tui/src/main.ts", "@opentui/core"],
  ];
  for (const [path, specifier] of forbidden) {
    test(`refuses ${specifier} in ${path}`, () => {
      expect(findForbiddenImports(oneImport(path, specifier))).toHaveLength(1);
    });
  }

  const allowed: readonly (readonly [path: string, specifier: string])[] = [
    ["src/packet/udp.ts", "./checksum.ts"],
    ["src/packet/udp.ts", "../errors.ts"],
    ["src/ffi/symbols.ts", "bun:ffi"],
    ["src/ffi/sockaddr.ts", "../packet/address.ts"],
    ["src/client/strategies/ping.ts", "../../packet/icmpv4.ts"],
    ["src/client/names/resolver.ts", "node:dns/promises"],
    ["src/client/transport/raw.ts", "../../ffi/socket.ts"],
    ["src/client/transport/platform.ts", "../../ffi/symbols.ts"],
    ["src/index.ts", "./client/client.ts"],
    ["examples/ping.ts", "icmpx"],
    ["examples/ping.ts", "node:util"],
    ["tui/src/model/session.ts", "icmpx"],
    ["tui/src/draw/log-view.ts", "../model/event-log.ts"],
    ["tui/src/panels/ping.ts", "../draw/graph.ts"],
    ["tui/src/program/app.ts", "@opentui/core"],
    ["tui/src/program/app.ts", "../panels/panel.ts"],
    ["tui/src/main.ts", "./app/start.ts"],
    ["tui/src/main.ts", "../package.json"],
  ];
  for (const [path, specifier] of allowed) {
    test(`allows ${specifier} in ${path}`, () => {
      expect(findForbiddenImports(oneImport(path, specifier))).toEqual([]);
    });
  }

  test("names file, line and module", () => {
    const source = '\nimport type { Socket } from "../../ffi/socket.ts";\n';
    expect(findForbiddenImports(new Map([["src/client/strategies/ping.ts", source]]))).toEqual([
      "src/client/strategies/ping.ts:2 client/ imports ../../ffi/socket.ts",
    ]);
  });

  test("refuses a folder that the table does not know", () => {
    expect(findForbiddenImports(new Map([["src/util/misc.ts", ""]]))).toEqual([
      "src/util/misc.ts belongs to no layer",
    ]);
  });
});

describe("findImpureGlobals()", () => {
  test("names clocks and runtime globals in packet/ only", () => {
    const source = "const now = Date.now();\nexport const b: Buffer = Buffer.alloc(now);\n";
    expect(findImpureGlobals(new Map([["src/packet/a.ts", source]]))).toEqual([
      "src/packet/a.ts:1 packet/ uses Date",
      "src/packet/a.ts:2 packet/ uses Buffer",
      "src/packet/a.ts:2 packet/ uses Buffer",
    ]);
    expect(findImpureGlobals(new Map([["src/client/a.ts", source]]))).toEqual([]);
  });

  test("is not misled by properties of the same name", () => {
    const source =
      "interface A { process: number }\nexport const f = (a: A) => ({ process: a.process });\n";
    expect(findImpureGlobals(new Map([["src/packet/a.ts", source]]))).toEqual([]);
  });
});

describe("findExtraIndexes()", () => {
  test("accepts the entries and nothing else", () => {
    const paths = ["src/index.ts", "src/packet/index.ts", "src/client/index.ts", "src/reindex.ts"];
    expect(findExtraIndexes(new Map(paths.map((path) => [path, ""])))).toEqual([
      "src/client/index.ts",
    ]);
  });
});

describe("findCycles()", () => {
  test("finds a cycle through type imports, once", () => {
    const files: Sources = new Map([
      ["src/a.ts", 'import type { B } from "./b.ts";'],
      ["src/b.ts", 'export { c } from "./c.ts";'],
      ["src/c.ts", 'import { b } from "./b.ts";'],
    ]);
    expect(findCycles(files)).toEqual(["src/b.ts -> src/c.ts -> src/b.ts"]);
  });

  test("accepts a diamond", () => {
    const files: Sources = new Map([
      ["src/a.ts", 'import "./b.ts"; import "./c.ts";'],
      ["src/b.ts", 'import "./d.ts";'],
      ["src/c.ts", 'import "./d.ts";'],
      ["src/d.ts", ""],
    ]);
    expect(findCycles(files)).toEqual([]);
  });
});

describe("findLongFiles()", () => {
  test("counts lines, longest first", () => {
    const files: Sources = new Map([
      ["a.ts", "1\n2\n3\n"],
      ["b.ts", "1\n2\n3\n4\n"],
      ["c.ts", "1\n2\n"],
    ]);
    expect(findLongFiles(files, 2)).toEqual(["b.ts has 4 lines", "a.ts has 3 lines"]);
  });
});

function oneImport(path: string, specifier: string): Sources {
  return new Map([[path, `import ${JSON.stringify(specifier)};`]]);
}
