import { describe, expect, test } from "bun:test";
import { readValues } from "../../src/cli/arguments.ts";
import type { Command } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { PING } from "../../src/cli/ping.ts";
import { editDistance, suggest } from "../../src/cli/suggest.ts";
import { runCli } from "./fake-environment.ts";

/** What is refused before any socket is opened: no test here needs a privilege. */
describe("icmpx refuses with one line and exit code 2", () => {
  const wrong: readonly (readonly [line: string, complaint: string])[] = [
    ["pnig", 'Unknown command "pnig" (did you mean ping?)'],
    ["tracert", 'Unknown command "tracert" (did you mean trace?)'],
    ["frobnicate", 'Unknown command "frobnicate" (icmpx --help shows what there is)'],
    ["--verison", 'Unknown option "--verison" (did you mean --version?)'],
    ["help pign", 'Unknown command "pign" (did you mean ping?)'],
    ["ping", "Need HOST...: icmpx ping --help shows how"],
    ["ping --cuont 3 host", "Unknown option --cuont (did you mean --count?)"],
    [
      "mtr --report-cylces 3 host",
      "Unknown option --report-cylces (did you mean --report-cycles?)",
    ],
    ["ping -x host", "Unknown option -x (icmpx ping --help shows the options)"],
    ["ping host -c", "Option -c needs a value: N"],
    ["ping -c 0 host", 'Option -c is "0": need a whole number of at least 1'],
    ["ping -c 1.5 host", 'Option -c is "1.5": need a whole number of at least 1'],
    ["ping -c -5 host", 'Option -c is "-5": need a whole number of at least 1'],
    ["ping -c many host", 'Option -c is "many": need a whole number of at least 1'],
    ["ping -c 0x10 host", 'Option -c is "0x10": need a whole number of at least 1'],
    ["ping --interval=-1 host", 'Option --interval is "-1": need seconds from 0 to 2147483'],
    ["ping -i 1s host", 'Option -i is "1s": need seconds from 0 to 2147483'],
    ["ping -W 0 host", 'Option -W is "0": need seconds from 0.001 to 2147483'],
    ["ping -t 256 host", 'Option -t is "256": need a whole number from 1 to 255'],
    ["ping -s 65508 host", 'Option -s is "65508": need a whole number from 0 to 65507'],
    ["ping -Q 256 host", 'Option -Q is "256": need a whole number from 0 to 255'],
    ["ping -p abc host", 'Option --pattern is "abc": need 1 to 16 bytes in hexadecimal'],
    ["ping -M maybe host", 'Option -M is "maybe": need do, want, dont'],
    ["ping --quiet=yes host", "Option --quiet takes no value"],
    ["ping -4 -6 host", "Options -4 and -6 exclude each other"],
    ["ping -H -n host", "Options -H and -n exclude each other"],
    ["ping --json --csv host", "Options --json and --csv exclude each other"],
    [
      "ping -6 -I 127.0.0.1 host",
      'Option "source" (127.0.0.1) is not an IPv6 address, as "family" wants',
    ],
    ["traceroute a b", 'Need one HOST, have 2: "a", "b"'],
    ["127.0.0.1", 'Unknown command "127.0.0.1" (did you mean icmpx ping 127.0.0.1?)'],
    ["fd00::1", 'Unknown command "fd00::1" (did you mean icmpx ping fd00::1?)'],
    [
      "-c 3 host",
      'Unknown option "-c" (those of a command stand after it; icmpx --help shows what there is)',
    ],
    ["ping -count 3 host", "Unknown option -count (did you mean --count?)"],
    ["mtr host -no-dns", "Unknown option -no-dns (did you mean --no-dns?)"],
    ["ping host -c 1e3", 'Option -c is "1e3": need a whole number of at least 1'],
    ["ping --interface= host", "Option --interface is empty: need NAME"],
    ["sweep --exclude= host", "Option --exclude is empty: need LIST"],
    ["doctor --fix --copy-to=", "Option --copy-to is empty: need PATH"],
    ["ping -R host", "Unknown option -R (icmpx traceroute shows the way)"],
    ["trace --tcp host", "Unknown option --tcp (all probes are ICMP echo requests, without ports)"],
    ["mtr -u host", "Unknown option -u (all probes are ICMP echo requests, without ports)"],
    ["traceroute -f 9 -m 3 host", "Option --first-ttl is 9: it must not exceed --max-ttl (3)"],
    ["mtr -o LQ host", 'Option --order has "Q": need letters of LDRSNBAWGVJMXI'],
    ["mtr --order= host", "Option --order is empty: need LETTERS"],
    ["ping -C 3 -q host", "Unknown option -C (-c N probes, and --csv or --json has each time)"],
    ["ping -C3 host", "Unknown option -C (-c N probes, and --csv or --json has each time)"],
    ["sweep -C 3 host", "Unknown option -C (icmpx ping asks several hosts over and over)"],
    ["ping -H 5 host", 'Option -H takes no value, and "5" is no host'],
    ["ping -O 0x10 host", 'Option -O takes no value, and "0x10" is no host'],
    ["ping -nf 1.5 host", 'Option -f takes no value, and "1.5" is no host'],
    ["sweep -A 3 host", 'Option -A takes no value, and "3" is no host'],
    ["mtr --report 3", 'Option --report takes no value, and "3" is no host'],
    ["doctor now", 'Takes no operand, have "now"'],
    ["doctor --copy-to /tmp/x", "Option --copy-to needs --fix"],
    ["doctor --fix --json", "Options --fix and --json exclude each other"],
    ["completions tcsh", 'Operand is "tcsh": need bash, zsh, fish'],
    ["decode 45000", '"45000" has 5 hexadecimal digits: need two for each byte'],
    ["decode /dev/null", "/dev/null is empty"],
    ["decode 4g", '"4g" is no file, and no bytes in hexadecimal'],
    ["decode /nonexistent.pcap", '"/nonexistent.pcap" is no file, and no bytes in hexadecimal'],
  ];
  for (const [line, complaint] of wrong) {
    test(line, async () => {
      const { code, stdout, stderr } = await runCli(line);
      expect({ code, stdout, stderr }).toEqual({
        code: 2,
        stdout: "",
        stderr: `icmpx: ${complaint}\n`,
      });
    });
  }

  // With a value in each of its manual pages (iputils 20221126, fping 5.1, mtr 0.95, traceroute
  // 2.1.2).
  const foreign: Readonly<Record<string, string>> = {
    ping: "-C -e -F -l -N -S -T -b -r -B -x -k",
    sweep: "-B -c -C -i -l -p -Q -t -T -X",
    traceroute: "-g -p -l -z -M -O --sport --port",
    mtr: "-F -P -L -B -G -y -d --displaymode --port",
  };
  for (const [command, options] of Object.entries(foreign)) {
    for (const option of options.split(" ")) {
      test(`${command} ${option} with a value is refused by name`, async () => {
        const { code, stdout, stderr } = await runCli(`${command} ${option} 3 127.0.0.1`);
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
        expect(stderr).toStartWith(`icmpx: Unknown option ${option} (`);
      });
    }
  }

  test("an empty operand", async () => {
    const { code, stderr } = await runCli(["ping", ""]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'icmpx: Operand "" is empty\n' });
  });

  test("escape sequences in arguments, without passing them on", async () => {
    const { stderr } = await runCli(["\x1b]0;title\x07ping"]);
    expect(stderr).not.toContain("\x1b");
    expect(stderr).not.toContain("\x07");
  });
});

