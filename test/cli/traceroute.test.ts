import { describe, expect, test } from "bun:test";
import { exceededThroughNat } from "../support/fake-nat.ts";
import { echoReply, type FakeProbe } from "../support/fake-network.ts";
import { routers } from "../support/fake-path.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { runOn } from "./fake-environment.ts";

const TARGET = "198.51.100.1";
const [FIRST, SECOND] = routers(2);
const CLEAR = "\r\x1b[K";

/**
 * Two routers behind a NAT that leaves quoted checksums as they are: nothing proves their errors
 * before the timeout.
 */
function behindNat() {
  return fakePlatform({
    network: (probe: FakeProbe) => {
      const from = [FIRST, SECOND][probe.ttl - 1];
      if (from === undefined) return [echoReply(probe, { delayMs: 40 })];
      return [exceededThroughNat(probe, { from, delayMs: 10 * probe.ttl })];
    },
  });
}

describe("icmpx traceroute through a NAT that leaves quoted checksums", () => {
  test("shows on a terminal at once who answered without proof", async () => {
    const line = `traceroute -n -q 1 ${TARGET}`;
    const run = await runOn(behindNat(), line, { stderrTerminal: { columns: 60 } });
    expect(run.code).toBe(0);
    const drawn = run.stderr.split(CLEAR).filter((text) => text !== "");
    expect(drawn.slice(0, 2)).toEqual([
      `unverified so far: 1 ${FIRST}`,
      `unverified so far: 1 ${FIRST}, 2 ${SECOND}`,
    ]);
    expect(drawn.at(-1)).toBe(`unverified so far: 2 ${SECOND}`);
    expect(run.stderr).toEndWith(CLEAR);
    expect(run.stdout.split("\n")).toEqual([
      `traceroute to ${TARGET} (${TARGET}), 30 hops max, 84 byte packets`,
      ` 1  ${FIRST}  10.000 ms ?  (?: unverified, may be forged)`,
      ` 2  ${SECOND}  20.000 ms ?  (?: unverified, may be forged)`,
      ` 3  ${TARGET}  40.000 ms`,
      `reached ${TARGET}`,
      "",
    ]);
  });

  test("tells nobody where stderr is no terminal", async () => {
    expect(await runOn(behindNat(), `traceroute -n ${TARGET}`)).toMatchObject({
      code: 0,
      stderr: "",
    });
  });
});
