import { expect, test } from "bun:test";
import { DecidedQueue } from "../../../src/client/probing/decided-queue.ts";

/** What is in a queue, taken out of it. */
function drained(queue: DecidedQueue): number[] {
  const numbers: number[] = [];
  while (queue.length > 0) {
    expect(queue.firstSequence).toBe(queue.firstNumber & 0xffff);
    expect(queue.firstAtNs).toBe(queue.firstNumber * 1e9 + 0.5);
    numbers.push(queue.firstNumber);
    queue.shift();
  }
  return numbers;
}

function push(queue: DecidedQueue, from: number, to: number): void {
  for (let number = from; number < to; number++) {
    queue.push({ sequence: number & 0xffff, number }, number * 1e9 + 0.5);
  }
}

test("gives back in order what it was given, however it grew and wherever it begins", () => {
  const queue = new DecidedQueue();
  push(queue, 0, 200);
  for (let count = 0; count < 150; count++) queue.shift();
  // Past the end of its room, and beyond what it has.
  push(queue, 200, 1000);
  expect(queue.length).toBe(850);
  expect(drained(queue)).toEqual(Array.from({ length: 850 }, (_, index) => 150 + index));
  push(queue, 4_000_000_000, 4_000_000_003);
  expect(drained(queue)).toEqual([4_000_000_000, 4_000_000_001, 4_000_000_002]);
});

test("keeps the latest 65,536", () => {
  const queue = new DecidedQueue();
  push(queue, 0, 70_000);
  expect(queue.length).toBe(65_536);
  const numbers = drained(queue);
  expect([numbers[0], numbers.at(-1), numbers.length]).toEqual([4464, 69_999, 65_536]);
});

test("is empty after a clear", () => {
  const queue = new DecidedQueue();
  push(queue, 0, 300);
  queue.clear();
  expect(queue.length).toBe(0);
  push(queue, 5, 8);
  expect(drained(queue)).toEqual([5, 6, 7]);
});
