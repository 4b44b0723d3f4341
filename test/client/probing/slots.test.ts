import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EchoQuestion } from "../../../src/client/probing/echo-question.ts";
import { type Flow, ProbeStream } from "../../../src/client/probing/probe-stream.ts";
import { Phase, Slots } from "../../../src/client/probing/slots.ts";

const MINUTE_NS = 60e9;

function flow(): Flow {
  const question = new EchoQuestion({
    family: 4,
    content: 56,
    nonce: new Uint8Array(8),
    flow: 1,
  });
  const owner = {
    enqueue: () => {},
    dropBeyond: () => [],
    onPaused: () => {},
    onClosed: () => {},
  };
  const stream = new ProbeStream(owner, {
    target: "192.0.2.1",
    hostname: null,
    route: {
      destination: "192.0.2.1",
      source: undefined,
      interface: undefined,
      tos: 0,
      dontFragment: undefined,
      mark: 0,
    },
    timeoutNs: 1e9,
    question,
    onResult: () => {},
    onFailure: () => {},
  });
  return { stream, question };
}

/** Sends a probe; gives its slot. */
function begin(slots: Slots, owner: Flow, nowNs = 0): number {
  return slots.begin(slots.nextSequence(), owner, nowNs);
}

/** The slots of a stream, in order. */
function listed(slots: Slots, { stream }: Flow): number[] {
  const found: number[] = [];
  for (let slot = stream.first; slot !== -1; slot = slots.after(slot)) found.push(slot);
  return found;
}

describe("Slots", () => {
  test("are found by their sequence numbers, which wrap", () => {
    const slots = new Slots(65_534);
    const owner = flow();
    const taken = [1, 2, 3].map(() => begin(slots, owner));
    expect(taken.map((slot) => slots.sequence[slot])).toEqual([65_534, 65_535, 0]);
    expect([65_534, 65_535, 0, 1, 65_533].map((sequence) => slots.find(sequence))).toEqual([
      ...taken,
      -1,
      -1,
    ]);
  });

  test("hold 65,536 that fly, and keep what is in them as they grow", () => {
    const slots = new Slots(7);
    const owner = flow();
    for (let count = 0; count < 65_536; count++) {
      const slot = begin(slots, owner);
      slots.number[slot] = count;
      slots.sentNs[slot] = count * 3;
    }
    expect([slots.size, slots.isFull, slots.nextSequence()]).toEqual([65_536, true, -1]);
    const [early, late] = [slots.find(7 + 511), slots.find(40_007)];
    expect([slots.number[late], slots.sentNs[early]]).toEqual([40_000, 1533]);
    slots.forget(slots.find(12_345));
    expect([slots.isFull, slots.nextSequence()]).toEqual([false, 12_345]);
    expect(listed(slots, owner)).toHaveLength(65_535);
  });

  test("that are free again are used again, so that few serve many probes", () => {
    const slots = new Slots(0);
    const owner = flow();
    const used = new Set<number>();
    for (let count = 0; count < 200_000; count++) {
      const slot = begin(slots, owner, count * 1e9);
      used.add(slot);
      slots.decide(slot, Phase.Answered, count * 1e9);
    }
    // One a second, of which each is remembered for a minute.
    expect(used.size).toBeLessThan(64);
    expect(slots.phase.length).toBe(512);
  });

  test("of decided probes are forgotten after a minute, looked at once a second", () => {
    const slots = new Slots(0);
    const owner = flow();
    slots.decide(begin(slots, owner, 0), Phase.Expired, 0);
    slots.decide(begin(slots, owner, 10), Phase.Answered, 10);
    begin(slots, owner, MINUTE_NS + 5);
    const isKnown = (sequence: number) => slots.find(sequence) !== -1;
    expect([0, 1, 2].map(isKnown)).toEqual([false, true, true]);
    begin(slots, owner, MINUTE_NS + 20);
    expect(isKnown(1)).toBe(true);
    begin(slots, owner, MINUTE_NS + 1.1e9);
    expect(isKnown(1)).toBe(false);
    expect(listed(slots, owner).map((slot) => slots.sequence[slot])).toEqual([2, 3, 4]);
  });

  test("of decided probes are 16,384 at most: the one decided first goes", () => {
    const slots = new Slots(0);
    const owner = flow();
    const taken = Array.from({ length: 16_385 }, () => begin(slots, owner));
    for (const slot of taken.toReversed()) slots.decide(slot, Phase.Expired, 0);
    begin(slots, owner);
    const isKnown = (sequence: number) => slots.find(sequence) !== -1;
    expect([16_384, 16_383, 16_382, 16_381].map(isKnown)).toEqual([false, false, true, true]);
  });

  test("are empty after a clear", () => {
    const slots = new Slots(0);
    const owner = flow();
    slots.decide(begin(slots, owner), Phase.Answered, 0);
    begin(slots, owner);
    slots.clear();
    expect([slots.size, slots.find(0), slots.find(1)]).toEqual([0, -1, -1]);
  });

  test("agree with a list of probes, whatever happens to them", () => {
    const action = fc.record({
      do: fc.constantFrom("send", "send", "answer", "expire", "forget"),
      which: fc.nat(),
      stream: fc.nat({ max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const slots = new Slots(65_500);
        const owners = [flow(), flow(), flow()];
        let model: { slot: number; stream: number; phase: number }[] = [];
        for (const step of actions) {
          const flying = model.filter(({ phase }) => phase === Phase.Flying);
          if (step.do === "send") {
            const slot = begin(slots, owners[step.stream] as Flow);
            model = model.filter((each) => each.slot !== slot);
            model.push({ slot, stream: step.stream, phase: Phase.Flying });
          } else if (step.do === "forget") {
            const [gone] = model.splice(step.which % Math.max(model.length, 1), 1);
            if (gone !== undefined) slots.forget(gone.slot);
          } else {
            const decided = flying[step.which % Math.max(flying.length, 1)];
            if (decided === undefined) continue;
            const phase = step.do === "answer" ? Phase.Answered : Phase.Expired;
            decided.phase = phase;
            slots.decide(decided.slot, phase, 0);
          }
          expect(slots.size).toBe(model.filter(({ phase }) => phase === Phase.Flying).length);
          for (const [index, owner] of owners.entries()) {
            const own = model.filter(({ stream }) => stream === index);
            expect(listed(slots, owner)).toEqual(own.map(({ slot }) => slot));
          }
          for (const { slot, phase } of model) {
            expect(slots.phase[slot]).toBe(phase);
            expect(slots.find(slots.sequence[slot] as number)).toBe(slot);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
