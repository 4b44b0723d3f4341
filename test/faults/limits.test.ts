import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { CrowdInput, CrowdReport } from "../kernel/children/crowd.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { ExhaustionReport } from "./children/descriptors.ts";
import { runChild } from "./run-child.ts";

setDefaultTimeout(60_000);

const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;
const DESCRIPTORS = 100;
const INTACT = { duplicates: 0, late: 0, corrupt: 0, errors: 0, wrong: 0 };

describeIf(requiresLab("prlimit"), "many clients, few descriptors", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: no descriptor left is an error that says so, leaks nothing and passes`, async () => {
      const privileged = kind.privileged ? "auto" : false;
      const input = { target: LOOPBACK[kind.family], privileged };
      const through = ["prlimit", `--nofile=${DESCRIPTORS}`];
      const [report] = (await runChild(chain.source, "descriptors.ts", input, {
        as: kind.as,
        through,
      })) as ExhaustionReport[];
      if (report === undefined) throw new Error("The child printed nothing");
      expect(report.opened).toBeGreaterThan(10);
      expect(report.refused).toBe(50);
      for (const error of report.errors) {
        // Not a RawSocketPermissionError, whose remedies would not help.
        expect(error).toMatchObject({ name: "SystemError", code: "EMFILE", syscall: "socket" });
        expect(error.message).toContain("too many open files");
      }
      expect(report.meanwhile).toEqual(["reply", "EMFILE"]);
      expect(report.later).toBe("reply");
      const [before, most, after] = report.descriptors;
      // All that there may be, less those of the first, and one for counting.
      expect(most).toBe(DESCRIPTORS - kind.sockets + 1);
      expect(after).toBe(before);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: of 50 clients in one process each takes its own replies, and all of them`, async () => {
      const targets = [chain.destination[kind.family], LOOPBACK[kind.family]];
      const input: CrowdInput = { clients: 50, targets, count: 10, privileged: kind.privileged };
      const reports = (await chain.source.run("crowd.ts", input, { as: kind.as })) as CrowdReport[];
      expect(reports).toEqual([
        { ...INTACT, sent: 1000, received: 1000, identifiers: expect.any(Number) },
      ]);
      // Raw ones choose theirs at random: two may agree, and the cookie then tells them apart.
      expect(reports[0]?.identifiers).toBeGreaterThan(kind.privileged ? 45 : 49);
    });
  }

  test("of 20 processes at once each takes its own replies, and all of them", async () => {
    const crowds = Array.from({ length: 5 }, () => SOCKET_KINDS).flat();
    const reports = await Promise.all(
      crowds.map(async ({ family, privileged, as }) => {
        const input: CrowdInput = {
          clients: 3,
          targets: [chain.destination[family], LOOPBACK[family]],
          count: 40,
          privileged,
        };
        return (await chain.source.run("crowd.ts", input, { as })) as CrowdReport[];
      }),
    );
    for (const [report] of reports)
      expect(report).toMatchObject({ ...INTACT, sent: 240, received: 240 });
  });
});
