/**
 * A program that removes all listeners of its process, as test runners and frameworks may.
 * Argument: a `ListenersInput` as JSON. Prints one line, a `ListenersReport`.
 *
 * @module
 */
import { Client } from "../../../src/client/client.ts";
import { assemblePlatform } from "../../../src/client/transport/platform.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import { openReactor } from "../../../src/ffi/reactor.ts";
import { type LibcSymbols, openLibc } from "../../../src/ffi/symbols.ts";

export interface ListenersInput {
  readonly target: string;
  readonly privileged: boolean;
  /**
   * When listeners are removed: after each result, or right after each send, before its answer is
   * read.
   */
  readonly when: "result" | "send";
  readonly count: number;
  readonly interval: number;
  readonly timeout: number;
}

export interface ListenersReport {
  readonly kinds: readonly string[];
  readonly sources: readonly (string | null)[];
  readonly rtts: readonly (number | null)[];
  /** How long after the one before each result came. */
  readonly waits: readonly number[];
  readonly swept: number;
}

const input = JSON.parse(process.argv[2] ?? "{}") as ListenersInput;
let isWarm = false;
const remove = (): void => void process.removeAllListeners();
const system = openLibc();
const sending = <Arguments extends unknown[], Result>(
  send: (...parameters: Arguments) => Result,
) => {
  return (...parameters: Arguments): Result => {
    const result = send(...parameters);
    if (input.when === "send" && isWarm) remove();
    return result;
  };
};
const symbols: LibcSymbols = {
  ...system,
  sendto: sending(system.sendto),
  sendmsg: sending(system.sendmsg),
  sendmmsg: sending(system.sendmmsg),
};
const libc = new Libc(symbols);
const schedule = (delayNs: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, Math.ceil(delayNs / 1e6));
  return () => clearTimeout(timer);
};
const platform = assemblePlatform({ libc, reactor: openReactor(libc), schedule });
const { target, privileged, count, interval, timeout } = input;
const client = new Client({ privileged, timeout }, platform);

// A socket looks for what arrived before it was watched, once: that must be over.
await client.probe(target);
await Bun.sleep(20);
isWarm = true;

const kinds: string[] = [];
const sources: (string | null)[] = [];
const rtts: (number | null)[] = [];
const waits: number[] = [];
let before = performance.now();
for await (const result of client.ping(target, { count, interval })) {
  kinds.push(result.kind);
  sources.push(result.rttSource);
  rtts.push(result.rtt);
  const now = performance.now();
  waits.push(now - before);
  before = now;
  if (input.when === "result") remove();
}
let swept = 0;
for await (const { kind } of client.sweep([target], { rate: 100, timeout, retries: 0 })) {
  if (kind === "reply") swept += 1;
  remove();
}
client.close();
process.stdout.write(
  `${JSON.stringify({ kinds, sources, rtts, waits, swept } satisfies ListenersReport)}\n`,
);
