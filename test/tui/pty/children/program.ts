/**
 * A program on the whole terminal that does as the keys say, for what the real one never does: fail
 * in every way.
 *
 * @module
 */
import { BoxRenderable, TextRenderable } from "@opentui/core";
import { runOnTerminal } from "../../../../tui/src/program/terminal.ts";

let closed = 0;
let timer: Timer | undefined;

void runOnTerminal(async () => ({ renderer, quit }) => {
  const text = new TextRenderable(renderer, { content: "ready" });
  const box = new BoxRenderable(renderer, {
    width: 10,
    height: 1,
    onMouseDown: () => {
      throw new Error("thrown by a click");
    },
    renderAfter: () => {
      if (mustFailToDraw) throw new Error("thrown while drawing");
    },
  });
  box.add(text);
  renderer.root.add(box);
  let mustFailToDraw = false;
  renderer.keyInput.on("keypress", ({ name }) => {
    switch (name) {
      case "q":
        return quit();
      case "7":
        return quit(7);
      case "k":
        throw new Error("thrown by a key \x1b[31m");
      case "t":
        setTimeout(() => {
          throw new Error("thrown by a timer");
        });
        return;
      case "p":
        void Promise.reject(new Error("rejected"));
        return;
      case "d":
        mustFailToDraw = true;
        renderer.requestRender();
        return;
      case "w":
        timer = setInterval(() => {
          text.content = "x".repeat(Math.floor(Math.random() * 9));
          renderer.requestRender();
        }, 5);
        return;
    }
    text.content = `key ${name}`;
  });
  return () => {
    closed += 1;
    clearInterval(timer);
  };
}).then((code) => {
  process.stderr.write(`closed ${closed}\n`);
  process.exit(code);
});
