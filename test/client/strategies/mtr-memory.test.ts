import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { FakePath } from "../../support/fake-path.ts";
import { scene } from "../support.ts";

test("mtr() holds no more after 100,000 rounds than after 10,000", async () => {
  const path = new FakePath({ delays: [[1], [1], [1, 2], []] });
  const { client, clock, kernel } = scene(path);
  const run = client.mtr("198.51.100.1", { interval: 10, timeout: 8, maxHops: 1 });
  let rounds = 0;
  const loop = (async () => {
    for await (const { round } of run) rounds = round;
  })();
  await playTo(10_000);
  const early = countObjects();
  await playTo(100_000);
  const late = countObjects();
  // Probes of the last minute are remembered, for answers that come late: 6,000 at either time.
  expect(early).toBeGreaterThan(6000);
  expect(late).toBeLessThan(early * 1.05);
  run.stop();
  await loop;
  expect((await run).hops[0]?.statistics).toMatchObject({ received: 75_000, lost: 25_000 });

  async function playTo(round: number): Promise<void> {
    while (rounds < round) {
      await clock.advance(10_000);
      // What the fakes have recorded is not what is measured here.
      for (const record of [kernel.sent, kernel.calls, path.answeredAtMs]) record.length = 0;
    }
  }
}, 120_000);

function countObjects(): number {
  Bun.gc(true);
  return heapStats().objectCount;
}
