import type { StatisticsSnapshot } from "icmpx";
import { formatLoss, formatRtt } from "./format.ts";

/** What is known of a hop that says something about its losses. */
export interface HopFacts {
  readonly ttl: number;
  readonly figures: StatisticsSnapshot;
  /** Probes that this host did not let out, as far as the kernel tells. Part of the loss. */
  readonly localDrops: number;
}

/** A sentence about a hop. */
export interface Remark {
  readonly role: "text" | "dim" | "good" | "warn" | "bad";
  readonly text: string;
}

/** What `hops[index]` and those around it allow to say. */
export interface SilenceOptions {
  readonly hops: readonly HopFacts[];
  readonly index: number;
  /** Where the target answers, or undefined if it does not. */
  readonly targetTtl: number | undefined;
}

/**
 * What the losses of a hop mean, as far as it follows from the figures, the most important first.
 *
 * 1. What this host did itself is told apart from what became of probes that left it.
 * 2. A router that forwards what it does not answer is no fault of the path: any answer from beyond
 *    it proves that.
 * 3. Loss is on the way to a hop, or back, only if everything beyond it loses as much. Two losses
 *    differ only if their 95 % intervals do not overlap; with few probes little can be said, and
 *    that is said.
 * 4. The way back is never known to be the same: nothing is said of the direction.
 */
export function explainSilence(options: SilenceOptions): Remark[] {
  const { hops, index } = options;
  const hop = hops[index];
  if (hop === undefined) return [];
  const remarks = [...aboutPath(options, hop), ...aboutThisHost(hop)];
  const { late, duplicates, corrupt } = hop.figures;
  if (late > 0) {
    const text = `${counted(late, "answer")} came after the timeout: a longer one would count ${late === 1 ? "it" : "them"}.`;
    remarks.push({ role: "warn", text });
  }
  if (duplicates > 0) {
    remarks.push({ role: "warn", text: `${counted(duplicates, "answer")} came more than once.` });
  }
  if (corrupt > 0) {
    remarks.push({
      role: "warn",
      text: `${counted(corrupt, "answer")} did not bring back what was sent.`,
    });
  }
  return remarks;
}

function aboutPath(options: SilenceOptions, hop: HopFacts): Remark[] {
  const { hops, index, targetTtl } = options;
  if (triedOf(hop) === 0) return [];
  const beyond = hops.slice(index + 1).filter(({ figures }) => figures.received > 0);
  if (hop.figures.received === 0) return hop.figures.late > 0 ? [] : [aboutMute(options, beyond)];
  if (lossesOf(hop) === 0) return [noLoss(hop), ...aboutSlowness(hop, beyond)];
  const better = beyond.findLast((other) => isClearlyLess(other, hop));
  if (better !== undefined) return [aboutLimit(hop, better, targetTtl)];
  const before = hops.slice(0, index).findLast(({ figures }) => figures.received > 0);
  const target = hop.ttl === targetTtl ? hop : beyond.find(({ ttl }) => ttl === targetTtl);
  return [aboutLoss(hop, { before, beyond, target })];
}

/** Not just "No loss." where the figures beside it count probes that this host lost. */
function noLoss(hop: HopFacts): Remark {
  const { received, lost } = hop.figures;
  const tried = triedOf(hop);
  const text =
    tried === received + lost ? "No loss." : `No loss on the path, of ${counted(tried, "probe")}.`;
  return { role: "good", text };
}

function aboutLimit(hop: HopFacts, better: HopFacts, targetTtl: number | undefined): Remark {
  const who = better.ttl === targetTtl ? "the target" : `hop ${better.ttl}`;
  const isClean = lossesOf(better) === 0;
  const meaning = isClean
    ? "packets get through. Only its answers are missing (a rate limit, or another way back): no fault of the path."
    : "that is all that the path can lose. The other answers are missing for a rate limit, or on another way back.";
  const loss = isClean ? "nothing" : `only ${lossText(better)}`;
  return { role: "text", text: `Loses ${lossText(hop)}, but ${who} beyond it ${loss}: ${meaning}` };
}

interface Neighbours {
  /** The nearest hop before that answers. */
  readonly before: HopFacts | undefined;
  /** Those beyond that answer. */
  readonly beyond: readonly HopFacts[];
  readonly target: HopFacts | undefined;
}

