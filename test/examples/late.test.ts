import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as icmpx from "icmpx";
import { Client } from "../../src/client/client.ts";
import { scene } from "../client/support.ts";
import { openLab, type SimulatedLab } from "../lab/open-lab.ts";
import { requiresSimulator } from "../lab/requires-simulator.ts";
import type { Scenario } from "../lab/scenario.ts";
import { listMarkdownSnippets } from "../support/documents.ts";
import { FakePath } from "../support/fake-path.ts";
import { describeIf } from "../support/requires.ts";
import { exampleCommand } from "./run-example.ts";

setDefaultTimeout(60_000);

const README = resolve(import.meta.dir, "../../README.md");
const TARGET = "198.51.100.1";
const COUNT = 20;
/** Every answer takes longer than anybody waits for it. */
const RTT_MS = 304;
const TIMEOUT_MS = 220;

/** A program of the README, as printed but for its numbers. */
type Program = (library: typeof icmpx, console: { log(text: string): void }) => Promise<void>;

describe("README's loops over answers that all come after the timeout", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "icmpx-readme-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The lines that the README's program with `marker` in it prints. */
  async function linesOf(marker: string): Promise<string[]> {
    const { clock, platform } = scene(new FakePath({ delays: RTT_MS }));
    class FakeClient extends Client {
      constructor(options: icmpx.ClientOptions = {}) {
        super({ ...options, timeout: TIMEOUT_MS }, platform);
      }
    }
    const snippets = listMarkdownSnippets(README, await Bun.file(README).text());
    const { code = "" } = snippets.find((snippet) => snippet.code.includes(marker)) ?? {};
    const body = code
      .replace(/import \{(.+)\} from "icmpx";/, "const {$1} = library;")
      .replace('"127.0.0.1"', `"${TARGET}"`)
      .replace(/count: \d+/, `count: ${COUNT}`);
    const path = join(folder, `${marker.replace(/\W/g, "")}.ts`);
    await Bun.write(path, `export default async (library, console) => {\n${body}\n};\n`);
    const { default: program } = (await import(path)) as { default: Program };
    const lines: string[] = [];
    await clock.runUntil(
      program(
        { ...icmpx, Client: FakeClient as typeof icmpx.Client },
        { log: (text) => void lines.push(...text.split("\n")) },
      ),
    );
    return lines;
  }

  test("say of each probe that it is lost, and nothing else", async () => {
    const lines = await linesOf("isDecisive(result)");
    expect(lines).toEqual(Array(COUNT).fill(`${TARGET}: timeout`));
  });

  test("mark what came late, and count every probe as lost", async () => {
    const lines = await linesOf("formatEchoResult(result)");
    const replies = lines.filter((line) => line.includes(" bytes from "));
    expect(replies.filter((line) => !line.endsWith(" (late)"))).toEqual([]);
    expect(lines.filter((line) => line.startsWith("No answer from "))).toHaveLength(COUNT);
    expect(lines.join("\n")).toContain(
      `${COUNT} packets transmitted, 0 received, 100% packet loss`,
    );
  });
});

const SLOW: Scenario = {
  name: "slow",
  about: "A target whose answers take longer than anybody waits for them.",
  nodes: { target: { address: { 4: TARGET, 6: "2001:db8::1" }, delay: RTT_MS / 2 } },
  routes: [{ to: "target", via: [] }],
  runs: [],
};

describeIf(requiresSimulator(), "examples whose answers all come after the timeout", () => {
  let lab: SimulatedLab;
  beforeAll(async () => {
    lab = await openLab(SLOW);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test.each([
    [
      "ping.ts",
      ["-c", "20", "-i", "0.02"],
      1,
      /^20 packets transmitted, 0 received, 100% packet loss/m,
    ],
    ["multiping.ts", ["-c", "20", "-i", "0.02"], 1, /│ +20 │ +0 │ +100\.0 │/],
    ["mtr.ts", ["-c", "20", "-i", "0.02"], 0, /│ +20 │ +0 │ +100\.0 │/],
    ["traceroute.ts", ["-m", "3"], 1, /^ 1 {2}\* \* \*\n.+\n.+\nnot reached within 3 hops$/m],
    // A sweep asks who is there: its last probe must be lost, too.
    ["sweep.ts", ["-n", "0"], 1, /^0 of 1 hosts answered/m],
  ] as const)("%s %j counts them as lost", async (name, options, code, expected) => {
    const timeout = ["-t", `${TIMEOUT_MS / 1000}`];
    const command = exampleCommand(name, TARGET, ...timeout, ...options);
    const child = lab.spawn(command);
    child.stdin.end();
    expect(await new Response(child.stderr).text()).toBe("");
    expect(await new Response(child.stdout).text()).toMatch(expected);
    expect(await child.exited).toBe(code);
  });
});
