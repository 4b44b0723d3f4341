import { describe, expect, test } from "bun:test";
import { Collector, collect, FakeResolver } from "./collect.ts";

const FOREVER = new AbortController().signal;

/** 10.x.y.z by number, as text. */
function nth(number: number): string {
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

/** Counts what is taken of endless texts, and whether it was told to stop. */
class Endless implements Iterable<string>, AsyncIterable<string> {
  taken = 0;
  stopped = 0;

  next(): IteratorResult<string> {
    return { done: false, value: nth(this.taken++) };
  }

  [Symbol.iterator](): Iterator<string> {
    return {
      next: () => this.next(),
      return: () => {
        this.stopped += 1;
        return { done: true, value: undefined };
      },
    };
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: async () => this.next(),
      return: async () => {
        this.stopped += 1;
        return { done: true, value: undefined };
      },
    };
  }
}

describe("TargetStream of an iterable", () => {
  test("is read one text for each address, and from the first call of next()", () => {
    const texts = new Endless();
    const collector = new Collector({ [Symbol.iterator]: () => texts[Symbol.iterator]() });
    expect(collector.stream.total).toBeNull();
    expect(texts.taken).toBe(0);
    expect(collector.steps(3)).toEqual(["10.0.0.0", "10.0.0.1", "10.0.0.2"]);
    expect(texts.taken).toBe(3);
  });

  test("reads an async one at most 256 texts ahead", async () => {
    const texts = new Endless();
    const collector = new Collector(texts);
    expect(texts.taken).toBe(0);
    for (let round = 1; round <= 3; round++) {
      expect(collector.step()).toBe("pending");
      await collector.stream.ready(FOREVER);
      const steps = collector.steps(256);
      expect(steps[0]).toBe(nth((round - 1) * 256));
      expect(steps.at(-1)).toBe(nth(round * 256 - 1));
      expect(texts.taken).toBe(round * 256);
    }
  });

  test("gives what a slow one has, without waiting for more", async () => {
    const lines: PromiseWithResolvers<IteratorResult<string>>[] = [];
    const next = () => {
      const line = Promise.withResolvers<IteratorResult<string>>();
      lines.push(line);
      return line.promise;
    };
    const collector = new Collector({ [Symbol.asyncIterator]: () => ({ next }) });
    expect(collector.step()).toBe("pending");
    for (const [index, text] of ["10.0.0.1", "10.0.0.2/31", "10.0.0.3"].entries()) {
      const ready = collector.stream.ready(FOREVER);
      lines[index]?.resolve({ done: false, value: text });
      await ready;
      expect(collector.step()).toBe(text.replace("/31", ""));
      if (text.includes("/")) expect(collector.step()).toBe("10.0.0.3");
      expect(collector.step()).toBe("pending");
    }
    lines[3]?.resolve({ done: true, value: undefined });
    await collector.stream.ready(FOREVER);
    expect(collector.step()).toBe("end");
  });

  test("wakes every waiter, even when the text came before they began to", async () => {
    const collector = new Collector(
      (async function* () {
        yield "10.0.0.1";
      })(),
    );
    expect(collector.step()).toBe("pending");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await collector.stream.ready(FOREVER);
    await Promise.all([collector.stream.ready(FOREVER), collector.stream.ready(FOREVER)]);
    expect(collector.steps()).toEqual(["10.0.0.1", "end"]);
  });

  test("stops waiting when the signal says so", async () => {
    const collector = new Collector({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
    });
    expect(collector.step()).toBe("pending");
    const abort = new AbortController();
    const ready = collector.stream.ready(abort.signal);
    abort.abort(new Error("enough"));
    await expect(ready).rejects.toThrow("enough");
    await expect(collector.stream.ready(abort.signal)).rejects.toThrow("enough");
  });

  test("shuffles 16,384 texts at a time, with the addresses of each", async () => {
    const count = 40_000;
    function* texts(): Generator<string> {
      for (let number = 0; number < count; number++) yield nth(number);
    }
    const addresses = await collect(texts(), { order: "random", seed: 1 });
    expect(new Set(addresses).size).toBe(count);
    const blocks = [
      addresses.slice(0, 16_384),
      addresses.slice(16_384, 32_768),
      addresses.slice(32_768),
    ];
    for (const [index, block] of blocks.entries()) {
      const all = block.map((_, offset) => nth(index * 16_384 + offset));
      expect(block).not.toEqual(all);
      expect(block.toSorted()).toEqual(all.toSorted());
    }
    // The second block is not shuffled as the first.
    const places = (block: number) =>
      blocks[block]?.map((address) => Number(address.split(".")[2]) % 64);
    expect(places(1)).not.toEqual(places(0));
  });

  test("shuffles what an async one gives just so", async () => {
    const addresses = await collect(
      (async function* () {
        yield "10.0.0.0/26";
        yield "10.1.0.1";
        yield "nowhere";
      })(),
      { order: "random", seed: 1 },
    );
    expect(addresses).toHaveLength(62 + 1 + 1);
    expect(new Set(addresses).size).toBe(64);
    expect(addresses[0]).not.toBe("10.0.0.1");
    expect(addresses.at(-1)).toBe("!ENOTFOUND nowhere");
  });

  test.each(["iterable", "async iterable"])(
    "passes on what an %s throws, after what it gave",
    async (kind) => {
      function* broken(): Generator<string> {
        yield "10.0.0.1";
        throw new Error("disk on fire");
      }
      const collector = new Collector(kind === "iterable" ? broken() : later(broken()));
      if (kind === "async iterable") {
        expect(collector.step()).toBe("pending");
        await collector.stream.ready(FOREVER);
      }
      expect(collector.step()).toBe("10.0.0.1");
      expect(() => collector.step()).toThrow("disk on fire");
      expect(() => collector.step()).toThrow("disk on fire");
    },
  );

  test("refuses what is no text, which is nobody's target", async () => {
    const texts = ["10.0.0.1", 7] as unknown as string[];
    await expect(collect(texts.values())).rejects.toThrow(TypeError);
    await expect(collect(later(texts))).rejects.toThrow("Invalid target 7");
  });
});

