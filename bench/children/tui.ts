/**
 * The measurements of `bench/tui.ts` without a screen: what is left of the processor's time is the
 * terminal UI's.
 *
 * @module
 */
import { Client } from "icmpx";

const hosts = Number(process.argv[2]);
const endless = { count: Number.POSITIVE_INFINITY, interval: 100, timeout: 1000 };
const targets = Array.from({ length: hosts }, (_, index) => `127.0.0.${index + 1}`);
// As the terminal UI makes it.
using client = new Client({ slack: 50 });
let results = 0;
await Promise.all(
  [
    client.ping("127.0.0.1", endless),
    client.ping("127.0.0.1", endless),
    client.multiping(targets, endless),
    client.mtr("127.0.0.1", endless),
  ].map(async (measurement: AsyncIterable<unknown>) => {
    for await (const _ of measurement) results += 1;
  }),
);
console.log(results);
