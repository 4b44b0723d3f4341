import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Deadlines } from "../../../src/client/time/deadlines.ts";

interface Entry {
  readonly deadlineNs: number;
  isWaiting: boolean;
}

function entry(deadlineNs: number): Entry {
  return { deadlineNs, isWaiting: true };
}

/** Deadlines of entries, which stand for the places of a table. */
class Table {
  readonly entries: Entry[] = [];
  readonly #deadlines = new Deadlines(
    (place, deadlineNs) =>
      this.entries[place]?.isWaiting === true && this.entries[place].deadlineNs === deadlineNs,
  );

  push(added: Entry): void {
    this.entries.push(added);
    this.#deadlines.push(this.entries.length - 1, added.deadlineNs);
  }

  next(): number | undefined {
    const next = this.#deadlines.next();
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  takeDue(nowNs: number): Entry | undefined {
    const place = this.#deadlines.takeDue(nowNs);
    return place === -1 ? undefined : this.entries[place];
  }

  clear(): void {
    this.#deadlines.clear();
  }
}

describe("Deadlines", () => {
  test("hands out what is due, the earliest first", () => {
    const deadlines = new Table();
    for (const at of [30, 10, 20, 50, 40]) deadlines.push(entry(at));
    expect(deadlines.takeDue(9)).toBeUndefined();
    expect([1, 2, 3, 4].map(() => deadlines.takeDue(30)?.deadlineNs)).toEqual([
      10,
      20,
      30,
      undefined,
    ]);
    expect(deadlines.next()).toBe(40);
  });

  test("hands out what is due to the nanosecond", () => {
    const deadlines = new Table();
    deadlines.push(entry(1_000_000_001));
    expect(deadlines.takeDue(1_000_000_000)).toBeUndefined();
    expect(deadlines.takeDue(1_000_000_001)?.deadlineNs).toBe(1_000_000_001);
  });

  test("passes over what no longer waits", () => {
    const deadlines = new Table();
    const [first, second, third] = [entry(1), entry(2), entry(3)];
    for (const each of [third, first, second]) deadlines.push(each);
    first.isWaiting = false;
    expect(deadlines.next()).toBe(2);
    second.isWaiting = false;
    expect(deadlines.takeDue(2)).toBeUndefined();
    expect(deadlines.takeDue(3)).toBe(third);
    expect(deadlines.next()).toBeUndefined();
  });

  type Action =
    | { readonly do: "push"; readonly at: number }
    | { readonly do: "decide"; readonly which: number }
    | { readonly do: "take"; readonly at: number }
    | { readonly do: "clear" };
  const moment = fc.integer({ min: 0, max: 100 });
  const action: fc.Arbitrary<Action> = fc.oneof(
    { weight: 60, arbitrary: fc.record({ do: fc.constant("push" as const), at: moment }) },
    { weight: 30, arbitrary: fc.record({ do: fc.constant("decide" as const), which: fc.nat() }) },
    { weight: 30, arbitrary: fc.record({ do: fc.constant("take" as const), at: moment }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const) }) },
  );

  /** Does the same to a sorted array, and compares what comes out. */
  function play(actions: readonly Action[]): void {
    const deadlines = new Table();
    let model: Entry[] = [];
    for (const step of actions) {
      if (step.do === "push") {
        const added = entry(step.at);
        deadlines.push(added);
        model.push(added);
        model.sort((a, b) => a.deadlineNs - b.deadlineNs);
      } else if (step.do === "decide") {
        const [decided] = model.splice(step.which % Math.max(model.length, 1), 1);
        if (decided !== undefined) decided.isWaiting = false;
      } else if (step.do === "take") {
        const taken = deadlines.takeDue(step.at);
        const earliest = model[0];
        const isDue = earliest !== undefined && earliest.deadlineNs <= step.at;
        expect(taken?.deadlineNs).toBe(isDue ? earliest.deadlineNs : undefined);
        // Of several that are due together, any may come first.
        if (taken !== undefined) expect(model).toContain(taken);
        model = model.filter((each) => each !== taken);
      } else {
        deadlines.clear();
        model = [];
      }
      expect(deadlines.next()).toBe(model[0]?.deadlineNs);
    }
  }

  test("agrees with a sorted array", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 200 }), play), { numRuns: 300 });
  });

  test("agrees with a sorted array across sweeps for decided entries", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.boolean()), {
          minLength: 1200,
          maxLength: 4000,
        }),
        (pushes) => {
          const deadlines = new Table();
          const waiting: number[] = [];
          for (const [at, isDecided] of pushes) {
            const added = entry(at);
            deadlines.push(added);
            added.isWaiting = !isDecided;
            if (!isDecided) waiting.push(at);
          }
          const taken: number[] = [];
          for (
            let due = deadlines.takeDue(10_000);
            due !== undefined;
            due = deadlines.takeDue(10_000)
          ) {
            taken.push(due.deadlineNs);
          }
          expect(taken).toEqual(waiting.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 20 },
    );
  });

  test("passes over a place whose deadline was put off", () => {
    const deadlines = new Deadlines((_, deadlineNs) => deadlineNs === 20);
    deadlines.push(7, 10);
    deadlines.push(7, 20);
    expect(deadlines.takeDue(19)).toBe(-1);
    expect(deadlines.takeDue(20)).toBe(7);
    expect(deadlines.next()).toBe(Number.POSITIVE_INFINITY);
  });

  test("does not hold on to what was decided behind one that waits", () => {
    const asked: number[] = [];
    const deadlines = new Deadlines((place) => {
      asked.push(place);
      return place === 0;
    });
    for (let place = 0; place < 20_000; place++) deadlines.push(place, place);
    expect(deadlines.next()).toBe(0);
    asked.length = 0;
    // Whatever is still held is passed over on the way to nothing.
    expect(deadlines.takeDue(0)).toBe(0);
    expect(deadlines.next()).toBe(Number.POSITIVE_INFINITY);
    expect(asked.length).toBeLessThan(2048);
  });
});
