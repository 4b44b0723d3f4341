import { Resolver } from "../../src/client/names/resolver.ts";
import { Measurement } from "../../src/client/run/measurement.ts";
import type { RunContext, RunServices } from "../../src/client/run/run-context.ts";
import { promptPace } from "../../src/client/time/pace.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeDns } from "./fake-dns.ts";

/** The measurement that tests play with. */
export type Numbers = Measurement<number, string, { readonly emitted: number }>;

type NumbersContext = RunContext<number, { readonly emitted: number }>;

/** What kind of run a {@link Stage} has. */
export interface Setup {
  readonly endless?: boolean;
  readonly signal?: AbortSignal;
  /** What `start` does at once; by default nothing. */
  onStart?(run: NumbersContext): void;
  /** Whether the run resolves by itself, to "partial", when it is told to stop. On by default. */
  readonly obedient?: boolean;
}

/** A clock that stands still, and names that nobody knows. */
export function fakeServices(): RunServices {
  const clock = new FakeClock();
  return { clock, pace: promptPace(clock), resolver: new Resolver(new FakeDns({}), clock) };
}

/** A measurement whose run the test plays by hand. */
export class Stage {
  readonly measurement: Numbers;
  starts = 0;
  readonly #outcome = Promise.withResolvers<string>();
  #run: NumbersContext | undefined;

  constructor(setup: Setup = {}) {
    this.measurement = new Measurement<number, string, { readonly emitted: number }>({
      name: "ping",
      statistics: () => ({ emitted: 0 }),
      endless: setup.endless ?? false,
      signal: setup.signal,
      services: fakeServices,
      start: (run) => {
        this.starts += 1;
        this.#run = run;
        setup.onStart?.(run);
        if (setup.obedient ?? true) {
          const stop = (): void => this.#outcome.resolve("partial");
          if (run.signal.aborted) stop();
          else run.signal.addEventListener("abort", stop);
        }
        return this.#outcome.promise;
      },
    });
  }

  get run(): NumbersContext {
    if (this.#run === undefined) throw new Error("The run has not begun");
    return this.#run;
  }

  emit(...items: number[]): void {
    for (const item of items) this.run.emit(item);
  }

  finish(result = "result"): void {
    this.#outcome.resolve(result);
  }

  crash(error: unknown): void {
    this.#outcome.reject(error);
  }
}

/** What an iterator says at its end. */
export const DONE = { done: true, value: undefined } as const;

/** What an iterator says of one item. */
export function item(value: number): IteratorResult<number, undefined> {
  return { done: false, value };
}

/** Reads an iterator to its end; `thrown` is what it threw there. */
export async function drain(
  source: AsyncIterable<number>,
): Promise<{ items: number[]; thrown?: unknown }> {
  const items: number[] = [];
  try {
    for await (const value of source) items.push(value);
    return { items };
  } catch (thrown) {
    return { items, thrown };
  }
}

/** Lets everything that is already decided happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Whether a promise is still pending once everything decided has happened. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const over = (): void => {
    pending = false;
  };
  promise.then(over, over);
  await settle();
  return pending;
}

/** An AbortController whose signal counts its listeners. */
export function countingController(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal) as (type: string, listener: unknown) => void;
  const remove = signal.removeEventListener.bind(signal) as (
    type: string,
    listener: unknown,
  ) => void;
  signal.addEventListener = (type: string, listener: unknown) => {
    listeners.add(listener);
    add(type, listener);
  };
  signal.removeEventListener = (type: string, listener: unknown) => {
    listeners.delete(listener);
    remove(type, listener);
  };
  return { controller, listeners: () => listeners.size };
}