describe("readValues()", () => {
  test("reads joined, separate and long forms, and operands anywhere", () => {
    const values = readValues(PING, ["a", "-c5", "-i", ".25", "--ttl=7", "-qn", "b", "--", "-c"]);
    expect(values.operands).toEqual(["a", "b", "-c"]);
    expect([values.number("count"), values.number("interval"), values.number("ttl")]).toEqual([
      5, 250, 7,
    ]);
    expect([values.has("quiet"), values.has("numeric"), values.has("flood")]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("gives seconds as milliseconds, without the noise of binary fractions", () => {
    expect(readValues(PING, ["a", "-i", "0.0011", "-W", "1.1"]).number("interval")).toBe(1.1);
    expect(readValues(PING, ["a", "-W", "1.1"]).number("timeout")).toBe(1100);
  });

  test("the last of an option given twice counts", () => {
    expect(readValues(PING, ["a", "-c", "5", "-c", "6"]).number("count")).toBe(6);
  });

  test("knows the long forms of other tools", () => {
    expect(readValues(PING, ["a", "--no-dns"]).has("numeric")).toBe(true);
  });

  test("asked for an option that the table lacks, it throws", () => {
    expect(() => readValues(PING, ["a"]).has("nonsense")).toThrow(
      'No option "nonsense" in the table',
    );
  });
});

describe("the tables of options", () => {
  for (const command of COMMANDS) {
    test(`of ${command.name} name no option and no letter twice`, () => {
      const names = command.options.flatMap(({ name, also = [] }) => [name, ...also]);
      const letters = command.options.flatMap(({ letter }) => letter ?? []);
      expect(names.length).toBe(new Set(names).size);
      expect(letters.length).toBe(new Set(letters).size);
      expect([...names, ...letters]).not.toContainAnyValues(["help", "h"]);
      for (const option of Object.keys(command.elsewhere ?? {}))
        expect(readsAs(command, option)).toStartWith(`Unknown option ${option} (`);
      for (const { kind, value } of command.options)
        expect(value === undefined).toBe(kind === "flag");
    });
  }
});

/** What `command` says to an option. */
function readsAs(command: Command, option: string): string {
  try {
    readValues(command, [option, "operand"]);
    return "nothing";
  } catch (error) {
    return String((error as Error).message);
  }
}

describe("suggest()", () => {
  test("counts inserted, removed, replaced and swapped letters", () => {
    const rows: [string, string, number][] = [
      ["", "abc", 3],
      ["abc", "abc", 0],
      ["abc", "abd", 1],
      ["abc", "ab", 1],
      ["acb", "abc", 1],
      ["kitten", "sitting", 3],
    ];
    for (const [a, b, distance] of rows) {
      expect(editDistance(a, b)).toBe(distance);
      expect(editDistance(b, a)).toBe(distance);
    }
  });

  test("prefers a beginning, then the nearest, and gives nothing that is far", () => {
    expect(suggest("int", ["ipv4", "interval"])).toBe("interval");
    expect(suggest("intervl", ["interval", "interface"])).toBe("interval");
    expect(suggest("zzzz", ["count", "ttl"])).toBeUndefined();
  });
});
