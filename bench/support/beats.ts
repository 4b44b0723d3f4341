/** Width of the windows in which sends are counted, in ms. */
const WINDOW_MS = 10;
const INTERVAL_MS = 1000;
/** Probes to each host that do not count: the first ones wait for the program to get going. */
const SETTLING_PROBES = 2;

/** `count` addresses of this host: 127.1.0.0, 127.1.0.1, ... */
export function monitoredHosts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `127.1.${index >> 8}.${index & 255}`);
}

/** How a schedule of one probe a second to each host was kept. */
export interface BeatFigures {
  /**
   * By how much the last probe of a host left later than an early one and the number of seconds
   * between them say, in ms.
   */
  readonly driftMedian: number;
  readonly driftMost: number;
  /**
   * The most sends within 10 ms, and their mean: equal if the sends are spread evenly over the
   * second.
   */
  readonly windowMost: number;
  readonly windowMean: number;
}

/** Gathers when probes left. */
export class Beats {
  readonly #seen = new Map<string, number>();
  readonly #hosts = new Map<
    string,
    { first: number; firstMs: number; last: number; lastMs: number }
  >();
  readonly #windows = new Map<number, number>();

  /** Probe `number` to `host` left at `atMs`. */
  add(host: string, number: number, atMs: number): void {
    const seen = (this.#seen.get(host) ?? 0) + 1;
    this.#seen.set(host, seen);
    if (seen <= SETTLING_PROBES) return;
    const beat = this.#hosts.get(host);
    if (beat === undefined)
      this.#hosts.set(host, { first: number, firstMs: atMs, last: number, lastMs: atMs });
    else {
      beat.last = number;
      beat.lastMs = atMs;
    }
    const window = Math.floor(atMs / WINDOW_MS);
    this.#windows.set(window, (this.#windows.get(window) ?? 0) + 1);
  }

  figures(): BeatFigures {
    const drifts = Array.from(
      this.#hosts.values(),
      ({ first, firstMs, last, lastMs }) => lastMs - firstMs - (last - first) * INTERVAL_MS,
    ).sort((a, b) => a - b);
    return {
      driftMedian: drifts[drifts.length >> 1] ?? Number.NaN,
      driftMost: Math.max(...drifts.map(Math.abs)),
      windowMost: Math.max(...this.#windows.values()),
      windowMean: (this.#hosts.size / INTERVAL_MS) * WINDOW_MS,
    };
  }
}
