/**
 * What the tests of the client's methods share. None of them looks for unhandled rejections:
 * `bun test` fails every test during which there is one.
 *
 * @module
 */
import { expect } from "bun:test";
import { Client } from "../../src/client/client.ts";
import type { EchoResult } from "../../src/client/results/results.ts";
import type { Measurement } from "../../src/client/run/measurement.ts";
import type { ClientOptions, CommonOptions } from "../../src/client/run/options.ts";
import type { FakeClock } from "../support/fake-clock.ts";
import {
  type FakePlatform,
  type FakePlatformOptions,
  fakePlatform,
} from "../support/fake-platform.ts";

/** A client in a world where nothing is real. */
export interface Scene extends FakePlatform {
  readonly client: Client;
  /** Milliseconds since the scene began. */
  nowMs(): number;
  /** When the probes left, in milliseconds since the first one of all did. */
  sentAtMs(): number[];
  /** How many timers wait, those of packets on the way not counted. */
  timers(): number;
  /** Lets time pass until the measurement has its outcome, and returns it. */
  outcome<Result>(measurement: PromiseLike<Result>): Promise<Result>;
  /** Lets time pass until the measurement fails, and returns with what. */
  failure(measurement: PromiseLike<unknown>): Promise<unknown>;
  /** Iterates the measurement; the list grows as time passes. */
  watch<Item>(measurement: AsyncIterable<Item>): Watching<Item>;
}

/** What a loop over a measurement has seen. */
export interface Watching<Item> {
  readonly items: Item[];
  /** Milliseconds since the scene began, of each item. */
  readonly atMs: number[];
  /** Settles at the end of the loop, with what the loop threw, or undefined. */
  readonly ended: Promise<unknown>;
}

/** Sets a scene. */
export function scene(options: FakePlatformOptions = {}, clientOptions: ClientOptions = {}): Scene {
  const fake = fakePlatform(options);
  const { clock, kernel, platform } = fake;
  const startNs = clock.monotonicNs();
  const kernelTimers = countKernelTimers(clock);
  const nowMs = (): number => (clock.monotonicNs() - startNs) / 1e6;
  return {
    ...fake,
    client: new Client(clientOptions, platform),
    nowMs,
    timers: () => clock.pending - kernelTimers(),
    sentAtMs: () =>
      kernel.sent.map(({ sentAtNs }) => (sentAtNs - (kernel.sent[0]?.sentAtNs ?? 0)) / 1e6),
    outcome: (measurement) => clock.runUntil(measurement),
    failure: (measurement) =>
      clock.runUntil(
        measurement.then(
          (value) => {
            throw new Error(`It succeeded: ${JSON.stringify(value)}`);
          },
          (error: unknown) => error,
        ),
      ),
    watch: (measurement) => watch(measurement, nowMs),
  };
}

function watch<Item>(measurement: AsyncIterable<Item>, nowMs: () => number): Watching<Item> {
  const items: Item[] = [];
  const atMs: number[] = [];
  return { items, atMs, ended: collect() };

  async function collect(): Promise<unknown> {
    try {
      for await (const item of measurement) {
        items.push(item);
        atMs.push(nowMs());
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

function countKernelTimers(clock: FakeClock): () => number {
  const schedule = clock.scheduleKernel.bind(clock);
  let waiting = 0;
  clock.scheduleKernel = (delayNs, callback) => {
    waiting += 1;
    return schedule(delayNs, () => {
      waiting -= 1;
      callback();
    });
  };
  return () => waiting;
}

/** Expects that every socket is closed and no timer waits; packets on the way may still arrive. */
export function expectClosed({ timers, kernel }: Scene): void {
  expect(kernel.openDescriptors).toBe(0);
  expect(kernel.reactor.watched).toBe(0);
  expect(timers()).toBe(0);
}

/** Every kind of run, ready to begin. */
export const RUNS: readonly [
  name: string,
  begin: (client: Client, options?: CommonOptions) => Measurement<unknown, unknown>,
][] = [
  ["probe()", (client, options) => client.probe("198.51.100.1", options)],
  ["ping()", (client, options) => client.ping("198.51.100.1", { count: 100, ...options })],
  [
    "multiping()",
    (client, options) =>
      client.multiping(["198.51.100.1", "2001:db8:1::1", "198.51.100.2"], {
        count: 100,
        ...options,
      }),
  ],
  ["traceroute()", (client, options) => client.traceroute("198.51.100.1", options)],
  ["mtr()", (client, options) => client.mtr("198.51.100.1", { count: 100, ...options })],
];

/** Results in short: number of the probe, RTT or error, and what is special about it. */
export function shortened(results: Iterable<EchoResult>): string[] {
  return Array.from(results, (result) => {
    const flags = (["late", "duplicate", "reordered"] as const).filter((flag) => result[flag]);
    return [result.request.number, result.error ?? result.rtt, ...flags].join(" ");
  });
}

/** Lets every promise reaction that can run do so. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
