// Sweeps with icmpx and prints its memory meanwhile. Arguments: targets, rate, retries.
import { Client } from "icmpx";

const [targets = "", rate = "", retries = ""] = process.argv.slice(2);

await using client = new Client();
const sweep = client.sweep(targets, { rate: Number(rate), retries: Number(retries) });
let highest = 0;

function print(): void {
  const { elapsed, done, inFlight, answered, rate, remaining } = sweep.progress;
  const figures = [
    `${(elapsed / 1000).toFixed(1).padStart(6)} s`,
    `${String(done).padStart(8)} done`,
    `${String(inFlight).padStart(7)} in flight`,
    `${String(answered).padStart(6)} answered`,
    `${rate.toFixed(0).padStart(6)} a second`,
    `${((remaining ?? 0) / 1000).toFixed(0).padStart(4)} s to go`,
    `RSS ${(process.memoryUsage.rss() / 1e6).toFixed(1)} MB`,
    `heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(1)} MB`,
  ];
  console.log(figures.join("  "));
}

const timer = setInterval(print, 5000);
const sampler = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage.rss());
}, 100);
// Counted as somebody would who reads them as they come.
let seen = 0;
for await (const _ of sweep) seen += 1;
print();
clearInterval(timer);
clearInterval(sampler);
const { living, failures, ...totals } = await sweep;
console.log(JSON.stringify({ ...totals, living: living.size, seen, failures: failures.length }));
console.log(`highest RSS ${(highest / 1e6).toFixed(1)} MB`);
