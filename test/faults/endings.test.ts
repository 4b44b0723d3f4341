import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { addDeadRoute } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { type Addresses, buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { Aftermath, EndingLine, EndingsInput } from "./children/endings.ts";
import { runChild } from "./run-child.ts";

setDefaultTimeout(60_000);

const SILENT: Addresses = { 4: "10.97.0.1", 6: "fd97::1" };
const RUNS = 5 * 3 * 15;

/** A probe has one send and, as a whole trace may, its result before anybody else gets a turn. */
function mustReach({ method, point, nth = 1, isMacrotask = false }: EndingLine): boolean {
  if (method === "traceroute") return !isMacrotask;
  if (method !== "probe") return true;
  return nth === 1 && !isMacrotask && point !== "item" && point !== "recvmmsg";
}

function expectedOutcome({ method, action, point, reached }: EndingLine): readonly string[] {
  if (!reached) return ["resolved"];
  if (action === "abort") return ["Error: enough"];
  if (action === "close") return ["ClientClosedError: The client is closed"];
  // Of one probe there is no part that could be the result, nor is there of a run that has no
  // target yet.
  const hasResult =
    method !== "probe" && ["sendmsg", "recvmmsg", "result", "timeout", "item"].includes(point);
  return hasResult ? ["resolved"] : ["resolved", "AbortError: The operation was aborted."];
}

describeIf(requiresLab(), "runs that are ended at any point", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 2 });
    const router = chain.routers[1];
    if (router === undefined) throw new Error("The chain has no second router");
    for (const family of [4, 6] as const) await addDeadRoute(router, "blackhole", SILENT[family]);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  test("hold nothing, call nobody and reject nothing unheard thereafter", async () => {
    const outputs = await Promise.all(
      SOCKET_KINDS.map(async ({ name, family, privileged, as }) => {
        const ends = { answering: chain.destination[family], silent: SILENT[family] };
        const input: EndingsInput = { ...ends, privileged };
        return { name, output: await runChild(chain.source, "endings.ts", input, { as }) };
      }),
    );
    for (const { name, output } of outputs) {
      const aftermath = output.pop() as Aftermath;
      expect([name, aftermath]).toEqual([name, { unhandled: [], signalHandlers: 0 }]);
      const lines = output as EndingLine[];
      expect(lines).toHaveLength(RUNS);
      for (const line of lines) {
        const { method, action, point, nth, isMacrotask, reached, outcome, lateCalls, held } = line;
        const what = [name, method, action, point, nth, isMacrotask];
        if (mustReach(line)) expect([...what, reached]).toEqual([...what, true]);
        expect([...what, lateCalls]).toEqual([...what, 0]);
        expect([...what, held]).toEqual([
          ...what,
          { sockets: 0, watches: 0, timers: 0, listeners: 0 },
        ]);
        expect([...what, expectedOutcome(line).includes(outcome) || outcome]).toEqual([
          ...what,
          true,
        ]);
      }
    }
  });
});
