import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { mtrTool } from "../../tui/src/panels/mtr.ts";
import { multipingTool } from "../../tui/src/panels/multiping.ts";
import { pingTool } from "../../tui/src/panels/ping.ts";
import { tracerouteTool } from "../../tui/src/panels/traceroute.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import { stage } from "./screen-stage.ts";

const MINUTE_MS = 60_000;
/** By then every log and history that has a limit has reached it. */
const WARM_UP_MINUTES = 20;
const FRAME_MS = 10_000;
const TARGET = "198.51.100.1";

test("the terminal UI holds no more after an hour than at its beginning", async () => {
  const [R1 = "", R2 = ""] = routers(2);
  // A fifth is lost, and some answers come twice: all of that goes into logs.
  const delays = [[12], [13.5], [], [11, 14], [30]];
  const path = new FakePath(
    { from: R1, delays: 0.4 },
    { from: R2, delays: [[3], [], [3.2]] },
    { delays },
  );
  const forms = {
    ping: { target: TARGET, interval: "0.2" },
    multiping: { targets: `${TARGET} 198.51.100.2 198.51.100.3`, interval: "0.5" },
    traceroute: { target: TARGET },
    mtr: { target: TARGET, interval: "0.5" },
  };
  const { kernel, ui, pass, press, frame, errors, dispose } = await stage({
    tools: [pingTool, multipingTool, tracerouteTool, mtrTool],
    width: 120,
    height: 40,
    initial: { view: "summary" },
    settings: JSON.stringify({ forms }),
    platform: path,
  });
  const views = ["1", "2", "3", "4", "5"];
  // An empty form is ready to type; Enter begins.
  for (const view of views.slice(1)) await press(view, "RETURN");
  await pass(FRAME_MS);
  let drawn = 0;

  await play(WARM_UP_MINUTES);
  const early = held();
  await play(60);
  const late = held();
  expect(late.objects).toBeLessThan(early.objects * 1.05);
  expect(late.bytes).toBeLessThan(early.bytes * 1.1);

  // It was an hour, with all four at work.
  await press("1");
  const summary = await frame();
  for (const tool of ["ping", "multi", "trace", "mtr"]) expect(summary).toContain(tool);
  await press("2");
  expect(Number(/#(\d{5})/.exec(await frame())?.[1])).toBeGreaterThan(80 * 60 * 5 - 200);
  expect(drawn).toBe((80 * MINUTE_MS) / FRAME_MS);
  expect(errors).toEqual([]);
  await dispose();

  async function play(minutes: number): Promise<void> {
    for (let passed = 0; passed < minutes * MINUTE_MS; passed += FRAME_MS) {
      await pass(FRAME_MS);
      await press(views[drawn % views.length] ?? "1");
      await ui.renderOnce();
      drawn += 1;
      // What the fakes have recorded is not what is measured here.
      for (const record of [kernel.sent, kernel.calls, path.answeredAtMs]) record.length = 0;
    }
  }
}, 300_000);

function held(): { readonly objects: number; readonly bytes: number } {
  Bun.gc(true);
  const { objectCount, heapSize, extraMemorySize } = heapStats();
  return { objects: objectCount, bytes: heapSize + extraMemorySize };
}
