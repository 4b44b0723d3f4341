import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/commands.ts";
import { describeIf, requires } from "../support/requires.ts";
import { Pty } from "../tui/pty/pty.ts";
import { runCli } from "./fake-environment.ts";

setDefaultTimeout(60_000);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-complete-"));
  await Bun.write(join(folder, "trace.pcap"), "");
  for (const shell of ["bash", "zsh", "fish"])
    await Bun.write(join(folder, shell), await script(shell));
});
afterAll(() => rm(folder, { recursive: true }));

describe("completions", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    test(`for ${shell} hold every command and every option`, async () => {
      const text = await script(shell);
      for (const { name, aliases, options } of COMMANDS) {
        for (const word of [name, ...aliases]) expect(text).toContain(word);
        for (const option of options)
          expect(text).toContain(shell === "fish" ? `-l ${option.name}` : `--${option.name}`);
      }
    });
  }
});

/** What is typed, and all that is offered for its last word. `FOLDER` has the file trace.pcap. */
const ROWS: readonly (readonly [typed: string, offered: readonly string[]])[] = [
  ["icmpx pi", ["ping"]],
  ["icmpx tra", ["trace", "traceroute"]],
  ["icmpx hel", ["help"]],
  ["icmpx help m", ["mtr", "multiping"]],
  ["icmpx ping --inter", ["--interface", "--interval"]],
  ["icmpx mtr host --report", ["--report", "--report-wide"]],
  ["icmpx ping -M ", ["do", "dont", "want"]],
  ["icmpx ping -c ", []],
  ["icmpx completions ", ["bash", "fish", "zsh"]],
  ["icmpx decode FOLDER/tr", ["FOLDER/trace.pcap"]],
  ["icmpx sweep -f FOLDER/tr", ["FOLDER/trace.pcap"]],
  ["icmpx sweep --exclude-file FOLDER/tr", ["FOLDER/trace.pcap"]],
  ["icmpx doctor --fix --copy-to FOLDER/tr", ["FOLDER/trace.pcap"]],
];

describeIf(requires.command("bash"), "completions, evaluated by bash", () => {
  test.each(ROWS)("%s<Tab>", (typed, offered) => {
    expect(bash(typed.split(" "))).toEqual([...offered]);
  });

  test("--version, options where there are no operands, and a value after =", () => {
    expect(bash(["icmpx", "--v"])).toEqual(["--version"]);
    expect(bash(["icmpx", "doctor", ""])).toEqual([
      "--copy-to",
      "--fix",
      "--help",
      "--json",
      "-h",
      "-j",
    ]);
    expect(bash(["icmpx", "ping", "--pmtudisc", "="])).toEqual(["do", "dont", "want"]);
    expect(bash(["icmpx", "ping", "--pmtudisc", "=", "w"])).toEqual(["want"]);
  });

  test("offers the names of hosts", async () => {
    await Bun.write(join(folder, "hosts"), "192.0.2.1 gateway.example\n");
    expect(bash(["icmpx", "mtr", "-n", "gatew"], { HOSTFILE: join(folder, "hosts") })).toEqual([
      "gateway.example",
    ]);
  });
});

describeIf(requires.command("fish"), "completions, evaluated by fish", () => {
  test.each(ROWS)("%s<Tab>", (typed, offered) => {
    const line = typed.replaceAll("FOLDER", folder);
    const child = Bun.spawnSync([
      "fish",
      "--no-config",
      "-c",
      `source ${folder}/fish; complete -C '${line}'`,
    ]);
    expect(child.stderr.toString()).toBe("");
    const words = lines(child.stdout.toString()).map((each) => each.split("\t", 1)[0] ?? "");
    // It offers files wherever nothing else is known.
    expect(words.filter((word) => !word.endsWith("/")).sort()).toEqual(
      offered.map((word) => word.replaceAll("FOLDER", folder)),
    );
  });
});

/** The line after Tab. zsh has no way to ask for completions but a terminal. */
const ZSH_ROWS: readonly (readonly [typed: string, completed: string])[] = [
  ["icmpx pin", "icmpx ping"],
  ["icmpx help mt", "icmpx help mtr"],
  ["icmpx ping --interv", "icmpx ping --interval="],
  ["icmpx ping -M w", "icmpx ping -M want"],
  ["icmpx ping --pmtudisc=w", "icmpx ping --pmtudisc=want"],
  ["icmpx completions f", "icmpx completions fish"],
  ["icmpx decode FOLDER/tr", "icmpx decode FOLDER/trace.pcap"],
  ["icmpx sweep -f FOLDER/tr", "icmpx sweep -f FOLDER/trace.pcap"],
  ["icmpx sweep --exclude-file=FOLDER/tr", "icmpx sweep --exclude-file=FOLDER/trace.pcap"],
];

describeIf(
  requires.all(requires.linux(), requires.command("zsh")),
  "completions, evaluated by zsh",
  () => {
    test("completes what is typed", async () => {
      await using pty = new Pty(["zsh", "-f"], {
        columns: 160,
        cwd: folder,
        env: { PS1: "> ", ZDOTDIR: folder },
      });
      await pty.shows(">");
      pty.type(`autoload -Uz compinit && compinit -D -u && . ./zsh && print rea''dy\r`);
      await pty.shows("ready");
      for (const [typed, completed] of ZSH_ROWS) {
        pty.type(`\x15\f${typed.replaceAll("FOLDER", folder)}`);
        await pty.until(() => pty.rows[0]?.endsWith(typed.replaceAll("FOLDER", folder)) === true);
        pty.type("\t");
        const line = `> ${completed.replaceAll("FOLDER", folder)}`;
        await pty.until(() => pty.rows[0]?.trimEnd() === line);
      }
    });
  },
);

async function script(shell: string): Promise<string> {
  const { code, stdout } = await runCli(`completions ${shell}`);
  expect(code).toBe(0);
  return stdout;
}

/** What bash offers for the last of `words`. */
function bash(words: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
  const quoted = words.map((word) => `'${word.replaceAll("FOLDER", folder)}'`).join(" ");
  const asked = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _icmpx`;
  const child = Bun.spawnSync(
    ["bash", "--norc", "-uc", `. ${folder}/bash; ${asked}; printf '%s\\n' "\${COMPREPLY[@]}"`],
    { env: { ...process.env, ...env } },
  );
  expect(child.stderr.toString()).toBe("");
  return lines(child.stdout.toString())
    .map((word) => word.replace(folder, "FOLDER"))
    .sort();
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
