import { expect, test } from "bun:test";
import { Picture } from "../../tui/src/draw/picture.ts";
import { Grid } from "./grid.ts";

test("a Picture puts on a surface what was drawn once, and knows what the mouse does in it", () => {
  let draws = 0;
  const heard: string[] = [];
  const picture = new Picture(12, 2, (canvas) => {
    draws += 1;
    canvas.fill({ x: 0, y: 0, width: 12, height: 1 }, "header");
    canvas.part({ x: 2, y: 0, width: 5, height: 1 }).text(0, 0, "overlong", { role: "title" });
    canvas.text(0, 1, "12", { width: 5, align: "right", role: "good" });
    canvas.onMouse(
      { x: 0, y: 1, width: 5, height: 1 },
      { click: (x, y) => heard.push(`${x},${y}`) },
    );
  });
  const copy = (): Grid => new Grid(12, 2, () => {});
  for (const grid of [copy(), copy()]) {
    picture.copyTo(grid);
    expect(grid.rows).toEqual(["  over…", "   12"]);
    expect([grid.roleOf(" "), grid.roleOf("over"), grid.roleOf("12")]).toEqual([
      "header",
      "title",
      "good",
    ]);
  }
  expect(draws).toBe(1);
  picture.areas[0]?.click?.(3, 0);
  expect(heard).toEqual(["3,0"]);
});
