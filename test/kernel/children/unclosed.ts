/**
 * Uses a client in one of several ways, never closes it, and prints a line when it has nothing left
 * to do.
 *
 * @module
 */
import { Client } from "icmpx";

/** What to do before falling silent. */
export type Use = "nothing" | "ping" | "timeout" | "leave" | "traceroute" | "stop";

/** The argument. */
export interface UnclosedInput {
  readonly use: Use;
  readonly answering: string;
  readonly silent: string;
}

const { use, answering, silent } = JSON.parse(process.argv[2] ?? "{}") as UnclosedInput;
const client = new Client({ timeout: 300 });

const outcome = await apply();
process.stdout.write(`${JSON.stringify({ use, outcome, at: Date.now() })}\n`);

async function apply(): Promise<unknown> {
  switch (use) {
    case "nothing":
      return null;
    case "ping":
      return (await client.ping(answering, { count: 2, interval: 10 })).statistics.received;
    case "timeout":
      // Nothing but this probe keeps the process alive until its timeout.
      return (await client.probe(silent)).kind;
    case "leave":
      for await (const result of client.ping(answering, {
        count: Number.POSITIVE_INFINITY,
        interval: 10,
      })) {
        if (result.request.number === 3) return result.kind;
      }
      return null;
    case "traceroute":
      return (await client.traceroute(answering)).reached;
    case "stop": {
      const mtr = client.mtr(silent, { count: 1000, timeout: 60_000 });
      setTimeout(() => mtr.stop(), 100);
      return (await mtr).rounds;
    }
  }
}
