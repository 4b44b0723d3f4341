/**
 * Asks for names of addresses, and addresses of names, at a name server of its own, which behaves
 * as its argument says, and prints what it learns and after how many milliseconds. How long it
 * lives is what matters: it runs where /etc/resolv.conf names this server.
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
  | "ask and close"
  /** The same for the address of a name. */
  | "resolve and close"
  /** Ask for addresses of a name in /etc/hosts, at a dead server. */
  | "resolve"
  /** Begin to probe a name at a dead server, and close the client in the middle. */
  | `${"ping" | "multiping" | "sweep"} a name and close`
  /** The same, but abort the run. */
  | "ping a name and abort";

const DNS_PORT = 53;
const NAME = "a.example";
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
const controller = new AbortController();
if (task.endsWith("close")) setTimeout(() => client.close(), 200);
if (task.endsWith("abort")) setTimeout(() => controller.abort({ code: "aborted" }), 200);
const outcome = await begin().catch((error: unknown) => (error as { code: string }).code);
const ms = performance.now() - startMs;
process.stdout.write(
  `${JSON.stringify({ outcome, ms, asked: server.asked.length, atMs: Date.now() })}\n`,
);

async function begin(): Promise<unknown> {
  switch (task) {
    case "run":
    case "close":
      return ping();
    case "ask":
    case "ask and close":
      return client.reverseDns("127.0.0.10");
    case "resolve":
      return Promise.all(
        ([4, 6] as const).map((family) => client.resolveHost("known.example", { family })),
      );
    case "resolve and close":
      return client.resolveHost(NAME);
    case "ping a name and close":
      return client.ping(NAME);
    case "ping a name and abort":
      return client.ping(NAME, { signal: controller.signal });
    case "multiping a name and close":
      return client.multiping([NAME, "127.0.0.1"]);
    case "sweep a name and close":
      return client.sweep([NAME]);
    default:
      return task satisfies never;
  }
}

async function ping(): Promise<string[]> {
  const { targets } = await client.multiping(ADDRESSES, { count: 1, interval: 0 });
  return targets.flatMap(({ results }) => results.map(({ kind }) => kind));
}
