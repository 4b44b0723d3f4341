/**
 * Traces a path with icmpx several times in one process and prints how long each took, one JSON
 * line. Arguments: target, how many traces.
 *
 * @module
 */
import { Client } from "icmpx";

const [target = "", times = ""] = process.argv.slice(2);
await using client = new Client();
const traces: { milliseconds: number; hops: number; reached: boolean }[] = [];
for (let time = 0; time < Number(times); time += 1) {
  const begun = performance.now();
  const { hops, reached } = await client.traceroute(target);
  const milliseconds = performance.now() - begun;
  const answered = hops.filter(({ probes }) => probes.every(({ reply }) => reply !== null)).length;
  traces.push({ milliseconds, hops: answered, reached });
}
console.log(JSON.stringify(traces));
