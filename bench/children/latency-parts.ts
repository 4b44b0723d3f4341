/**
 * Sends probes with icmpx, one after the other, and prints where the time of each goes, one JSON
 * line: a `LatencyParts` of medians. The system calls are wrapped to read the clock around them.
 * Arguments: target, count, pause in ms before each probe.
 *
 * @module
 */
import { Client } from "icmpx";
import { assemblePlatform } from "../../src/client/transport/platform.ts";
import { Libc } from "../../src/ffi/libc.ts";
import { openReactor } from "../../src/ffi/reactor.ts";
import { type LibcSymbols, openLibc } from "../../src/ffi/symbols.ts";
import { median } from "../support/measure.ts";
import type { LatencyParts } from "../support/probes.ts";

const WARM_UP = 2000;

const [target = "", count = "", pause = "0"] = process.argv.slice(2);
const moments = { sending: 0, sent: 0, heard: 0 };
const system = openLibc();
const symbols: LibcSymbols = {
  ...system,
  sendmsg: (...args) => {
    moments.sending = Bun.nanoseconds();
    const result = system.sendmsg(...args);
    moments.sent = Bun.nanoseconds();
    moments.heard = 0;
    return result;
  },
  // The first thing that the handler of SIGURG does.
  poll: (...args) => {
    if (moments.heard === 0) moments.heard = Bun.nanoseconds();
    return system.poll(...args);
  },
};
const libc = new Libc(symbols);
const schedule = (delayNs: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, Math.ceil(delayNs / 1e6));
  return () => clearTimeout(timer);
};
const platform = assemblePlatform({ libc, reactor: openReactor(libc), schedule });
await using client = new Client({ privileged: true }, platform);

const rows: LatencyParts[] = [];
for (let probe = 0; probe < WARM_UP + Number(count); probe += 1) {
  const isWarm = probe >= WARM_UP;
  if (isWarm && Number(pause) > 0) await Bun.sleep(Number(pause));
  const called = Bun.nanoseconds();
  await client.probe(target);
  const resumed = Bun.nanoseconds();
  const { sending, sent, heard } = moments;
  const parts = {
    making: sending - called,
    sending: sent - sending,
    hearing: heard - sent,
    handling: resumed - heard,
    whole: resumed - called,
  };
  if (isWarm) rows.push(parts);
}
const of = (part: keyof LatencyParts): number => median(rows.map((row) => row[part])) / 1000;
const medians: LatencyParts = {
  making: of("making"),
  sending: of("sending"),
  hearing: of("hearing"),
  handling: of("handling"),
  whole: of("whole"),
};
console.log(JSON.stringify(medians));