describe("TargetStream.close()", () => {
  test("tells an iterable that is not at its end, once, and ends", async () => {
    for (const isAsync of [false, true]) {
      const texts = new Endless();
      const collector = new Collector(
        isAsync ? texts : { [Symbol.iterator]: () => texts[Symbol.iterator]() },
      );
      if (collector.step() === "pending") await collector.stream.ready(FOREVER);
      collector.stream.close();
      collector.stream.close();
      expect(texts.stopped).toBe(1);
      expect(collector.step()).toBe("end");
    }
  });

  test("does not touch an iterable that nobody has begun to read", () => {
    const texts = new Endless();
    const { stream } = new Collector(texts);
    stream.close();
    expect([texts.taken, texts.stopped]).toEqual([0, 0]);
  });

  test("does not tell an iterable that has ended", async () => {
    let cleanups = 0;
    function* texts(): Generator<string> {
      try {
        yield "10.0.0.1";
      } finally {
        cleanups += 1;
      }
    }
    const collector = new Collector(texts());
    expect(await collector.all()).toEqual(["10.0.0.1"]);
    expect(cleanups).toBe(1);
    collector.stream.close();
    expect(cleanups).toBe(1);
  });

  test("never throws, whatever the iterable does when told", () => {
    const wrong = () => {
      throw new Error("not now");
    };
    const next = () => ({ done: false, value: "10.0.0.1" });
    const one = new Collector({ [Symbol.iterator]: () => ({ next, return: wrong }) });
    one.step();
    one.stream.close();
    const other = new Collector({
      [Symbol.asyncIterator]: () => ({ next: async () => next(), return: wrong }),
    });
    other.step();
    other.stream.close();
    expect([one.step(), other.step()]).toEqual(["end", "end"]);
  });

  test("ends the lookups, and wakes everyone who waits for them", async () => {
    const resolver = new FakeResolver({ slow: "192.0.2.1" }, { hold: true });
    const collector = new Collector(["slow", "10.0.0.0/8"], { resolver });
    expect(collector.step()).toBe("10.0.0.1");
    const names = new Collector("slow", { resolver });
    expect(names.step()).toBe("pending");
    const ready = names.stream.ready(FOREVER);
    names.stream.close();
    collector.stream.close();
    await ready;
    expect([collector.step(), names.step()]).toEqual(["end", "end"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect([collector.step(), names.step()]).toEqual(["end", "end"]);
  });
});

async function* later(texts: Iterable<string>): AsyncGenerator<string> {
  yield* texts;
}
