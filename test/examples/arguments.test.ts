import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runExample } from "./run-example.ts";

setDefaultTimeout(60_000);

const EXAMPLES = ["ping", "traceroute", "multiping", "mtr", "sweep"] as const;

/** What is refused before any socket is opened: no test here needs a privilege. */
describe("the examples refuse with one line and exit code 2", () => {
  const wrong: readonly (readonly [program: string, args: readonly string[], complaint: string])[] =
    [
      ["ping", ["-x"], "Unknown option '-x' (--help shows the options)"],
      ["ping", ["--colour"], "Unknown option '--colour' (--help shows the options)"],
      ["ping", ["-c"], "Option '-c, --count <value>' argument missing (--help shows the options)"],
      ["ping", ["-c", "-5"], "Option '-c' argument is ambiguous (--help shows the options)"],
      [
        "ping",
        ["--no-dns=no"],
        "Option '--no-dns' does not take an argument (--help shows the options)",
      ],
      ["ping", ["-c", "many"], 'Option "--count" is "many": need a number'],
      ["ping", ["-c", ""], 'Option "--count" is "": need a number'],
      ["ping", ["-c", "0x10"], 'Option "--count" is "0x10": need a number'],
      ["ping", ["-i", "NaN"], 'Option "--interval" is "NaN": need a number'],
      ["ping", ["-i", "1s"], 'Option "--interval" is "1s": need a number'],
      ["ping", ["-4", "-6"], "Options -4 and -6 exclude each other"],
      ["ping", ["127.0.0.1", "127.0.0.2"], "Too many hosts: need at most 1"],
      ["traceroute", ["127.0.0.1", "127.0.0.2"], "Too many hosts: need at most 1"],
      ["mtr", ["127.0.0.1", "127.0.0.2"], "Too many hosts: need at most 1"],
      [
        "ping",
        ["-c", "0", "127.0.0.1"],
        'Option "count" is 0: need an integer of at least 1, or Infinity',
      ],
      [
        "multiping",
        ["-c", "1.5", "::1"],
        'Option "count" is 1.5: need an integer of at least 1, or Infinity',
      ],
      ["ping", [""], 'Invalid target "": need a host name or an IP address'],
      ["traceroute", [""], 'Invalid target "": need a host name or an IP address'],
      [
        "sweep",
        ["-r", "0"],
        'Option "rate" is 0: need a number above 0 up to Infinity packets a second',
      ],
    ];
  for (const [program, args, complaint] of wrong) {
    test(`${program} ${args.map((arg) => JSON.stringify(arg)).join(" ")}`, async () => {
      expect(await runExample(`${program}.ts`, ...args)).toEqual({
        code: 2,
        stdout: "",
        stderr: `${program}: ${complaint}\n`,
      });
    });
  }

  const outOfRange: readonly (readonly [
    program: string,
    args: readonly string[],
    option: string,
  ])[] = [
    ["ping", ["-t", "0"], "timeout"],
    ["multiping", ["--interval=-1"], "interval"],
    ["traceroute", ["-m", "256"], "maxHops"],
    ["traceroute", ["-c", "1001"], "probes"],
    ["mtr", ["-m", "0"], "maxHops"],
    ["mtr", ["-t", "Infinity"], "timeout"],
    ["mtr", ["-c", "2.5"], "count"],
  ];
  for (const [program, args, option] of outOfRange) {
    test(`${program} ${args.join(" ")}, naming the option`, async () => {
      const { code, stdout, stderr } = await runExample(`${program}.ts`, ...args, "127.0.0.1");
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(
        new RegExp(`^${program}: Option "${option}" is [^\\n]+: need [^\\n]+\\n$`),
      );
    });
  }
});

describe("the examples show their options", () => {
  for (const program of EXAMPLES) {
    test(`${program} --help`, async () => {
      const { code, stdout, stderr } = await runExample(`${program}.ts`, "--help");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [operand, ...names] = program === "sweep" ? ["target"] : ["host", "--no-dns"];
      expect(stdout).toStartWith(`Usage: bun examples/${program}.ts [options] [${operand}]`);
      for (const option of ["--timeout", "-4, -6", ...names]) expect(stdout).toContain(option);
    });
  }
});
