// Pings with icmpx and prints the RTTs, one JSON line. Arguments: target, count, interval in ms,
// "blocked" or "free".
import { Client } from "icmpx";

const [target = "", count = "", interval = "", manner = ""] = process.argv.slice(2);

/** Holds the event loop for 200 ms out of every 250 ms. */
function block(): void {
  const until = performance.now() + 200;
  while (performance.now() < until);
}

await using client = new Client({ timeout: 2000 });
const blocker = manner === "blocked" ? setInterval(block, 250) : undefined;
const { results, statistics } = await client.ping(target, {
  count: Number(count),
  interval: Number(interval),
});
clearInterval(blocker);
const rtts = results.flatMap((result) =>
  result.kind === "reply"
    ? [{ sequence: result.reply.receivedPacket.icmpPacket.sequence, rtt: result.rtt }]
    : [],
);
const sources = results.filter((result) => result.rttSource === "kernel").length;
console.log(JSON.stringify({ rtts, kernel: sources, lost: statistics.lost }));
