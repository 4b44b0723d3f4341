import { expect, test } from "bun:test";
import { Prober } from "../../../src/client/probing/prober.ts";
import type { EchoResult } from "../../../src/client/results/results.ts";
import { SystemError } from "../../../src/errors.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { openBenchStream } from "../../support/fake-prober.ts";
import { FakeTransport } from "../../support/fake-transport.ts";

/**
 * Sends a probe for each entry, of which those that are true get a transmit stamp, and nobody
 * answers.
 */
async function departures(stamped: readonly boolean[], drops = 0): Promise<(boolean | null)[]> {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  let key = 0;
  transport.outcome = () => ({ kind: "sent", stampKey: key++ });
  const prober = new Prober(transport, clock, 1);
  const { results, send } = openBenchStream(prober, { destination: "198.51.100.1" });
  for (const [index, isStamped] of stamped.entries()) {
    send();
    if (isStamped) transport.deliver({ kind: "stamp", key: index, stampNs: clock.realtimeNs() });
    await clock.advance(1);
  }
  transport.drops = drops;
  await clock.advance(2000);
  prober.close();
  return results.map(departed);
}

function departed(result: EchoResult): boolean | null {
  if (result.kind !== "timeout") throw new Error(`Expected a timeout, have ${result.kind}`);
  return result.departed;
}

test("a timeout says which probes left this host", async () => {
  expect(await departures([true, false, true])).toEqual([true, false, true]);
});

test("a timeout does not know whether its probe left where nothing is stamped", async () => {
  expect(await departures([false, false])).toEqual([null, null]);
});

test("a missing stamp tells nothing while the receive queue overflowed", async () => {
  expect(await departures([true, false], 7)).toEqual([true, null]);
});

test("a failed send, after which stamp counting restarts, leaves it unknown who left before", async () => {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  const sent = transport.outcome;
  let key = 0;
  transport.outcome = (send) => ({ ...sent(send), stampKey: key++ }) as ReturnType<typeof sent>;
  const prober = new Prober(transport, clock, 1);
  const { results, send } = openBenchStream(prober, { destination: "198.51.100.1" });
  send();
  transport.deliver({ kind: "stamp", key: 0, stampNs: clock.realtimeNs() });
  send();
  const error = new SystemError("No route", {
    errno: 101,
    code: "ENETUNREACH",
    syscall: "sendmsg",
  });
  transport.outcome = () => ({ kind: "failed", error });
  send();
  await clock.advance(2000);
  const timeouts = results.filter(({ kind }) => kind === "timeout");
  expect(timeouts.map(departed)).toEqual([true, null]);
});
