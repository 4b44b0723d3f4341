/**
 * Monitors loopback hosts with icmpx, each once a second, and prints what became of it, one JSON
 * line. Arguments: how many hosts, for how many seconds.
 *
 * @module
 */
import { Client } from "icmpx";
import { Beats, monitoredHosts } from "../support/beats.ts";

const FIELDS = 3;

const [hosts = "", seconds = ""] = process.argv.slice(2);
const targets = monitoredHosts(Number(hosts));
const answers = { sent: 0, received: 0 };
/**
 * What was sent, in the order of its results: number of the host, number of the probe, time in ms.
 * Looked at in the end.
 */
const departures = {
  hosts: new Map(targets.map((target, index) => [target, index])),
  of: new Float64Array(FIELDS * targets.length * (Number(seconds) + 1)),
  length: 0,
};

await using client = new Client();
const run = client.multiping(targets, {
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
  if (sentPacket === null) continue;
  departures.of[departures.length] = departures.hosts.get(result.target) ?? Number.NaN;
  departures.of[departures.length + 1] = number;
  departures.of[departures.length + 2] = sentPacket.timestamp;
  departures.length += FIELDS;
}
const beats = new Beats();
for (let at = 0; at < departures.length; at += FIELDS) {
  const [host = 0, number = 0, sentAtMs = 0] = departures.of.subarray(at, at + FIELDS);
  beats.add(targets[host] ?? "", number, sentAtMs);
}
console.log(JSON.stringify({ ...answers, ...beats.figures() }));
