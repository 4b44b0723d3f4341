// Runs the socket cases on the real kernel, in the network namespace it was started in; prints
// their outcomes as JSON.
import {
  SO_TIMESTAMPING,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
  SOL_SOCKET,
} from "../../../src/ffi/constants.ts";
import { SOCKET_CASES } from "../socket-cases.ts";
import { libc, openRaw } from "./common.ts";

// The kernel starts stamping a little after the first socket asks for it (net/core/dev.c,
// net_enable_timestamp), and stops after the last one is closed: this one keeps it on.
const stamping = openRaw();
stamping.setOption(
  SOL_SOCKET,
  SO_TIMESTAMPING,
  SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE,
);
await Bun.sleep(50);

const outcomes: Record<string, string> = {};
for (const { name, run } of SOCKET_CASES) {
  try {
    await run({ libc, wait });
    outcomes[name] = "passed";
  } catch (failure) {
    outcomes[name] =
      failure instanceof Error ? `${failure.stack ?? failure.message}` : String(failure);
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
