import type { Fate, Subject } from "./fate.ts";
import type { Action, Effect, Node } from "./scenario.ts";
import type { Loss } from "./truth.ts";

/** A node that a packet comes to. */
export interface Stop {
  readonly name: string;
  readonly node: Node;
}

/** What a way does to a packet. */
export interface Way {
  /** Milliseconds. */
  delay: number;
  /** When the copies of the packet run, in milliseconds behind it; itself first. */
  copies: readonly number[];
  /** Where it gets lost, if it does. */
  lost?: Loss;
}

/** What happens to an answer. */
export interface WayBack extends Way {
  corrupt?: Extract<Action, { kind: "corrupt" }>["what"];
  readonly forgeries: Extract<Action, { kind: "forge" }>[];
  /** A forger took the true answer away. */
  isReplaced: boolean;
}

/** What happens to a packet on the link to a node. */
export function wayThere(fate: Fate, stop: Stop, subject: Subject): Way {
  const { name, node } = stop;
  const jitter = fate.jitter(node.jitter, `${name}|jitter there`, subject);
  const way: Way = { delay: delayOf(node, "there") + jitter, copies: [0] };
  for (const action of actionsOf(fate, stop, { on: "there", subject })) {
    if (action.kind === "drop") way.lost ??= { node: name, why: "dropped there" };
    else if (action.kind === "hold") way.delay += action.ms;
    else if (action.kind === "duplicate") way.copies = combined(way.copies, copiesOf(action));
  }
  return way;
}

/** What happens to an answer of the last of `stops` on its way back over all of them. */
export function wayBack(fate: Fate, stops: readonly Stop[], subject: Subject): WayBack {
  const way: WayBack = { delay: 0, copies: [0], forgeries: [], isReplaced: false };
  for (const [behind, stop] of stops.toReversed().entries()) {
    const { name, node } = stop;
    way.delay += delayOf(node, "back") + fate.jitter(node.jitter, `${name}|jitter back`, subject);
    for (const on of behind === 0 ? (["own", "back"] as const) : (["back"] as const)) {
      for (const action of actionsOf(fate, stop, { on, subject }))
        apply(way, action, { node: name, why: `dropped ${on}` });
    }
  }
  return way;
}

/** The copies of copies: each that one way makes goes through the other. */
export function combined(first: readonly number[], then: readonly number[]): readonly number[] {
  return then.length === 1 ? first : first.flatMap((at) => then.map((behind) => at + behind));
}

function apply(way: WayBack, action: Action, loss: Loss): void {
  if (action.kind === "drop") way.lost ??= loss;
  else if (action.kind === "hold") way.delay += action.ms;
  else if (action.kind === "duplicate") way.copies = combined(way.copies, copiesOf(action));
  else if (action.kind === "corrupt") way.corrupt = action.what;
  else {
    way.forgeries.push(action);
    way.isReplaced ||= action.only === true;
  }
}

function actionsOf(
  fate: Fate,
  { name, node }: Stop,
  { on, subject }: { readonly on: Effect["on"]; readonly subject: Subject },
): readonly Action[] {
  if (node.effects === undefined) return [];
  return node.effects
    .filter(
      (effect, index) =>
        effect.on === on && fate.picks(effect.pick, `${name}|effect ${index}`, subject),
    )
    .map(({ action }) => action);
}

function delayOf({ delay = 0 }: Node, direction: "there" | "back"): number {
  return typeof delay === "number" ? delay : delay[direction];
}

function copiesOf({ copies, gap }: Extract<Action, { kind: "duplicate" }>): readonly number[] {
  return Array.from({ length: copies + 1 }, (_, index) => index * gap);
}