/** None of those beyond loses clearly less. */
function aboutLoss(hop: HopFacts, { before, beyond, target }: Neighbours): Remark {
  const loses = `Loses ${lossText(hop)}`;
  if (before !== undefined && lossesOf(before) > 0 && !isClearlyLess(before, hop)) {
    const text = `${loses}, and hop ${before.ttl} before it ${lossText(before)}: it begins there, or before.`;
    return { role: "warn", text };
  }
  if (before !== undefined && !isClearlyLess(before, hop)) {
    return {
      role: "warn",
      text: `${loses}. Too few probes yet to tell loss on the way from answers left out.`,
    };
  }
  const since =
    before === undefined ? "before this hop" : `beyond hop ${before.ttl} (${lossText(before)})`;
  if (target === hop) {
    return {
      role: "bad",
      text: `${loses}: lost ${since}, or not answered by the target, which may limit its replies.`,
    };
  }
  if (target === undefined) {
    return {
      role: "warn",
      text: `${loses}. The target does not answer, so it may be loss on the way or answers left out.`,
    };
  }
  const isShared = beyond.every(
    (other) => lossesOf(other) > 0 && (before === undefined || isClearlyLess(before, other)),
  );
  if (!isShared) {
    return {
      role: "warn",
      text: `${loses}. Too few probes yet to tell whether those beyond lose as much.`,
    };
  }
  const text = `${loses}, and all that answer beyond it lose as much, to the target: real loss ${since}, on the way there or back.`;
  return { role: "bad", text };
}

function aboutMute(
  { hops, index, targetTtl }: SilenceOptions,
  beyond: readonly HopFacts[],
): Remark {
  const [next] = beyond;
  if (next !== undefined) {
    const who = next.ttl === targetTtl ? "the target" : `hop ${next.ttl}`;
    return {
      role: "dim",
      text: `Has not answered, but ${who} beyond it does: it forwards packets and leaves out the answers (a filter or a limit). No fault of the path.`,
    };
  }
  const last = hops.slice(0, index).findLast(({ figures }) => figures.received > 0);
  if (last === undefined) {
    return {
      role: "bad",
      text: "Nothing has answered yet, at no hop: the packets or the answers are lost near here, or a firewall drops them.",
    };
  }
  return {
    role: "warn",
    text:
      `No answer from here on; hop ${last.ttl} is the last that answers. Packets or answers are lost beyond it, ` +
      "or everything beyond chooses not to answer: from here that looks the same.",
  };
}

/** Answers that are slower than those from beyond say nothing about the path. */
function aboutSlowness({ figures }: HopFacts, beyond: readonly HopFacts[]): Remark[] {
  const { mean } = figures;
  if (mean === null) return [];
  const faster = beyond.findLast(
    (other) => other.figures.mean !== null && isMuchLess(other.figures.mean, mean),
  );
  if (faster === undefined) return [];
  return [
    {
      role: "dim",
      text:
        `Answers in ${formatRtt(mean)} ms on average, hop ${faster.ttl} beyond it in ${formatRtt(faster.figures.mean)} ms: ` +
        "it takes its time to answer, and forwards faster.",
    },
  ];
}

function aboutThisHost({ figures, localDrops }: HopFacts): Remark[] {
  const { sendErrors, overflows } = figures;
  const remarks: Remark[] = [];
  if (sendErrors > 0) {
    remarks.push({
      role: "bad",
      text: `${counted(sendErrors, "probe")} could not be sent: this host refused.`,
    });
  }
  if (localDrops > 0) {
    const text = `${counted(localDrops, "probe")} never left this host: a full queue or a firewall here dropped ${localDrops === 1 ? "it" : "them"}.`;
    remarks.push({ role: "bad", text });
  }
  if (overflows > 0) {
    const text = `${counted(overflows, "answer")} may have come while the receive queue of this host was full; not counted as loss.`;
    remarks.push({ role: "warn", text });
  }
  return remarks;
}

/** Probes that left this host, as far as is known, and whose answers were not lost here. */
function triedOf({ figures, localDrops }: HopFacts): number {
  const { received, lost, overflows, sendErrors } = figures;
  return Math.max(0, received + lost - overflows - sendErrors - localDrops);
}

function lossesOf(hop: HopFacts): number {
  return Math.max(0, triedOf(hop) - hop.figures.received);
}

function lossText(hop: HopFacts): string {
  const tried = triedOf(hop);
  return tried === 0 ? "nothing" : formatLoss(lossesOf(hop) / tried);
}

function isClearlyLess(a: HopFacts, b: HopFacts): boolean {
  return triedOf(a) > 0 && triedOf(b) > 0 && lossInterval(a)[1] < lossInterval(b)[0];
}

/** Standard score of a two-sided 95 % interval. */
const Z = 1.96;

/**
 * The score interval of Wilson (1927) for the loss ratio: it holds for few probes and for none
 * lost, too.
 */
function lossInterval(hop: HopFacts): readonly [low: number, high: number] {
  const n = triedOf(hop);
  const ratio = lossesOf(hop) / n;
  const middle = ratio + Z ** 2 / (2 * n);
  const half = Z * Math.sqrt((ratio * (1 - ratio)) / n + Z ** 2 / (4 * n ** 2));
  const scale = 1 + Z ** 2 / n;
  return [(middle - half) / scale, (middle + half) / scale];
}

/** Less than two thirds, and by a millisecond at least. */
function isMuchLess(a: number, b: number): boolean {
  return a * 1.5 < b && b - a > 1;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
