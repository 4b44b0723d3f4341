/**
 * Pings and sweeps loopback with each kind of socket in a process that may not make some system
 * calls, and prints what came of it, one line of JSON for each kind.
 *
 * @module
 */
import { Client } from "icmpx";
import { type Refusal, refuse } from "../../support/sandbox.ts";

/** What to leave out. */
export interface LackingInput {
  readonly refusals: readonly Refusal[];
}

/** What came of one kind of socket. */
export interface LackingReport {
  readonly family: 4 | 6;
  readonly privileged: boolean;
  readonly received: number;
  /** Whether each result came before the timeout. */
  readonly isPrompt: boolean;
  /** Whether the kernel timed an answer. The first may come before it begins to. */
  readonly isStamped: boolean;
  readonly swept: number;
  /** `probes: recvmmsg() ENOSYS`, sorted. */
  readonly missing: readonly string[];
}

const TIMEOUT_MS = 5000;
const TARGETS = [
  { family: 4, target: "127.0.0.1" },
  { family: 6, target: "::1" },
] as const;

const { refusals } = JSON.parse(process.argv[2] ?? "{}") as LackingInput;
refuse(refusals);
for (const { family, target } of TARGETS) {
  for (const privileged of [true, false]) {
    await using client = new Client({ privileged, timeout: TIMEOUT_MS });
    const began = performance.now();
    const { results, statistics } = await client.ping(target, { count: 3, interval: 20 });
    const { answered } = await client.sweep(target, { rate: 100 });
    const report: LackingReport = {
      family,
      privileged,
      received: statistics.received,
      isPrompt: performance.now() - began < TIMEOUT_MS,
      isStamped: results.some(({ rttSource }) => rttSource === "kernel"),
      swept: answered,
      missing: client.capabilities
        .flatMap(({ purpose, missing }) =>
          missing.map(({ name, code }) => `${purpose}: ${name} ${code}`),
        )
        .sort(),
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
}
