import type { PingTarget } from "../model/ping-target.ts";
import type { HostOrder } from "./multiping-columns.ts";

/** Milliseconds for which an order stands: rows that jump all the time cannot be read. */
const ORDER_AGE_MS = 1000;

/** The hosts in the order that the user wants, brought up to date once a second. */
export class OrderedHosts {
  readonly #targets: readonly PingTarget[];
  #order: HostOrder;
  #ordered: readonly PingTarget[];
  #orderedAtMs = Number.NEGATIVE_INFINITY;
  /** Names do not change. */
  #byName: readonly PingTarget[] | undefined;

  constructor(targets: readonly PingTarget[], order: HostOrder) {
    this.#targets = targets;
    this.#order = order;
    this.#ordered = targets;
  }

  get order(): HostOrder {
    return this.#order;
  }

  set order(order: HostOrder) {
    this.#order = order;
    this.#orderedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** The hosts as they are ordered at that time, milliseconds since 1970. */
  at(nowMs: number): readonly PingTarget[] {
    if (Math.abs(nowMs - this.#orderedAtMs) >= ORDER_AGE_MS) {
      this.#ordered = this.#sort();
      this.#orderedAtMs = nowMs;
    }
    return this.#ordered;
  }

  #sort(): readonly PingTarget[] {
    switch (this.#order) {
      case "given":
        return this.#targets;
      case "name":
        this.#byName ??= sortByName(this.#targets);
        return this.#byName;
      case "loss":
        return sortDown(this.#targets, (target) =>
          target.state === "failed" ? 1 : target.figures.loss,
        );
      case "worst":
        return sortDown(this.#targets, ({ figures }) => figures.max);
      default:
        return this.#order satisfies never;
    }
  }
}

/** The greatest first; those without a figure last, those with the same as they were given. */
function sortDown(
  targets: readonly PingTarget[],
  figure: (target: PingTarget) => number | null,
): readonly PingTarget[] {
  return targets
    .map((target) => ({ target, figure: figure(target) ?? -1 }))
    .sort((a, b) => b.figure - a.figure)
    .map(({ target }) => target);
}

function sortByName(targets: readonly PingTarget[]): readonly PingTarget[] {
  // 10.0.0.9 comes before 10.0.0.10.
  const { compare } = new Intl.Collator("en", { numeric: true });
  return targets.toSorted((a, b) => compare(a.label, b.label));
}
