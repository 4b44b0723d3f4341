import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { checkTargets, readTargets, TARGET_LIMIT } from "../../tui/src/model/target-list.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-targets-"));
});

afterAll(() => rm(folder, { recursive: true }));

async function fileOf(text: string, name: string = "targets"): Promise<string> {
  const path = join(folder, name);
  await Bun.write(path, text);
  return path;
}

/** The message that reading a list fails with. */
async function failureOf(text: string): Promise<string> {
  try {
    return `It succeeded: ${await readTargets(text)}`;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message;
  }
}

describe("readTargets()", () => {
  const lists: readonly (readonly [text: string, targets: readonly string[]])[] = [
    ["one.example", ["one.example"]],
    [" b.example ,a.example\tc.example,, ", ["b.example", "a.example", "c.example"]],
    ["192.0.2.248/29", [249, 250, 251, 252, 253, 254].map((octet) => `192.0.2.${octet}`)],
    ["192.0.2.0/31", ["192.0.2.0", "192.0.2.1"]],
    [
      "192.0.2.5-7 192.0.2.254-192.0.3.0",
      ["5", "6", "7", "254", "255"].map((o) => `192.0.2.${o}`).concat("192.0.3.0"),
    ],
    ["2001:db8::/126", ["2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db8::3"]],
    ["fe80::1%eth0 ::ffff:192.0.2.1", ["fe80::1%eth0", "::ffff:192.0.2.1"]],
    ["host-1.example a-b", ["host-1.example", "a-b"]],
    ["例え.jp", ["例え.jp"]],
  ];
  for (const [text, targets] of lists) {
    test(`reads ${JSON.stringify(text)}`, async () =>
      expect(await readTargets(text)).toEqual([...targets]));
  }

  test("names nobody twice, however written", async () => {
    const text = "192.0.2.2 192.0.2.1-3 a.example A.EXAMPLE 2001:db8::1 2001:DB8:0::1";
    expect(await readTargets(text)).toEqual([
      "192.0.2.2",
      "192.0.2.1",
      "192.0.2.3",
      "a.example",
      "2001:db8::1",
    ]);
  });

  test("reads files, with comments, beside other words", async () => {
    const path = await fileOf(
      "# routers\n192.0.2.1, 192.0.2.2\r\n\n  core.example # the middle\n192.0.2.1\n",
    );
    expect(await readTargets(`first.example @${path}`)).toEqual([
      "first.example",
      "192.0.2.1",
      "192.0.2.2",
      "core.example",
    ]);
  });

  test("knows the home folder", async () => {
    const path = await fileOf("a.example");
    expect(await readTargets(`@~/${relative(homedir(), path)}`)).toEqual(["a.example"]);
  });

  test("takes as many as the limit, and not one more", async () => {
    expect(await readTargets("10.0.0.0-10.0.15.255")).toHaveLength(TARGET_LIMIT);
    expect(await failureOf("10.0.0.0-10.0.15.255 a.example")).toBe(
      "These are 4,097 targets: need at most 4,096",
    );
  });

  test("knows the size before it expands anything", async () => {
    expect(await failureOf("10.0.0.0/8")).toBe("These are 16,777,214 targets: need at most 4,096");
    expect(await failureOf("2001:db8::/32")).toBe(
      "These are over 10^28 targets: need at most 4,096",
    );
  });

  test("reads files as hosts(5) is written: names behind an address are no targets", async () => {
    const path = await fileOf(
      "192.0.2.1 gateway gw.example\na.example b.example\n192.0.2.2 x, 192.0.2.3",
    );
    expect(await readTargets(`@${path}`)).toEqual([
      "192.0.2.1",
      "a.example",
      "b.example",
      "192.0.2.2",
      "192.0.2.3",
    ]);
  });

  test("names file and line of a word that it cannot read", async () => {
    const path = await fileOf("a.example\n192.0.2.0/33\n");
    expect(await failureOf(`@${path}`)).toStartWith(
      `${path}:2: Cannot read "192.0.2.0/33" as addresses`,
    );
    const nesting = await fileOf("@other");
    expect(await failureOf(`@${nesting}`)).toBe(
      `${nesting}:1: Cannot read @other: a file of targets names no files`,
    );
  });

  test("refuses what is no file of targets", async () => {
    expect(await failureOf(`@${folder}/none`)).toBe(
      `Cannot read ${folder}/none: there is no such file`,
    );
    await mkdir(join(folder, "folder"), { recursive: true });
    expect(await failureOf(`@${folder}/folder`)).toBe(
      `Cannot read ${folder}/folder: it is not a file`,
    );
    expect(await failureOf("@/dev/zero")).toBe("Cannot read /dev/zero: it is not a file");
    expect(await failureOf(`@${await fileOf("# nobody\n")}`)).toBe(
      "Cannot ping: the list has no targets",
    );
    const long = await fileOf(" ".repeat(2_097_153));
    expect(await failureOf(`@${long}`)).toBe(
      `Cannot read ${long}: 2097153 bytes, need at most 2097152`,
    );
  });
});

describe("checkTargets()", () => {
  test("accepts what can be read", () => {
    for (const text of [
      "a.example",
      "192.0.2.0/24, 2001:db8::1-2001:db8::ff",
      "@/no/such/file",
      "::1",
    ]) {
      expect(checkTargets(text)).toBeNull();
    }
  });

  const wrong: readonly (readonly [text: string, problem: string])[] = [
    ["", "need host names, addresses, networks or @file"],
    [" , ", "need host names, addresses, networks or @file"],
    ["@", "Need the path of a file after @"],
    ["~/hosts", "For a file, write @~/hosts"],
    ["./hosts", "For a file, write @./hosts"],
    ["/etc/hosts", "For a file, write @/etc/hosts"],
    ["a.example 192.0.2.300", "192.0.2.300 is no address"],
    [
      "2001:db8::g",
      'Cannot read "2001:db8::g" as addresses: it is not an IPv6 address, and a name has no colon',
    ],
    ["a.example 10.0.0.0/8", "These are 16,777,215 targets: need at most 4,096"],
    ["192.0.2.9-5", 'Cannot read "192.0.2.9-5" as addresses: its end comes before its start'],
    ["x".repeat(256), "A name has at most 255 characters"],
    [
      "192.0.2.0/\u001b[2J",
      'Cannot read "192.0.2.0/\\\\u001b[2J" as addresses: the prefix length of an IPv4 network is a number from 0 to 32',
    ],
  ];
  for (const [text, problem] of wrong) {
    test(`refuses ${JSON.stringify(text.slice(0, 30))}`, () =>
      expect(checkTargets(text)).toBe(problem));
  }
});
