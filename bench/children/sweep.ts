// Sweeps with icmpx and prints the totals, a JSON line for each time. Arguments: targets, rate, how
// many times.
import { Client } from "icmpx";

const [targets = "", rate = "", times = ""] = process.argv.slice(2);

await using client = new Client();
for (let time = 0; time < Number(times); time++) {
  const { living, failures, ...totals } = await client.sweep(targets, {
    rate: Number(rate),
    retries: 0,
  });
  console.log(JSON.stringify({ ...totals, living: living.size, failures: failures.length }));
}
