import { expect, setDefaultTimeout, test } from "bun:test";
import { Resolver } from "../../src/client/names/resolver.ts";
import {
  type Platform,
  RESOLVER_CLOCK,
  systemPlatform,
} from "../../src/client/transport/platform.ts";
import { describeIf, requires } from "../support/requires.ts";
import { parseCsv, parseNdjson, runCli } from "./fake-environment.ts";

setDefaultTimeout(30_000);

/** Names that somebody may give to his own addresses. */
const HOSTILE: readonly (readonly [what: string, name: string])[] = [
  ["an escape sequence", "\x1b]0;owned\x07\x1b[2Jrouter"],
  ["a C1 control", "router\x9b31m"],
  ["a new line", "router\n 9  192.0.2.66  1.000 ms"],
  ["right-to-left text with overrides", "\u202emoc.elpmaxe\u202c\u05d0\u05d1\u05d2"],
  ["255 bytes", `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(63)}`],
  ["commas and quotes", 'a,"b",c'],
];
const ESCAPE = "\x1b";
/** What the live screen itself sends. */
const OWN_SEQUENCES = new RegExp(`${ESCAPE}\\[(H|K|J|\\?1049[hl]|\\?25[hl])`, "g");
/**
 * What a terminal could act upon: controls, and format characters such as the bidirectional ones.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describeIf(requires.all(requires.linux(), requires.root()), "names from the network", () => {
  for (const [what, name] of HOSTILE) {
    const platform = (): Platform => ({
      ...systemPlatform(),
      resolver: new Resolver(
        {
          lookup: async (_, family) => [
            { address: family === 6 ? "::1" : "127.0.0.1", family: family === 6 ? 6 : 4 },
          ],
          reverse: async () => name,
        },
        RESOLVER_CLOCK,
      ),
    });
    const shown = async (line: string) => (await runCli(line, { platform: platform() })).stdout;

    test(`with ${what} are escaped in text`, async () => {
      for (const line of [
        "ping -H -c 1 127.0.0.1",
        "ping -H -c 1 127.0.0.1 127.0.0.2",
        "traceroute 127.0.0.1",
        "mtr -r -c 1 127.0.0.1",
        "mtr -rwb -c 1 127.0.0.1",
      ]) {
        const lines = (await shown(line)).split("\n");
        expect(lines.filter((each) => UNSAFE.test(each))).toEqual([]);
        expect(lines.filter((each) => each.trimStart().startsWith("9  192.0.2.66"))).toEqual([]);
      }
    });

    test(`with ${what} live on a terminal stay within its width, without a sequence of their own`, async () => {
      const terminal = { columns: 60, rows: 10 };
      const { stdout } = await runCli("mtr -c 2 -i 0.02 127.0.0.1", {
        terminal,
        env: { NO_COLOR: "1" },
        platform: platform(),
      });
      const bare = stdout.replace(OWN_SEQUENCES, "").replace(/\r?\n/g, "");
      expect(bare).not.toMatch(UNSAFE);
      for (const line of stdout.replace(OWN_SEQUENCES, "\n").split(/\r?\n/)) {
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(60);
      }
    });

    test(`with ${what} survive JSON, without a character that a terminal acts upon`, async () => {
      const text = await shown("traceroute -q 1 --ndjson 127.0.0.1");
      for (const line of text.split("\n")) expect(line).not.toMatch(UNSAFE);
      const [hop] = parseNdjson(text);
      expect(hop).toMatchObject({ event: "hop", ttl: 1, hostname: name });
      const document = JSON.parse(await shown("mtr -c 1 --json 127.0.0.1"));
      expect(document.hops[0].hostname).toBe(name);
    });

    test(`with ${what} are one field of a line of CSV`, async () => {
      for (const line of ["traceroute -q 1 --csv 127.0.0.1", "mtr -c 1 --csv 127.0.0.1"]) {
        const text = await shown(line);
        expect(text.trimEnd().split("\n")).toHaveLength(2);
        expect(text.replaceAll("\n", "")).not.toMatch(UNSAFE);
        expect(parseCsv(text)[0]?.["name"]).toBe(name.replace(new RegExp(UNSAFE, "gu"), " "));
      }
    });
  }

  test("ping shows names for a host given by name, and with -H; -n shows none", async () => {
    const platform = (): Platform => ({
      ...systemPlatform(),
      resolver: new Resolver(
        {
          lookup: async () => [{ address: "127.0.0.1", family: 4 }],
          reverse: async () => "named.example",
        },
        RESOLVER_CLOCK,
      ),
    });
    const shown = async (line: string) => (await runCli(line, { platform: platform() })).stdout;
    expect(await shown("ping -c 1 host.example")).toContain("from named.example (127.0.0.1): ");
    expect(await shown("ping -c 1 -n host.example")).not.toContain("named.example");
    expect(await shown("ping -c 1 127.0.0.1")).not.toContain("named.example");
    expect(await shown("ping -c 1 -H 127.0.0.1")).toContain("from named.example (127.0.0.1): ");
    expect(await shown("mtr -r -n -c 1 127.0.0.1")).not.toContain("named.example");
    expect(await shown("traceroute -n 127.0.0.1")).not.toContain("named.example");
  });

  test("--csv keeps a spreadsheet from running the name of an answering host", async () => {
    const platform = (): Platform => ({
      ...systemPlatform(),
      resolver: new Resolver(
        { lookup: async () => [], reverse: async () => "=cmd|calc!A0" },
        RESOLVER_CLOCK,
      ),
    });
    const csv = async (line: string) => (await runCli(line, { platform: platform() })).stdout;
    for (const line of ["ping -H -c 1 --csv", "mtr -c 1 --csv", "traceroute -q 1 --csv"]) {
      expect(await csv(`${line} 127.0.0.1`)).toContain(",'=cmd|calc!A0,");
    }
  });

  test("mtr: -r is a report on a terminal, too; -w cuts no names, -b shows addresses beside them", async () => {
    const name = `${"long-name.".repeat(8)}example`;
    const run = async (line: string) => {
      const platform: Platform = {
        ...systemPlatform(),
        resolver: new Resolver(
          { lookup: async () => [], reverse: async () => name },
          RESOLVER_CLOCK,
        ),
      };
      const env = { NO_COLOR: "1" };
      return (await runCli(line, { platform, env, terminal: { columns: 80, rows: 24 } })).stdout;
    };
    const live = await run("mtr -c 1 127.0.0.1");
    expect(live).toContain("\x1b[?1049h");
    const report = await run("mtr -r -c 1 127.0.0.1");
    expect(report).not.toContain("\x1b");
    expect(report).not.toContain(name);
    expect(report).toContain("1.|-- long-name.");
    const wide = await run("mtr -w -c 1 127.0.0.1");
    expect(wide).not.toContain("\x1b");
    expect(wide).toContain(name);
    expect(wide).not.toContain(`${name} (127.0.0.1)`);
    expect(await run("mtr -wb -c 1 127.0.0.1")).toContain(`${name} (127.0.0.1)`);
  });
});
