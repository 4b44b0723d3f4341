/**
 * Asks for names of addresses at a name server of its own, which behaves as its argument says, and
 * prints what it learns and after how many milliseconds. How long it lives is what matters: it runs
 * where /etc/resolv.conf names this server.
 *
 * @module
 */
import { Client } from "icmpx";
import { DnsServer } from "../../support/dns-server.ts";

/** What to do. */
export type NamesTask =
  /** Ping six addresses with names, at a dead name server. */
  | "run"
  /** The same, and close the client in the middle. */
  | "close"
  /** Ask for one name, at a server that takes half a second. */
  | "ask"
  /** The same at a dead server, and close the client in the middle. */
  | "ask and close";

const DNS_PORT = 53;
const ADDRESSES = Array.from({ length: 6 }, (_, index) => `127.0.0.${index + 10}`);

const task = JSON.parse(process.argv[2] ?? '""') as NamesTask;
const isAnswering = task === "ask";
const server = await DnsServer.open(
  () => (isAnswering ? { name: "a.example", delay: 500 } : "silent"),
  {
    port: DNS_PORT,
  },
);
server.unref();
const client = new Client({ timeout: 1000, resolveDnsDefault: true });
const startMs = performance.now();
if (task === "close" || task === "ask and close") setTimeout(() => client.close(), 200);
const outcome = await (task === "run" || task === "close"
  ? ping()
  : client.reverseDns("127.0.0.10")
).catch((error: unknown) => (error as { code: string }).code);
const ms = performance.now() - startMs;
process.stdout.write(
  `${JSON.stringify({ outcome, ms, asked: server.asked.length, atMs: Date.now() })}\n`,
);

async function ping(): Promise<string[]> {
  const { targets } = await client.multiping(ADDRESSES, { count: 1, interval: 0 });
  return targets.flatMap(({ results }) => results.map(({ kind }) => kind));
}
