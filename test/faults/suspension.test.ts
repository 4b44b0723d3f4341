import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import { isReply, Pinging } from "./pinging.ts";

setDefaultTimeout(60_000);

const SUSPENDED_MS = 3000;
const INTERVAL_MS = 20;

describeIf(requiresLab(), "a process that is suspended", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  test("loses nothing, invents no RTT, and does not make up for what it did not send", async () => {
    const options = { interval: INTERVAL_MS, timeout: 500 };
    const pings = SOCKET_KINDS.map(
      (kind) =>
        new Pinging(chain.source, kind, { target: chain.destination[kind.family], options }),
    );
    await Promise.all(pings.map((ping) => ping.see(20, isReply)));
    for (const ping of pings) process.kill(ping.pid, "SIGSTOP");
    await Bun.sleep(SUSPENDED_MS);
    const before = pings.map((ping) => ping.results.length);
    for (const ping of pings) process.kill(ping.pid, "SIGCONT");
    await Promise.all(pings.map((ping) => ping.see(20, isReply)));
    for (const [index, ping] of pings.entries()) {
      const { results, statistics } = await ping.stop();
      expect(statistics).toMatchObject({
        lost: 0,
        loss: 0,
        overflows: 0,
        late: 0,
        duplicates: 0,
        sendErrors: 0,
      });
      expect(results.map(({ kind }) => kind)).toEqual(results.map(() => "reply"));
      const rtts = results.map(({ rtt }) => rtt ?? Number.NaN);
      expect(Math.min(...rtts)).toBeGreaterThan(0);
      // What was in flight when it stopped was answered, as the kernel saw, within the millisecond.
      expect(Math.max(...rtts)).toBeLessThan(SUSPENDED_MS / 10);
      // A burst would be as many as it missed.
      const missed = SUSPENDED_MS / INTERVAL_MS;
      expect(results.length - (before[index] as number)).toBeLessThan(missed);
    }
  });

  test("may be suspended again and again, anywhere between two instructions", async () => {
    const options = { interval: 1, timeout: 200 };
    const pings = SOCKET_KINDS.map(
      (kind) =>
        new Pinging(chain.source, kind, { target: chain.destination[kind.family], options }),
    );
    await Promise.all(pings.map((ping) => ping.see(20, isReply)));
    for (let time = 0; time < 60; time += 1) {
      for (const ping of pings) process.kill(ping.pid, "SIGSTOP");
      // Now and then longer than the timeout.
      await Bun.sleep(time % 20 === 0 ? 300 : 10);
      for (const ping of pings) process.kill(ping.pid, "SIGCONT");
      await Bun.sleep(10);
    }
    for (const ping of pings) {
      const { results, statistics } = await ping.stop();
      expect(results.length).toBeGreaterThan(100);
      expect(statistics).toMatchObject({
        lost: 0,
        overflows: 0,
        late: 0,
        duplicates: 0,
        sendErrors: 0,
      });
      expect(statistics.min).toBeGreaterThan(0);
      expect(statistics.max).toBeLessThan(200);
    }
  });
});
