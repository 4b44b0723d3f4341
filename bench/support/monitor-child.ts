/**
 * Monitors loopback hosts with icmpx, each once a second, and prints what became of it, one JSON line. Arguments: how many
 * hosts, for how many seconds.
 *
 * @module
 */
import { Client } from "icmpx";
import { Beats, monitoredHosts } from "./beats.ts";

const [hosts = "", seconds = ""] = process.argv.slice(2);
const beats = new Beats();
const answers = { sent: 0, received: 0 };

await using client = new Client();
const run = client.multiping(monitoredHosts(Number(hosts)), {
  interval: 1000,
  count: Number.POSITIVE_INFINITY,
});
setTimeout(() => run.stop(), Number(seconds) * 1000);
for await (const result of run) {
  if (result.kind === "targetFailure") throw new Error(result.message);
  if (result.duplicate || result.late) continue;
  answers.sent += 1;
  if (result.kind === "reply") answers.received += 1;
  const { sentPacket, number } = result.request;
  if (sentPacket !== null) beats.add(result.target, number, sentPacket.timestamp);
}
console.log(JSON.stringify({ ...answers, ...beats.figures() }));
