import { describe, expect, test } from "bun:test";
import { EchoStatistics } from "../../../src/client/results/echo-statistics.ts";
import { FakePath } from "../../support/fake-path.ts";
import { scene } from "../support.ts";

const TARGET = "198.51.100.1";

describe("EchoStatistics", () => {
  test("are those of the whole ping, late, duplicate and refused ones included", async () => {
    const delays = [[160], [], [7, 9], [5], [8]];
    const { client, outcome } = scene(new FakePath({ delays }));
    const running = new EchoStatistics();
    const run = client.ping(TARGET, {
      count: 5,
      interval: 120,
      timeout: 100,
      onResult: (result) => running.add(result),
    });
    const { statistics } = await outcome(run);
    expect(running.snapshot()).toEqual(statistics);
    expect(running.snapshot()).toMatchObject({
      sent: 5,
      received: 3,
      lost: 2,
      duplicates: 1,
      late: 1,
    });
  });

  test("count an ICMP error as loss, and have nothing in flight between results", async () => {
    const { client, outcome } = scene(new FakePath({ says: 1 }));
    const running = new EchoStatistics();
    const flying: number[] = [];
    await outcome(
      client.ping(TARGET, {
        count: 2,
        onResult: (result) => {
          running.add(result);
          flying.push(running.snapshot().inFlight);
        },
      }),
    );
    expect(running.snapshot()).toMatchObject({ sent: 2, received: 0, lost: 2, errors: 2, loss: 1 });
    expect(flying).toEqual([0, 0]);
  });

  test("have no figure without a result", () => {
    expect(new EchoStatistics().snapshot()).toMatchObject({
      sent: 0,
      loss: null,
      mean: null,
      p99: null,
    });
  });
});
