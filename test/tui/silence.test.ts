import { describe, expect, test } from "bun:test";
import { EchoStatistics } from "icmpx";
import { explainSilence, type HopFacts } from "../../tui/src/model/silence.ts";

interface Outcome {
  readonly sent: number;
  readonly lost?: number;
  readonly mean?: number;
  readonly overflows?: number;
  readonly sendErrors?: number;
  readonly localDrops?: number;
  readonly late?: number;
  readonly duplicates?: number;
  readonly corrupt?: number;
}

/** Hops with these figures, from TTL 1 on. */
function hops(...outcomes: readonly Outcome[]): HopFacts[] {
  return outcomes.map(({ sent, lost = 0, mean = 10, localDrops = 0, ...more }, index) => ({
    ttl: index + 1,
    localDrops,
    figures: {
      ...new EchoStatistics().snapshot(),
      sent,
      lost,
      received: sent - lost,
      mean: sent === lost ? null : mean,
      ...more,
    },
  }));
}

function explain(facts: readonly HopFacts[], ttl: number, targetTtl?: number): string[] {
  const remarks = explainSilence({ hops: facts, index: ttl - 1, targetTtl });
  return remarks.map(({ role, text }) => `${role}: ${text}`);
}

const CLEAN: Outcome = { sent: 100 };

describe("explainSilence() of the path", () => {
  test("says nothing before a probe is decided, or of a hop that is not there", () => {
    expect(explain(hops({ sent: 0 }), 1)).toEqual([]);
    expect(explain(hops(CLEAN), 2)).toEqual([]);
  });

  test("finds no loss", () => {
    expect(explain(hops(CLEAN, CLEAN), 1, 2)).toEqual(["good: No loss."]);
  });

  test("acquits a router that never answers while others beyond it do", () => {
    const facts = hops(CLEAN, { sent: 100, lost: 100 }, { sent: 100, lost: 100 }, CLEAN);
    expect(explain(facts, 2, 4)).toEqual([
      "dim: Has not answered, but the target beyond it does: it forwards packets and leaves out the answers (a filter or a limit). No fault of the path.",
    ]);
    expect(explain(facts, 3)[0]).toContain("but hop 4 beyond it does");
  });

  test("leaves open why nobody answers from here on", () => {
    const facts = hops(CLEAN, { sent: 100, lost: 100 }, { sent: 100, lost: 100 });
    expect(explain(facts, 3)).toEqual([
      "warn: No answer from here on; hop 1 is the last that answers. Packets or answers are lost beyond it, or everything beyond chooses not to answer: from here that looks the same.",
    ]);
    expect(explain(hops({ sent: 3, lost: 3 }), 1)[0]).toStartWith("bad: Nothing has answered yet");
  });

  test("acquits a router that loses what nobody beyond it does", () => {
    expect(explain(hops(CLEAN, { sent: 100, lost: 40 }, CLEAN), 2, 3)).toEqual([
      "text: Loses 40.0%, but the target beyond it nothing: packets get through. Only its answers are missing (a rate limit, or another way back): no fault of the path.",
    ]);
  });

  test("bounds the loss of the path by what is lost beyond", () => {
    const facts = hops(CLEAN, { sent: 100, lost: 60 }, { sent: 100, lost: 10 });
    expect(explain(facts, 2, 3)).toEqual([
      "text: Loses 60.0%, but the target beyond it only 10.0%: that is all that the path can lose. The other answers are missing for a rate limit, or on another way back.",
    ]);
  });

  test("finds real loss where it begins, and points there from beyond", () => {
    const facts = hops(
      CLEAN,
      { sent: 100, lost: 30 },
      { sent: 100, lost: 33 },
      { sent: 100, lost: 29 },
    );
    expect(explain(facts, 2, 4)).toEqual([
      "bad: Loses 30.0%, and all that answer beyond it lose as much, to the target: real loss beyond hop 1 (0.0%), on the way there or back.",
    ]);
    expect(explain(facts, 3, 4)).toEqual([
      "warn: Loses 33.0%, and hop 2 before it 30.0%: it begins there, or before.",
    ]);
    expect(explain(facts, 4, 4)[0]).toStartWith("warn: Loses 29.0%, and hop 3 before it 33.0%");
    const first = hops({ sent: 100, lost: 30 }, { sent: 100, lost: 33 });
    expect(explain(first, 1, 2)[0]).toContain("real loss before this hop");
  });

  test("draws no conclusion from few probes", () => {
    const facts = hops({ sent: 5 }, { sent: 5, lost: 1 }, { sent: 5 });
    expect(explain(facts, 2, 3)).toEqual([
      "warn: Loses 20.0%. Too few probes yet to tell loss on the way from answers left out.",
    ]);
    const more = hops({ sent: 30 }, { sent: 30, lost: 8 }, { sent: 12, lost: 1 });
    expect(explain(more, 2, 3)).toEqual([
      "warn: Loses 26.7%. Too few probes yet to tell whether those beyond lose as much.",
    ]);
  });

  test("does not know whether a target loses or leaves out", () => {
    expect(explain(hops(CLEAN, { sent: 100, lost: 30 }), 2, 2)).toEqual([
      "bad: Loses 30.0%: lost beyond hop 1 (0.0%), or not answered by the target, which may limit its replies.",
    ]);
    expect(explain(hops({ sent: 100, lost: 30 }), 1, 1)[0]).toContain("lost before this hop");
  });

  test("needs an answer of the target to speak of loss", () => {
    const facts = hops(CLEAN, { sent: 100, lost: 30 }, { sent: 100, lost: 100 });
    expect(explain(facts, 2)).toEqual([
      "warn: Loses 30.0%. The target does not answer, so it may be loss on the way or answers left out.",
    ]);
  });

  test("explains answers that are slower than those from beyond", () => {
    const facts = hops({ sent: 9, mean: 40 }, { sent: 9, mean: 12 }, { sent: 9, mean: 12.5 });
    expect(explain(facts, 1, 3)).toEqual([
      "good: No loss.",
      "dim: Answers in 40.0 ms on average, hop 3 beyond it in 12.5 ms: it takes its time to answer, and forwards faster.",
    ]);
    expect(explain(hops({ sent: 9, mean: 0.5 }, { sent: 9, mean: 0.1 }), 1, 2)).toEqual([
      "good: No loss.",
    ]);
  });
});

