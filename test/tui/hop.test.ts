import { describe, expect, test } from "bun:test";
import { EchoStatistics, type MtrHop } from "icmpx";
import { Hop } from "../../tui/src/model/hop.ts";
import { explainSilence } from "../../tui/src/model/silence.ts";
import { errorOf, replyOf, sendErrorOf, timeoutOf } from "../client/format/samples.ts";

/** A hop as the library measured it: answers of one address, losses, and probes in flight. */
function measured(counts: { received: number; lost: number; inFlight?: number }): MtrHop {
  const { received, lost, inFlight = 0 } = counts;
  const statistics = new EchoStatistics();
  for (let count = 0; count < received; count++) statistics.add(replyOf({ rtt: 3 }));
  for (let count = 0; count < lost; count++) statistics.add(timeoutOf());
  const figures = statistics.snapshot();
  const sent = figures.sent + inFlight;
  const [addr, hostname] = ["10.0.1.1", "one\u001b.example"];
  const address = { addr, hostname, statistics: figures, extensions: [], unverified: 2 };
  return {
    ...{ ttl: 1, addr, hostname, addresses: [address] },
    statistics: { ...figures, sent, inFlight },
  };
}

describe("Hop", () => {
  test("counts what this host did not let out", () => {
    const hop = new Hop(1);
    hop.record(replyOf({ rtt: 3 }));
    hop.record({ ...timeoutOf(), departed: false });
    hop.record({ ...timeoutOf(), departed: true });
    hop.record({ ...timeoutOf(), departed: null });
    hop.show(measured({ received: 1, lost: 3 }));
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
    expect(hop.sendError).toBe(refused.sendError.code);
    hop.record(timeoutOf());
    expect([hop.sendError, hop.lostInARow]).toEqual([null, 2]);
  });

  test("takes late answers and copies for neither an answer nor a loss", () => {
    const hop = new Hop(1);
    hop.record(replyOf({ rtt: 5 }));
    hop.record(replyOf({ rtt: 1500, late: true }));
    hop.record(replyOf({ rtt: 6, duplicate: true }));
    expect(hop.history.latest(9)).toEqual([5]);
    expect([hop.sameInARow, hop.lostInARow]).toEqual([1, 0]);
  });

  test("remembers what its last answer said, and forgets it with the next", () => {
    const hop = new Hop(3);
    const prohibited = { type: 3, code: 13, description: "prohibited" };
    hop.record(errorOf(prohibited, { from: "10.0.3.1", ttl: 3, replyTtl: 62 }));
    const [address] = hop.addresses;
    expect([address?.addr, address?.replyTtl]).toEqual(["10.0.3.1", 62]);
    expect(address?.note?.mark).toBe("!X");
    hop.record(replyOf({ from: "10.0.3.1", ttl: 3, rtt: 9 }));
    expect([address?.note, hop.last]).toEqual([undefined, address ?? null]);
  });

  test("shows what the library measured, but for what is in flight", () => {
    const hop = new Hop(1).show(measured({ received: 2, lost: 2, inFlight: 3 }));
    expect(hop.figures).toMatchObject({ sent: 4, received: 2, lost: 2, inFlight: 0, loss: 0.5 });
    const [address] = hop.addresses;
    expect(address).toMatchObject({ addr: "10.0.1.1", name: "one\\x1b.example", unverified: 2 });
    expect(address?.figures.received).toBe(2);
    // The library has forgotten the name.
    const later = measured({ received: 3, lost: 2 });
    hop.show({ ...later, addresses: later.addresses.map((each) => ({ ...each, hostname: null })) });
    expect([address?.name, address?.figures.received]).toEqual(["one\\x1b.example", 3]);
    expect(address?.toMtrAddress().hostname).toBe("one\u001b.example");
  });

  test("counts the rounds that ended before it as losses", () => {
    const hop = new Hop(4);
    hop.miss();
    hop.miss();
    hop.show({ ...measured({ received: 2, lost: 0, inFlight: 1 }), ttl: 4 });
    expect(hop.figures).toMatchObject({ sent: 4, received: 2, lost: 2, errors: 2, loss: 0.5 });
    expect([hop.lostInARow, hop.history.latest(9)]).toEqual([2, [null, null]]);
  });
});
