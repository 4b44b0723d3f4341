import { describe, expect, test } from "bun:test";
import { Hop } from "../../tui/src/model/hop.ts";
import { explainSilence } from "../../tui/src/model/silence.ts";
import { errorOf, replyOf, sendErrorOf, timeoutOf } from "../client/format/samples.ts";

describe("Hop", () => {
  test("counts what this host did not let out", () => {
    const hop = new Hop(1);
    hop.record(replyOf({ rtt: 3 }));
    hop.record({ ...timeoutOf(), departed: false });
    hop.record({ ...timeoutOf(), departed: true });
    hop.record({ ...timeoutOf(), departed: null });
    expect([hop.localDrops, hop.figures.lost, hop.lostInARow]).toEqual([1, 3, 3]);
    expect(hop.history.latest(9)).toEqual([3, null, null, null]);
    const remarks = explainSilence({ hops: [hop], index: 0, targetTtl: 1 });
    expect(remarks.map(({ text }) => text)).toContain(
      "1 probe never left this host: a full queue or a firewall here dropped it.",
    );
  });

  test("knows why the last probe could not be sent, until one can", () => {
    const hop = new Hop(1);
    const refused = sendErrorOf("ENETUNREACH", "no way");
    hop.record(refused);
    expect([hop.sendError, hop.figures.sendErrors]).toEqual([refused.sendError.code, 1]);
    hop.record(timeoutOf());
    expect([hop.sendError, hop.figures.sent, hop.figures.lost]).toEqual([null, 2, 2]);
  });

  test("takes late answers and copies for neither an answer nor a loss", () => {
    const hop = new Hop(1);
    hop.record(replyOf({ rtt: 5 }));
    hop.record(replyOf({ rtt: 1500, late: true }));
    hop.record(replyOf({ rtt: 6, duplicate: true }));
    expect(hop.history.latest(9)).toEqual([5]);
    expect(hop.figures).toMatchObject({
      sent: 1,
      received: 1,
      late: 1,
      duplicates: 1,
      max: 5,
      reordered: 0,
    });
    expect(hop.addresses[0]?.figures).toMatchObject({ received: 1, late: 1, duplicates: 1 });
  });

  test("remembers what its last answer said, and forgets it with the next", () => {
    const hop = new Hop(3);
    const prohibited = { type: 3, code: 13, description: "prohibited" };
    hop.record(errorOf(prohibited, { from: "10.0.3.1", ttl: 3, replyTtl: 62 }));
    const [address] = hop.addresses;
    expect([address?.addr, address?.replyTtl, hop.figures.received]).toEqual(["10.0.3.1", 62, 1]);
    expect(address?.note?.mark).toBe("!X");
    const before = hop.figures;
    hop.record(replyOf({ from: "10.0.3.1", ttl: 3, rtt: 9 }));
    expect([address?.note, address?.extensions]).toEqual([undefined, []]);
    expect([before.received, hop.figures.received, hop.figures.errors]).toEqual([1, 2, 0]);
  });
});
