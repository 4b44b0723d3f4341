/**
 * Proves that the packed library and the command run on the oldest Bun that `engines` in
 * package.json names, which is among the development dependencies. `dist/` must be built.
 *
 * @module
 */
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { installPackages, run } from "./support/installation.ts";

const BUN = resolve(import.meta.dir, "../node_modules/@oven/bun-linux-x64-baseline/bin/bun");
/** What starts programs that are made for glibc, as this one is. */
const LOADER = "/lib64/ld-linux-x86-64.so.2";
/** One packet of a capture by tcpdump, made pcapng by editcap(1), and gzip(1). */
const CAPTURE =
  "H4sIAAAAAAACA+Pi5eXKYWBg8LXRlmIE0v+hgIXBlcE1JbMkObFAQSM8syi1OCOxKFtTwUTPQM/QXEHDPbNEoQzKKUhM" +
  "zk5MT01RSCyGyusaaKekJhkalRprMkAAyA6Q+SJQmoGBBcxmA+IWqJqGRDaGZWz75icB2UkMqIAD6B6GEMMdDgwOjFzv" +
  "64GGgDAHw8+lCn+/9Zjb5rmtqNOOBqlcMIGPX0BQSFhEVExcQlJKWkZWTl5BUUlZRVVNXUNTS1tHV0/fwNDI2MTUzBxi" +
  "NwB4CmGPBAEAAA==";
const TARGETS = "127.0.0.1 one\n127.0.0.2,127.0.0.3\n# ::1\n";

/** What is run in a folder that has the files above, and what its output must show. */
const COMMANDS: readonly (readonly [line: string, expected: RegExp])[] = [
  ["--version", /^icmpx \d/],
  ["--help", /^Commands:/m],
  ["ping -c 2 -i 0.01 127.0.0.1", /^2 packets transmitted, 2 received, 0% packet loss/m],
  ["ping -c 1 --json ::1", /"family":6/],
  ["ping -c 1 --ndjson 127.0.0.1", /^\{"event":"summary".+"received":1/m],
  ["ping -c 1 --csv -H 127.0.0.1", /^127\.0\.0\.1,127\.0\.0\.1,1,reply,/m],
  ["ping -c 1 127.0.0.1 ::1", /^│ ::1 +│ ::1 +│ +1 │ +1 │/m],
  ["ping -f -p ff00 -c 50 127.0.0.1", /^50 packets transmitted, 50 received/m],
  ["sweep 127.0.0.0/24", /^127\.0\.0\.254$/m],
  ["sweep -e --order random --seed 1 -f targets", /^127\.0\.0\.3 /m],
  ["sweep -q --json --exclude 127.0.0.2 127.0.0.1-3", /"answered":2/],
  ["sweep -A --csv ::1", /^::1,::1,reply,/m],
  ["traceroute 127.0.0.1", /^reached 127\.0\.0\.1$/m],
  ["traceroute --ndjson ::1", /"stopReason":"target"/],
  ["traceroute --csv 127.0.0.1", /^127\.0\.0\.1,1,3,reply,/m],
  ["mtr --report -c 2 -i 0.1 127.0.0.1", /^ +1\.\|-- .+ 0\.0% +2 /m],
  ["mtr -rwbe -o LSDNBAWVGJMXI -c 1 ::1", / Snt +Drop /],
  ["mtr --json -c 1 127.0.0.1", /"reached":true/],
  ["mtr -C -c 1 127.0.0.1", /^127\.0\.0\.1,1,127\.0\.0\.1,/m],
  [
    "decode 4500001c00010000400166ce0a0000010a0000020800f7fd00010001",
    /^IP 10\.0\.0\.1 > 10\.0\.0\.2: ICMP echo request/,
  ],
  ["decode capture.pcapng.gz", /^2026-11-30T.+ ICMP echo request, id 8445, seq 63116/],
  ["decode --json capture.pcapng.gz", /"number":1/],
  ["doctor", /^raw IPv4 /m],
  ["doctor --json", /"command":"doctor"/],
  ["completions bash", /^complete .*icmpx/m],
  ["completions zsh", /^#compdef icmpx/],
  ["completions fish", /^complete -c icmpx/m],
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
  writeFileSync(join(folder, "targets"), TARGETS);
  writeFileSync(join(folder, "capture.pcapng.gz"), Buffer.from(CAPTURE, "base64"));
  for (const [line, expected] of COMMANDS) {
    const program = ["env", "LC_ALL=C.UTF-8", BUN, command];
    const output = run([...program, ...line.split(" ")], folder);
    if (!expected.test(output)) throw new Error(`icmpx ${line} lacks ${expected}:\n${output}`);
  }
  const output = run([BUN, "-e", PROGRAM], folder).trim();
  if (output !== "100 20 true null") throw new Error(`The library answers ${output}`);
  console.log(`library and command run on Bun ${version}`);
}
