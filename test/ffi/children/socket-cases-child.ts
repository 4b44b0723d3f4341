// Runs the socket cases on the real kernel, in the network namespace it was started in; prints their outcomes as JSON.
import { Libc } from "../../../src/ffi/libc.ts";
import { openLibc } from "../../../src/ffi/symbols.ts";
import { SOCKET_CASES } from "../socket-cases.ts";

const libc = new Libc(openLibc());
const outcomes: Record<string, string> = {};
for (const { name, run } of SOCKET_CASES) {
  try {
    await run({ libc, wait });
    outcomes[name] = "passed";
  } catch (failure) {
    outcomes[name] = failure instanceof Error ? `${failure.stack ?? failure.message}` : String(failure);
  }
}
console.log(JSON.stringify(outcomes));

async function wait(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 2000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("Nothing arrived within two seconds");
    await Bun.sleep(1);
  }
}
