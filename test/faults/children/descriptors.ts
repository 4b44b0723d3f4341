/**
 * Opens clients until no descriptor is left, closes them again, and prints what it saw. To be run
 * with a low RLIMIT_NOFILE.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { Client } from "icmpx";

/** The line of output. */
export interface ExhaustionReport {
  /** Clients that got their socket, as many that did not, and what the first of these said. */
  readonly opened: number;
  readonly refused: number;
  readonly errors: readonly { name: string; code: string; syscall: string; message: string }[];
  /**
   * Whether one that has its socket still works while none is left, and what one says that has not.
   */
  readonly meanwhile: readonly [holder: string, other: string];
  /** What one that was refused gives once there are descriptors again. */
  readonly later: string;
  /** Open descriptors before all, at the worst, and after all. */
  readonly descriptors: readonly [before: number, most: number, after: number];
}

const REFUSALS = 50;

const { target, privileged } = JSON.parse(process.argv[2] ?? "{}") as {
  target: string;
  privileged: "auto" | boolean;
};

// What the first client opens for the whole process is no leak.
{
  using first = new Client({ privileged });
  await first.probe(target);
}
const before = countDescriptors();
const clients: Client[] = [];
const errors: ExhaustionReport["errors"][number][] = [];
while (errors.length === 0) {
  const client = new Client({ privileged });
  clients.push(client);
  await tryProbe(client);
}
for (let n = 1; n < REFUSALS; n += 1) {
  using client = new Client({ privileged });
  await tryProbe(client);
}
const refused = clients.at(-1) as Client;
const holder = await outcomeOf(clients[0] as Client);
const meanwhile = [holder, await outcomeOf(refused)] as const;
// Counting takes one itself.
(clients[0] as Client).close();
const most = countDescriptors();
const later = await outcomeOf(refused);
for (const client of clients) client.close();
const line: ExhaustionReport = {
  opened: clients.length - 1,
  refused: errors.length,
  errors: errors.slice(0, 2),
  meanwhile,
  later,
  descriptors: [before, most, countDescriptors()],
};
process.stdout.write(`${JSON.stringify(line)}\n`);

async function tryProbe(client: Client): Promise<void> {
  try {
    await client.probe(target);
  } catch (thrown) {
    const { name, code, syscall, message } = thrown as ExhaustionReport["errors"][number];
    errors.push({ name, code, syscall, message });
  }
}

async function outcomeOf(client: Client): Promise<string> {
  return client.probe(target).then(
    ({ kind }) => kind,
    (thrown: unknown) => (thrown as { code: string }).code,
  );
}

function countDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
