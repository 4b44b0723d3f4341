import { expect, setDefaultTimeout, test } from "bun:test";
import { plainChain } from "../scenarios/plain-chain.ts";
import { describeIf } from "../support/requires.ts";
import { openLab } from "./open-lab.ts";
import { requiresSimulator } from "./requires-simulator.ts";

setDefaultTimeout(60_000);

const COUNT = 10_000;
/** In flight at once: over the 12.2 ms of the path, what makes some 25,000 packets a second. */
const PRELOAD = 300;

describeIf(requiresSimulator("ping"), "the simulator", () => {
  for (const family of [4, 6] as const) {
    // The rate is printed, not judged: it is the machine's as much as ours.
    test(`answers every packet of a flood over IPv${family}`, async () => {
      await using lab = await openLab(plainChain);
      const target = plainChain.nodes["target"]?.address[family] ?? "";
      await lab.exec(["ping", "-f", "-q", "-l", `${PRELOAD}`, "-c", `${COUNT}`, target]);
      const { probes, ignored } = await lab.truth();
      expect(ignored).toBe(0);
      expect(probes).toHaveLength(COUNT);
      const late = probes.flatMap(({ answers }) =>
        answers.map(({ took = Number.NaN, delay }) => took - delay),
      );
      expect(late).toHaveLength(COUNT);
      // Never early, and all have left.
      expect(late.every((ms) => ms >= 0)).toBe(true);
      late.sort((a, b) => a - b);
      const seconds = ((probes.at(-1)?.at ?? 0) - (probes[0]?.at ?? 0)) / 1000;
      const at = (share: number): string => (late[Math.floor(share * (COUNT - 1))] ?? 0).toFixed(3);
      console.log(
        `IPv${family}: ${Math.round(COUNT / seconds)} packets/s in and out; behind time by ${at(0.5)} ms (median), ${at(0.99)} ms (p99)`,
      );
    });
  }
});
