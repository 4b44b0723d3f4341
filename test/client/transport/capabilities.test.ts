import { expect, test } from "bun:test";
import { Facilities } from "../../../src/client/transport/capabilities.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import type { Watch } from "../../../src/ffi/watch.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeKernel } from "../../support/fake-libc.ts";

test("Facilities tell that arrivals are not announced, whenever it turns out", () => {
  const { calls } = new Libc(new FakeKernel(new FakeClock()));
  const facilities = new Facilities({ purpose: "probes", family: 4, privileged: true }, calls);
  let refusal: Watch["refusal"];
  const watch: Watch = {
    get refusal() {
      return refusal;
    },
    setActive: () => {},
    renew: () => {},
    close: () => {},
  };
  facilities.noteWatch(watch);
  expect(facilities.snapshot().missing).toEqual([]);
  refusal = { code: "no signal" };
  // Not watched any more, as while many targets share turns of the event loop.
  facilities.noteWatch(undefined);
  const effect = "arrivals are looked for every millisecond, which costs time";
  const missing = [{ name: "O_ASYNC", code: "no signal", effect }];
  expect(facilities.snapshot().missing).toEqual(missing);
  expect(facilities.snapshot().missing).toEqual(missing);
});
