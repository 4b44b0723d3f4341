/**
 * Opens and closes very many clients, each with one probe, and prints how many descriptors were
 * open before and after.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { Client } from "icmpx";

/** The line of output. */
export interface DescriptorReport {
  readonly before: number;
  readonly after: number;
  readonly answered: number;
}

const { clients } = JSON.parse(process.argv[2] ?? "{}") as { clients: number };
const uses = [
  { target: "127.0.0.1", privileged: true },
  { target: "::1", privileged: true },
  { target: "127.0.0.1", privileged: false },
  { target: "::1", privileged: false },
] as const;

for (const use of uses) await open(use);
const before = countDescriptors();
let answered = 0;
for (let n = 0; n < clients; n += uses.length) {
  // All kinds at once, and closed in another order than opened.
  const kinds = await Promise.all(uses.map(open));
  answered += kinds.filter((kind) => kind === "reply").length;
}
const line: DescriptorReport = { before, after: countDescriptors(), answered };
process.stdout.write(`${JSON.stringify(line)}\n`);

async function open({ target, privileged }: (typeof uses)[number]): Promise<string> {
  using client = new Client({ privileged });
  return (await client.probe(target)).kind;
}

function countDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
