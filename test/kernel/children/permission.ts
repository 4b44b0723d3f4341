/**
 * Tries to probe an address with each value of `privileged`, many times, and prints what came of it
 * and how many descriptors were open before and after.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { Client, type Privileged } from "icmpx";

/** One line of output. */
export interface Attempt {
  readonly privileged: Privileged;
  /** `kind` of the result, or null when the probe was rejected. */
  readonly kind: string | null;
  /** Whether the reply shows a whole IPv4 header, as only raw sockets do; null without a reply. */
  readonly hasWholeHeader: boolean | null;
  readonly error: { name: string; code: string; syscall: string; message: string } | null;
  /** Milliseconds until the first outcome. */
  readonly elapsed: number;
  /** Descriptors after the first attempt, and after all. */
  readonly descriptors: readonly [number, number];
}

const { target, attempts } = JSON.parse(process.argv[2] ?? "{}") as {
  target: string;
  attempts: number;
};

for (const privileged of ["auto", true, false] as const) {
  const startedAt = performance.now();
  const outcome = await attempt(privileged);
  const elapsed = performance.now() - startedAt;
  const before = countDescriptors();
  for (let n = 0; n < attempts; n += 1) await attempt(privileged);
  const line: Attempt = {
    privileged,
    ...outcome,
    elapsed,
    descriptors: [before, countDescriptors()],
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function attempt(
  privileged: Privileged,
): Promise<Pick<Attempt, "kind" | "hasWholeHeader" | "error">> {
  using client = new Client({ privileged });
  try {
    const { kind, reply } = await client.probe(target);
    return {
      kind,
      hasWholeHeader: reply && reply.receivedPacket.ipHeader.ihl !== null,
      error: null,
    };
  } catch (thrown) {
    const { name, code, syscall, message } = thrown as NonNullable<Attempt["error"]>;
    return { kind: null, hasWholeHeader: null, error: { name, code, syscall, message } };
  }
}

function countDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