describe("explainSilence() of this host", () => {
  test("does not blame the path for what was not sent, dropped here, or found no room", () => {
    const facts = hops(
      CLEAN,
      { sent: 100, lost: 6, sendErrors: 2, localDrops: 1, overflows: 3 },
      CLEAN,
    );
    expect(explain(facts, 2, 3)).toEqual([
      "good: No loss on the path, of 94 probes.",
      "bad: 2 probes could not be sent: this host refused.",
      "bad: 1 probe never left this host: a full queue or a firewall here dropped it.",
      "warn: 3 answers may have come while the receive queue of this host was full; not counted as loss.",
    ]);
  });

  test("says nothing of the path when no probe left", () => {
    expect(explain(hops({ sent: 4, lost: 4, sendErrors: 4 }), 1)).toEqual([
      "bad: 4 probes could not be sent: this host refused.",
    ]);
    expect(explain(hops({ sent: 2, lost: 2, localDrops: 2 }), 1)).toEqual([
      "bad: 2 probes never left this host: a full queue or a firewall here dropped them.",
    ]);
  });
});

describe("explainSilence() of answers", () => {
  test("tells of late ones instead of silence", () => {
    expect(explain(hops({ sent: 4, lost: 4, late: 4 }, CLEAN), 1)).toEqual([
      "warn: 4 answers came after the timeout: a longer one would count them.",
    ]);
    expect(explain(hops({ sent: 4, late: 1 }), 1)).toEqual([
      "good: No loss.",
      "warn: 1 answer came after the timeout: a longer one would count it.",
    ]);
  });

  test("tells of copies and of changed data", () => {
    expect(explain(hops({ sent: 4, duplicates: 2, corrupt: 1 }), 1).slice(1)).toEqual([
      "warn: 2 answers came more than once.",
      "warn: 1 answer did not bring back what was sent.",
    ]);
  });
});
