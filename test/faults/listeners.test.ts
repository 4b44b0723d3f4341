import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { ListenersInput, ListenersReport } from "./children/listeners.ts";
import { LiveOutput, runChild } from "./run-child.ts";

setDefaultTimeout(60_000);

const TIMEOUT_MS = 300;
const RELOADS = 30;

describeIf(requiresLab(), "user code that removes the listeners of its process", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  const run = (when: ListenersInput["when"], count: number) =>
    SOCKET_KINDS.map(async ({ family, privileged, as }) => {
      const target = chain.destination[family];
      const input: ListenersInput = {
        target,
        privileged,
        when,
        count,
        interval: 20,
        timeout: TIMEOUT_MS,
      };
      const [report] = await runChild(chain.source, "listeners.ts", input, { as });
      const { rtts, ...others } = report as ListenersReport;
      expect(Math.max(...rtts.map((rtt) => rtt ?? Number.POSITIVE_INFINITY))).toBeLessThan(
        TIMEOUT_MS / 3,
      );
      expect(others).toMatchObject({
        kinds: new Array(count).fill("reply"),
        sources: new Array(count).fill("kernel"),
        swept: 1,
      });
      return others.waits;
    });

  test("after each result: each send puts them back, and answers are read as they come", async () => {
    for (const waits of await Promise.all(run("result", 20))) {
      expect(waits.toSorted((a, b) => a - b)[10]).toBeLessThan(TIMEOUT_MS / 3);
    }
  });

  test("after each send: an answer is read at the timeout, with the RTT of the kernel", async () => {
    for (const waits of await Promise.all(run("send", 1))) {
      expect(waits[0]).toBeGreaterThan(0.9 * TIMEOUT_MS);
      expect(waits[0]).toBeLessThan(5 * TIMEOUT_MS);
    }
  });

  test(`or that \`bun --watch\` starts over ${RELOADS} times does not end it`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "icmpx-watch-"));
    const path = join(folder, "program.ts");
    const write = (start: number): void =>
      writeFileSync(path, endless(start, chain.destination[4]));
    write(0);
    const child = chain.source.spawn([process.execPath, "--watch", "--no-clear-screen", path]);
    try {
      const output = new LiveOutput<number>(child);
      for (let start = 0; start < RELOADS; start++) {
        await output.until((starts) => starts.includes(start));
        write(start + 1);
      }
      await output.until((starts) => starts.includes(RELOADS));
      expect(child.exitCode ?? child.signalCode).toBeNull();
    } finally {
      child.kill();
      await child.exited;
      rmSync(folder, { recursive: true });
    }
  });
});

/**
 * A program that pings once a millisecond, and prints its number once it has been answered a few
 * times.
 */
function endless(start: number, target: string): string {
  return `
    import { Client } from ${JSON.stringify(join(import.meta.dir, "../../src/index.ts"))};
    let replies = 0;
    for await (const { kind } of new Client().ping("${target}", { count: Infinity, interval: 1 })) {
      if (kind === "reply" && ++replies === 5) console.log(${start});
    }`;
}
