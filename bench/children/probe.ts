/**
 * Sends echo requests with icmpx, each when the one before is answered, and prints what that took,
 * one JSON line: a `ProbeFigures`. The first probes, in which the compiler has its part, do not
 * count. Arguments: target, count, pause in ms before each probe, how ("probe", "ping", or a number
 * of pings side by side), and kind of socket ("raw" or "datagram").
 *
 * @module
 */
import { Client } from "icmpx";
import { quantile } from "../support/measure.ts";
import type { ProbeFigures } from "../support/probes.ts";

const WARM_UP = 2000;

const [target = "", count = "", pause = "0", how = "probe", kind = "raw"] = process.argv.slice(2);
await using client = new Client({ privileged: kind === "raw" });
const waits: number[] = [];
const totals = { sent: 0, received: 0 };
let pausedMs = 0;

await send(WARM_UP, 0);
waits.length = 0;
Object.assign(totals, { sent: 0, received: 0 });
const cpu = process.cpuUsage();
const begun = performance.now();
await send(Number(count), Number(pause));
const seconds = (performance.now() - begun - pausedMs) / 1000;
const { user, system } = process.cpuUsage(cpu);
const figures: ProbeFigures = {
  ...totals,
  seconds,
  cpuSeconds: (user + system) / 1e6,
  median: quantile(waits, 0.5),
  p90: quantile(waits, 0.9),
  p99: quantile(waits, 0.99),
};
console.log(JSON.stringify(figures));

async function send(probes: number, pauseMs: number): Promise<void> {
  if (how === "probe") await sendAlone(probes, pauseMs);
  else {
    const flights = how === "ping" ? 1 : Number(how);
    await Promise.all(Array.from({ length: flights }, () => flood(Math.ceil(probes / flights))));
  }
}

async function sendAlone(probes: number, pauseMs: number): Promise<void> {
  for (let probe = 0; probe < probes; probe += 1) {
    if (pauseMs > 0) {
      const from = performance.now();
      await Bun.sleep(pauseMs);
      pausedMs += performance.now() - from;
    }
    const from = Bun.nanoseconds();
    const result = await client.probe(target);
    waits.push((Bun.nanoseconds() - from) / 1000);
    totals.sent += 1;
    if (result.kind === "reply") totals.received += 1;
  }
}

async function flood(probes: number): Promise<void> {
  const { statistics } = await client.ping(target, { interval: 0, count: probes });
  totals.sent += statistics.sent;
  totals.received += statistics.received;
}
