/**
 * Ends runs in the middle, by a signal and by disposing the client, and prints what became of each.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { Client } from "icmpx";

/** One line of output. */
export interface Ending {
  readonly method: string;
  readonly by: "signal" | "dispose";
  /** What the run was rejected with. */
  readonly error: string;
  /** Results that came before the end, and after it. */
  readonly seen: readonly [before: number, after: number];
  /** Descriptors before the client was made and after it was closed. */
  readonly descriptors: readonly [number, number];
}

/** The argument. */
export interface EndingInput {
  readonly answering: string;
  readonly silent: string;
}

const { answering, silent } = JSON.parse(process.argv[2] ?? "{}") as EndingInput;

// What the first client opens for the whole process (libc, the shared library's files) is no leak.
{
  using first = new Client();
  await first.probe(answering);
}
for (const method of ["ping", "multiping", "traceroute", "mtr"] as const) {
  for (const by of ["signal", "dispose"] as const) {
    const line = await end(method, by);
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

async function end(
  method: "ping" | "multiping" | "traceroute" | "mtr",
  by: Ending["by"],
): Promise<Ending> {
  const before = countDescriptors();
  const controller = new AbortController();
  const client = new Client({ timeout: 150 });
  const seen: [number, number] = [0, 0];
  let isEnded = false;
  const options = {
    signal: controller.signal,
    onResult: () => {
      seen[isEnded ? 1 : 0] += 1;
    },
  };
  const runs = {
    ping: () => client.ping(answering, { ...options, count: 1000, interval: 10 }),
    multiping: () =>
      client.multiping([answering, silent], { ...options, count: 1000, interval: 10 }),
    // At most one in flight, and silence from the second hop on: it would go on for many timeouts.
    traceroute: () => client.traceroute(silent, { ...options, concurrency: 1, gapLimit: 100 }),
    mtr: () => client.mtr(answering, { ...options, count: 1000, interval: 10 }),
  };
  const run = runs[method]();
  const rejection = run.then(
    () => "none",
    (error: unknown) => String(error),
  );
  await Bun.sleep(100);
  isEnded = true;
  if (by === "signal") controller.abort(new Error("enough"));
  else await client[Symbol.asyncDispose]();
  const error = await rejection;
  // Long enough for every timeout of what was in flight.
  await Bun.sleep(200);
  client.close();
  return { method, by, error, seen, descriptors: [before, countDescriptors()] };
}

function countDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
