/**
 * Pauses a run in a process that has nothing else to do, and says what becomes of it.
 *
 * @module
 */
import { FakePath } from "../../support/fake-path.ts";
import { scene } from "../support.ts";

const { client, clock } = scene(new FakePath({ delays: 5 }));
const run = client.ping("198.51.100.1", { count: 3, interval: 100 });
const use = process.argv[2];

/** Resumes the run by a timer that keeps no process alive. */
function resumeLater(): void {
  setTimeout(() => {
    console.log("resumed");
    run.resume();
    void clock.advance(1000);
  }, 50).unref();
}

// Not awaited at the top level: for that, Bun would wait in any case.
void play();

async function play(): Promise<void> {
  switch (use) {
    case "awaited":
      run.pause();
      resumeLater();
      await run;
      console.log("over");
      break;
    case "iterated": {
      run.pause();
      resumeLater();
      for await (const _ of run);
      console.log("over");
      break;
    }
    case "unawaited": {
      // Open, but nobody waits for its next item.
      const iterator = run[Symbol.asyncIterator]();
      const first = iterator.next();
      await clock.advance(10);
      await first;
      run.pause();
      console.log("idle");
      break;
    }
    case "left": {
      const iterator = run[Symbol.asyncIterator]();
      void iterator.next();
      run.pause();
      void iterator.return?.();
      console.log("idle");
      break;
    }
  }
}
