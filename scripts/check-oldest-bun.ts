/**
 * Proves that the packed library and the command run on the oldest Bun that `engines` in package.json names, which is among the
 * development dependencies. `dist/` must be built.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { installPackages, run } from "./support/installation.ts";

const BUN = resolve(import.meta.dir, "../node_modules/@oven/bun-linux-x64-baseline/bin/bun");
/** What starts programs that are made for glibc, as this one is. */
const LOADER = "/lib64/ld-linux-x86-64.so.2";
const COMMANDS = [
  "--version",
  "ping -c 2 -i 0.01 127.0.0.1",
  "ping -c 2 -i 0.01 --json ::1",
  "ping -c 2 -i 0.01 127.0.0.1 ::1",
  "sweep 127.0.0.0/24",
  "traceroute -n 127.0.0.1",
  "mtr --report -n -c 2 -i 0.1 127.0.0.1",
  "decode 0800f7fd00010001",
  "doctor",
];
const PROGRAM = `
  const { Client, ResolveError } = await import("icmpx");
  await using client = new Client({ timeout: 500 });
  const [{ statistics }, { answered }] = [
    await client.ping("127.0.0.1", { count: 100, interval: 1 }),
    await client.sweep("127.0.0.1-20"),
  ];
  const refused = await client.probe("\\ud800.invalid").catch((error) => error);
  const unsent = await client.probe("127.0.0.1", { size: 65_000, dontFragment: true, source: "127.0.0.1" });
  console.log(statistics.received, answered, refused instanceof ResolveError, unsent.error);
`;

if (!existsSync(BUN) || !existsSync(LOADER)) {
  console.log("The oldest Bun is tried on Linux x64 with glibc only");
} else {
  const folder = await mkdtemp(join(tmpdir(), "icmpx-oldest-"));
  try {
    check(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function check(folder: string): void {
  const version = run([BUN, "--version"], folder).trim();
  if (packageJson.engines.bun !== `>=${version}`)
    throw new Error(`The oldest Bun is ${packageJson.engines.bun}, not the installed ${version}`);
  const { command } = installPackages(folder);
  for (const line of COMMANDS) run([BUN, command, ...line.split(" ")], folder);
  const output = run([BUN, "-e", PROGRAM], folder).trim();
  if (output !== "100 20 true null") throw new Error(`The library answers ${output}`);
  console.log(`library and command run on Bun ${version}`);
}
