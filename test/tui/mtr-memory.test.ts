import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { FakePath } from "../support/fake-path.ts";
import { mtrScene } from "./hops-scene.ts";

test("MtrSession holds no more after 15,000 rounds than after 5,000", async () => {
  const path = new FakePath(
    { from: ["10.0.1.1", "10.0.1.2"] },
    { delays: [[8], [9], [8, 12], []] },
  );
  const setting = await mtrScene({
    ...path,
    form: { interval: "0.05", timeout: "0.04", maxHops: "2" },
  });
  const { clock, kernel, session } = setting;
  await playTo(5000);
  const early = countObjects();
  await playTo(15_000);
  const late = countObjects();
  expect(session.log.length).toBe(1000);
  expect(session.targets()).toMatchObject([
    { figures: { sent: session.rounds, loss: expect.closeTo(0.25, 3) } },
  ]);
  // Probes of the last minute are remembered, for answers that come late: 2,400 at either time.
  expect(early).toBeGreaterThan(2400);
  expect(late).toBeLessThan(early * 1.05);

  async function playTo(round: number): Promise<void> {
    while (session.rounds < round) {
      await clock.advance(10_000);
      setting.draw(100, 34);
      // What the fakes have recorded is not what is measured here.
      for (const record of [kernel.sent, kernel.calls, path.answeredAtMs]) record.length = 0;
    }
  }
}, 120_000);

function countObjects(): number {
  Bun.gc(true);
  return heapStats().objectCount;
}
