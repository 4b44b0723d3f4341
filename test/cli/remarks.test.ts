import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { exceededThroughNat } from "../support/fake-nat.ts";
import { echoReply, type FakeProbe } from "../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../support/fake-platform.ts";
import { type CliOutcome, parseCsv, runCli, runOn } from "./fake-environment.ts";

const TARGET = "198.51.100.1";
const ROUTER = "192.0.2.1";
const NO_ROUTE = `sendmsg() to ${TARGET} failed: ENETUNREACH (network is unreachable)`;
const FORGED = "unverified: some NATs change what errors quote, and so does a forger";

describe.each(SOCKET_KINDS.filter(({ family }) => family === 4))(
  "with a $name socket",
  ({ privileged }) => {
    const socket = privileged ? "raw" : "datagram";

    describe("an answer that anybody may have sent", () => {
      /** One router, behind a NAT that leaves the checksums in quotes as they are. */
      const network = (probe: FakeProbe) =>
        probe.ttl === 1
          ? [exceededThroughNat(probe, { from: ROUTER, delayMs: 5 })]
          : [echoReply(probe, { delayMs: 20 })];
      const run = (line: string): Promise<CliOutcome> =>
        runOn(fakePlatform({ network }), `${line} --socket ${socket} ${TARGET}`);

      test("is marked by ping", async () => {
        const { code, stdout } = await run("ping -n -c 1 -t 1");
        expect(code).toBe(1);
        expect(stdout).toContain(`From ${ROUTER} icmp_seq=1 Time to live exceeded (unverified)\n`);
        const [row] = parseCsv((await run("ping -n -c 1 -t 1 --csv")).stdout);
        expect(row).toMatchObject({ from: ROUTER, unverified: "true" });
      });

      test("is marked by traceroute", async () => {
        const { stdout } = await run("traceroute -n -q 2");
        expect(stdout).toContain(
          ` 1  ${ROUTER}  5.000 ms ?  5.000 ms ?  (?: unverified, may be forged)\n 2  ${TARGET}  20.000 ms`,
        );
        const rows = parseCsv((await run("traceroute -n -q 1 --csv")).stdout);
        expect(rows.map(({ address, unverified }) => [address, unverified])).toEqual([
          [ROUTER, "true"],
          [TARGET, "false"],
        ]);
      });

      test("is counted by mtr, below the report", async () => {
        const { stdout } = await run("mtr -rnc 2 -i 0.1");
        expect(stdout).toEndWith(`\n2 answers are ${FORGED}\n`);
        const rows = parseCsv((await run("mtr -nc 2 -i 0.1 --csv")).stdout);
        expect(rows.map(({ address, unverified }) => [address, unverified])).toEqual([
          [ROUTER, "2"],
          [TARGET, "0"],
        ]);
      });
    });

    test.each(["--json", "--ndjson", "--csv"])(
      "mtr %s says on stderr why nothing was sent, and a report below its table",
      async (format) => {
        const run = (how: string): Promise<CliOutcome> => {
          const fake = fakePlatform();
          fake.kernel.failSendsTo(TARGET, constants.errno.ENETUNREACH);
          return runOn(fake, `mtr ${how} -n -c 1 -m 3 --socket ${socket} ${TARGET}`);
        };
        expect(await run(format)).toMatchObject({
          code: 2,
          stderr: `icmpx: 3 probes not sent: ${NO_ROUTE}\n`,
        });
        const report = await run("-r");
        expect([report.code, report.stderr]).toEqual([2, ""]);
        expect(report.stdout).toEndWith(`\n3 probes not sent: ${NO_ROUTE}\n`);
      },
    );
  },
);

describe.each(["ping -c 1", "sweep", "traceroute -q 1", "mtr -rc 1"])("icmpx %s", (command) => {
  test("says why loopback leads nowhere else", async () => {
    const line = `${command} ${command.startsWith("traceroute") ? "-i" : "-I"} lo`;
    // Of ping and sweep, which take several targets, documents have it themselves.
    const hasOneTarget = /^(traceroute|mtr)/.test(command);
    for (const format of ["", ...(hasOneTarget ? [" --json", " --ndjson", " --csv"] : [])]) {
      const { platform } = fakePlatform();
      const { code, stdout, stderr } = await runCli(`${line}${format} ${TARGET}`, { platform });
      expect(code).toBe(2);
      expect(stderr).toContain("interface lo leads to addresses of this host only\n");
      expect(stdout).not.toContain("???");
    }
  });
});
