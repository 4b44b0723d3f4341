import { describe, expect, test } from "bun:test";
import type { EchoResult, MtrRound } from "icmpx";
import { MtrNotes } from "../../src/cli/mtr-notes.ts";
import {
  errorOf,
  replyOf,
  sendErrorOf,
  statisticsOf,
  timeoutOf,
  transitOf,
} from "../client/format/samples.ts";

const UNREACHABLE = { type: 3, code: 1, description: "destination unreachable: host unreachable" };

function notesOf(
  results: readonly EchoResult[],
  round: Pick<MtrRound, "hops"> = { hops: [] },
): string[] {
  const notes = new MtrNotes();
  for (const result of results) notes.add(result);
  return notes.lines(round);
}

describe("MtrNotes", () => {
  test("has nothing to say of what columns show: replies, silence, and TTLs that ran out", () => {
    const results = [
      replyOf(),
      timeoutOf(),
      transitOf(),
      transitOf({ to: "2001:db8::9", from: "2001:db8::1" }),
    ];
    expect(notesOf(results)).toEqual([]);
  });

  test("tells once what a router says, with the MTU where it has one", () => {
    const error = errorOf(UNREACHABLE, { from: "192.0.2.7" });
    const tooBig = errorOf(
      { type: 3, code: 4, description: "too big", mtu: 1400 },
      { from: "192.0.2.8" },
    );
    expect(notesOf([error, error, tooBig])).toEqual([
      "192.0.2.7 says: destination unreachable: host unreachable",
      "192.0.2.8 says: too big, mtu 1400",
    ]);
  });

  test("keeps a few of what may be forged in any number", () => {
    const errors = Array.from({ length: 300 }, (_, index) =>
      errorOf(UNREACHABLE, { from: `192.0.2.${index % 256}` }),
    );
    expect(notesOf(errors)).toHaveLength(8);
  });

  test("counts what was not sent, with the last reason, escaped", () => {
    expect(notesOf([sendErrorOf("ENETUNREACH", "no route")])).toEqual([
      "1 probe not sent: no route",
    ]);
    const twice = [sendErrorOf("ENETUNREACH", "no route"), sendErrorOf("ENOBUFS", "no\x1bbuffer")];
    expect(notesOf(twice)).toEqual(["2 probes not sent: no\\x1bbuffer"]);
  });

  test("counts what anybody may have sent", () => {
    const count = (...counts: number[]): string[] => {
      const { sent, lost, loss, inFlight, sendErrors, ...statistics } = statisticsOf([1]);
      const addresses = counts.map((unverified) => {
        return { addr: "192.0.2.7", hostname: null, statistics, unverified, extensions: [] };
      });
      const hop = { addr: "192.0.2.7", hostname: null, statistics: statisticsOf([1]), addresses };
      return notesOf([], { hops: [{ ttl: 1, ...hop }] });
    };
    const why = "unverified: some NATs change what errors quote, and so does a forger";
    expect(count(0, 0)).toEqual([]);
    expect(count(1)).toEqual([`1 answer is ${why}`]);
    expect(count(2, 3)).toEqual([`5 answers are ${why}`]);
  });

  test("counts what this host itself lost", () => {
    const hop = { ttl: 1, addr: null, hostname: null, addresses: [] };
    const hops = [2, 3].map((overflows) => ({
      ...hop,
      statistics: statisticsOf([], { overflows }),
    }));
    expect(notesOf([], { hops })).toEqual([
      "5 answers lost in this host's full receive queue: not counted as loss",
    ]);
  });
});
