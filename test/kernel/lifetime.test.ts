import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { addDeadRoute } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { outputOf, parseLines, type User } from "../lab/namespaces.ts";
import { type Addresses, buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { Blocked, BlockedInput } from "./children/blocked.ts";
import type { Ending, EndingInput } from "./children/ending.ts";
import type { IdleInput, Idleness } from "./children/idle.ts";
import type { ThreadReport } from "./children/in-worker.ts";
import type { Exit, PouringInput } from "./children/pouring.ts";
import type { UnclosedInput, Use } from "./children/unclosed.ts";

setDefaultTimeout(60_000);

const SILENT: Addresses = { 4: "10.91.0.2", 6: "fd91::2" };
const USERS: readonly User[] = ["root", "nobody"];

describeIf(requiresLab("nft"), "lifetime on a real kernel", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 2 });
    // Not the first: a trace to a silent address finds one hop before the silence.
    const router = chain.routers[1];
    if (router === undefined) throw new Error("The chain has no second router");
    for (const family of [4, 6] as const) await addDeadRoute(router, "blackhole", SILENT[family]);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  test("waiting for a reply costs no more CPU than sleeping", async () => {
    const waitMs = 5000;
    const answering = chain.destination[4];
    const wait = async (as: User, silent: string | null): Promise<Idleness> => {
      const input: IdleInput = { answering, silent, waitMs };
      const [line] = (await chain.source.run("idle.ts", input, { as })) as Idleness[];
      if (line === undefined) throw new Error("Nothing was printed");
      return line;
    };
    const [asleep, ...waiting] = await Promise.all([
      wait("root", null),
      wait("root", SILENT[4]),
      wait("nobody", SILENT[6]),
    ]);
    for (const { kind, cpuUs } of waiting) {
      expect(kind).toBe("timeout");
      // 1 % of the wait. A timer of one millisecond would cost 3 %.
      expect(cpuUs).toBeLessThan(asleep.cpuUs + 0.01 * waitMs * 1000);
    }
  });

  const uses: readonly (readonly [Use, unknown])[] = [
    ["nothing", null],
    ["ping", 2],
    ["timeout", "timeout"],
    ["leave", "reply"],
    ["traceroute", true],
    ["stop", 0],
  ];
  for (const as of USERS) {
    test(`${as}: a process ends by itself when nothing is in flight, though no client was closed`, async () => {
      await Promise.all(
        uses.map(async ([use, outcome]) => {
          const input: UnclosedInput = { use, answering: chain.destination[4], silent: SILENT[4] };
          const child = chain.source.start("unclosed.ts", input, { as });
          const [line] = parseLines(await outputOf(child, use)) as {
            outcome: unknown;
            at: number;
          }[];
          const endedAt = Date.now();
          expect([use, line?.outcome]).toEqual([use, outcome]);
          // Promptly: whatever might keep it alive, by mistake, would do so for ever or for a
          // timeout of 60 s.
          expect(endedAt - (line?.at ?? 0)).toBeLessThan(10_000);
        }),
      );
    });

    test(`${as}: aborting and disposing end a run at once, for good, and free its sockets`, async () => {
      const input: EndingInput = { answering: chain.destination[6], silent: SILENT[6] };
      const lines = (await chain.source.run("ending.ts", input, { as })) as Ending[];
      expect(lines.map(({ method, by }) => `${method} ${by}`)).toEqual(
        ["ping", "multiping", "traceroute", "mtr"].flatMap((method) => [
          `${method} signal`,
          `${method} dispose`,
        ]),
      );
      for (const { method, by, error, seen, descriptors } of lines) {
        const expected =
          by === "signal" ? "Error: enough" : "ClientClosedError: The client is closed";
        expect([method, by, error]).toEqual([method, by, expected]);
        expect([method, by, seen[0] > 0, seen[1]]).toEqual([method, by, true, 0]);
        expect(descriptors[1]).toBe(descriptors[0]);
      }
    });

    for (const family of [4, 6] as const) {
      test(`${as}: a client in a Worker measures as one on the main thread does, IPv${family}`, async () => {
        const input = { target: chain.destination[family] };
        const reports = (await chain.source.run("in-worker.ts", input, { as })) as ThreadReport[];
        expect(reports.map(({ thread }) => thread)).toEqual(["main", "worker"]);
        for (const report of reports) {
          expect(report).toMatchObject({ sent: 20, received: 20, lost: 0, rttSources: ["kernel"] });
          expect(report.hops).toEqual([...chain.hops[family]]);
          expect(report.min).toBeLessThan(1000);
        }
      });
    }
  }

  test("a process may end, in any way, while replies pour in", async () => {
    const exits: readonly (readonly [Exit, number])[] = [
      ["exit", 0],
      ["throw", 1],
      ["close", 0],
      ["stop", 0],
    ];
    for (const as of USERS) {
      const ends = exits.map(async ([exit, code]) => {
        const input: PouringInput = { exit, target: chain.destination[4] };
        const child = chain.source.start("pouring.ts", input, { as });
        const complaint = new Response(child.stderr).text();
        await child.exited;
        // A signal whose default action ends a process would show here (signal(7)).
        expect([exit, child.exitCode, child.signalCode]).toEqual([exit, code, null]);
        if (code === 0) expect(await complaint).toBe("");
        else expect(await complaint).toContain("an error of the program's own");
      });
      await Promise.all(ends);
    }
  });

  test("a blocked event loop neither loses an answer nor lengthens its RTT", async () => {
    await Promise.all(
      SOCKET_KINDS.map(async ({ name, family, privileged, as }) => {
        const target = chain.destination[family];
        const probes = [
          { target: family === 4 ? "127.0.0.1" : "::1", ttl: 64 },
          { target, ttl: 64 },
          { target, ttl: 1 },
        ];
        const input: BlockedInput = { probes, timeout: 500, privileged };
        const lines = (await chain.source.run("blocked.ts", input, { as })) as Blocked[];
        expect(lines.map(({ kind }) => [name, kind])).toEqual(
          ["reply", "reply", "icmpError"].map((kind) => [name, kind]),
        );
        for (const line of lines) {
          // Or else the loop was not blocked while the answer came.
          expect(line.sentAt).toBeLessThan(line.blockedFrom + 1);
          expect(line.blockedUntil - line.blockedFrom).toBeGreaterThan(500);
          expect(line).toMatchObject({ late: false, rttSource: "kernel" });
          expect(line.rtt).toBeLessThan(400);
          expect(line.receivedAt).toBeLessThan(line.blockedUntil - 100);
        }
      }),
    );
  });
});
