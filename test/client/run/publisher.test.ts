import { describe, expect, test } from "bun:test";
import { Resolver } from "../../../src/client/names/resolver.ts";
import type { EchoResult } from "../../../src/client/results/results.ts";
import {
  type NameOf,
  Publisher,
  respondersOf,
  withName,
} from "../../../src/client/run/publisher.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDns } from "../../support/fake-dns.ts";
import { FakePath } from "../../support/fake-path.ts";
import { scene, tick } from "../support.ts";

const [A, B] = ["192.0.2.1", "192.0.2.2"];

function stage(options: { readonly names?: boolean } = {}) {
  const clock = new FakeClock();
  const dns = new FakeDns();
  const controller = new AbortController();
  const items: string[] = [];
  const publisher = new Publisher<string>({
    emit: (item) => items.push(item),
    resolver: (options.names ?? true) ? new Resolver(dns, clock) : undefined,
    clock,
    patienceNs: 300e6,
    signal: controller.signal,
  });
  const publish = (label: string, ...addresses: string[]): void => {
    publisher.publish(addresses, (nameOf: NameOf) =>
      [label, ...addresses.map((address) => nameOf(address))].join(" "),
    );
  };
  return { clock, dns, controller, items, publisher, publish };
}

describe("Publisher", () => {
  test("publishes at once, without names, when there is no resolver", async () => {
    const { dns, items, publisher, publish } = stage({ names: false });
    publisher.anticipate(A);
    publish("one", A, B);
    expect(items).toEqual(["one  "]);
    await publisher.settled();
    expect(dns.reverses).toEqual([]);
  });

  test("publishes each item when its names are known, in order", async () => {
    const { dns, items, publisher, publish } = stage();
    publish("one", A);
    publish("two", B);
    publish("three", A, B);
    await dns.answer(B, "b.example");
    await tick();
    expect(items).toEqual([]);
    await dns.answer(A, "a.example");
    await publisher.settled();
    expect(items).toEqual(["one a.example", "two b.example", "three a.example b.example"]);
  });

  test("lets no item wait longer than its patience, and names it then as far as is known", async () => {
    const { clock, dns, items, publish } = stage();
    publish("one", A, B);
    await dns.answer(B, "b.example");
    await clock.advance(200);
    publish("two", A);
    await clock.advance(99);
    expect(items).toEqual([]);
    await clock.advance(1);
    expect(items).toEqual(["one  b.example"]);
    await clock.advance(199);
    expect(items).toHaveLength(1);
    await clock.advance(1);
    expect(items).toEqual(["one  b.example", "two "]);
  });

  test("begins to look up a name that it is told of, so that the item need not wait", async () => {
    const { clock, dns, items, publisher, publish } = stage();
    publisher.anticipate(A);
    expect(dns.reverses).toEqual([A]);
    await dns.answer(A, "a.example");
    publish("one", A);
    await publisher.settled();
    expect(items).toEqual(["one a.example"]);
    expect(dns.reverses).toEqual([A]);
    expect(clock.pending).toBe(0);
  });

  test("publishes at once an item whose names are known, unless an earlier one waits", async () => {
    const { clock, dns, items, publish } = stage();
    publish("one", A);
    await dns.answer(A, "a.example");
    await tick();
    publish("two", A);
    publish("three");
    expect(items).toEqual(["one a.example", "two a.example", "three"]);
    expect(clock.pending).toBe(0);
    publish("four", B);
    publish("five", A);
    await tick();
    expect(items).toHaveLength(3);
    await dns.answer(B, null);
    await tick();
    expect(items.slice(3)).toEqual(["four ", "five a.example"]);
    publish("six", A, B);
    expect(items.at(-1)).toBe("six a.example ");
  });

  test("waits for no name any more once the signal aborts", async () => {
    const { clock, controller, items, publisher, publish } = stage();
    publish("one", A);
    await clock.advance(10);
    controller.abort();
    publish("two", B);
    await publisher.settled();
    expect(items).toEqual(["one ", "two "]);
    // The queries cannot be called back, and end after 5 s at the latest.
    await clock.advance(5000);
    expect(clock.pending).toBe(0);
  });

  test("says when an item could not be built", async () => {
    const { dns, publisher, publish } = stage();
    publisher.publish([A], () => {
      throw new Error("oops");
    });
    publish("two", A);
    const settled = publisher.settled().then(String, String);
    await dns.answer(A, null);
    expect(await settled).toBe("Error: oops");
  });

  test("has settled when nothing was published", async () => {
    await stage().publisher.settled();
    expect(stage().items).toEqual([]);
  });
});

describe("withName()", () => {
  async function resultsOf(path: FakePath): Promise<readonly EchoResult[]> {
    const { client, outcome } = scene(path);
    return (await outcome(client.ping("198.51.100.1", { count: 2, interval: 0 }))).results;
  }

  test("names the responder, and leaves the result it was given as it is", async () => {
    const [reply, timeout] = await resultsOf(new FakePath({ delays: [[1], []] }));
    if (reply === undefined || timeout === undefined) throw new Error("There are two results");
    const named = withName(reply, (address) => `name of ${address}`);
    expect(named.reply?.hostname).toBe("name of 198.51.100.1");
    expect(reply.reply?.hostname).toBeNull();
    expect({ ...named, reply: reply.reply }).toEqual({ ...reply } as EchoResult);
    expect(withName(reply, () => null)).toBe(reply);
    expect(withName(timeout, () => "name")).toBe(timeout);
    expect([respondersOf(reply), respondersOf(timeout)]).toEqual([["198.51.100.1"], []]);
  });
});
