import { expect, test } from "bun:test";
import { exceededThroughNat } from "../support/fake-nat.ts";
import { echoReply, type FakeProbe } from "../support/fake-network.ts";
import { routers } from "../support/fake-path.ts";
import { mtrScene, screenText, TARGET, tracerouteScene } from "./hops-scene.ts";

const [R1 = "", R2 = ""] = routers(2);

/**
 * A router, and one behind a NAT that leaves the checksums in quotes as they are; then the target.
 */
const network = (probe: FakeProbe) => {
  const { ttl } = probe;
  const change = ttl === 1 ? 0 : 0x1111;
  return ttl > 2
    ? [echoReply(probe, { delayMs: 20 })]
    : [exceededThroughNat(probe, { from: ttl === 1 ? R1 : R2, delayMs: 5 * ttl, change })];
};

test("traceroute marks what anybody may have sent, at once and at the end", async () => {
  const setting = await tracerouteScene({ network });
  await setting.clock.advance(50);
  // Undecided still: the errors are provisional until the timeout.
  expect(setting.session.conclusion).toBeNull();
  const during = screenText(setting, 80, 6);
  expect(during).toMatch(/ 1 {4}10\.0\.1\.1 +5\.00 {2}5\.00 {2}5\.00\n/);
  expect(during).toMatch(/ 2 {4}10\.0\.2\.1 +10\.0 {2}10\.0 {2}10\.0 unverified/);
  await setting.clock.advance(5000);
  expect(setting.session.conclusion).toBe(`reached ${TARGET}`);
  const after = screenText(setting, 80, 6);
  expect(after).toMatch(/ 2 {4}10\.0\.2\.1 +10\.0 {2}10\.0 {2}10\.0 unverified/);
  expect(after.match(/unverified/g)).toHaveLength(1);
});

test("mtr marks the address, and says how many answers in the details", async () => {
  const setting = await mtrScene({ network });
  await setting.clock.advance(4500);
  const table = screenText(setting, 80, 24);
  expect(table).toMatch(/ 1 {3}10\.0\.1\.1 +0\.0%/);
  expect(table).toMatch(/ 2 {3}10\.0\.2\.1 \? +0\.0%/);
  setting.press("home", "down", "enter");
  expect(screenText(setting, 80, 34)).toMatch(/ \?: \d answers are unverified, may be forged\n/);
  setting.press("up");
  expect(screenText(setting, 80, 34)).not.toContain("forged");
});
