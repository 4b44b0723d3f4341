import { expect, test } from "bun:test";
import { RoomQueue } from "../../../src/client/sweep/room-queue.ts";

const MS = 1_000_000;

test("hosts are tried again in order, after 1, 2, 4, 8, 16, 16, ... ms", () => {
  const queue = new RoomQueue();
  expect(queue.nextNs).toBe(Number.POSITIVE_INFINITY);
  let nowNs = 0;
  const waits: number[] = [];
  queue.push(1, nowNs);
  queue.push(2, nowNs);
  for (let round = 0; round < 7; round++) {
    waits.push((queue.nextNs - nowNs) / MS);
    expect(queue.shift(queue.nextNs - 1)).toBeUndefined();
    nowNs = queue.nextNs;
    expect([queue.shift(nowNs), queue.shift(nowNs), queue.shift(nowNs)]).toEqual([1, 2, undefined]);
    queue.push(1, nowNs);
    queue.push(2, nowNs);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 16, 16]);
  queue.noteSent();
  nowNs = queue.nextNs;
  queue.shift(nowNs);
  queue.push(1, nowNs);
  expect(queue.nextNs - nowNs).toBe(1 * MS);
});

/** Refuses a host for so long, every 10 ms; when it is given up, in milliseconds. */
function refuse(queue: RoomQueue, number: number, fromMs: number, ms: number): number | undefined {
  for (let atMs = fromMs; atMs <= fromMs + ms; atMs += 10) {
    queue.shift(atMs * MS);
    if (!queue.push(number, atMs * MS)) return atMs;
  }
  return undefined;
}

test("they are given up when none has found room for 5 s, and so is what comes then", () => {
  const queue = new RoomQueue();
  expect(refuse(queue, 1, 0, 10_000)).toBe(5000);
  expect(refuse(queue, 2, 5010, 100)).toBe(5010);
});

test("one that finds room gives the others time", () => {
  const queue = new RoomQueue();
  expect(refuse(queue, 1, 0, 4900)).toBeUndefined();
  queue.noteSent();
  expect(refuse(queue, 2, 4910, 10_000)).toBe(9910);
});

test("after a second without a refusal there may be room again", () => {
  const queue = new RoomQueue();
  expect(refuse(queue, 1, 0, 10_000)).toBe(5000);
  expect(refuse(queue, 2, 6010, 10_000)).toBe(11_010);
});

test("it is full at 256, and knows who has waited until that host is decided", () => {
  const queue = new RoomQueue();
  for (let number = 0; number < 256; number++) {
    expect(queue.isFull).toBe(false);
    queue.push(number, 0);
  }
  expect(queue.isFull).toBe(true);
  expect(queue.shift(queue.nextNs)).toBe(0);
  expect([queue.isFull, queue.has(0), queue.has(256)]).toEqual([false, true, false]);
  queue.forget(0);
  expect(queue.has(0)).toBe(false);
});
