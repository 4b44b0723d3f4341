import { Icmpv4Type, Icmpv6Type } from "../../src/packet/icmp-types.ts";
import type { AnswerTruth, ProbeTruth } from "./truth.ts";

/** What decides which answers a client must take. */
export interface Recipient {
  /** Its timeout in milliseconds. */
  readonly timeout: number;
  /** Whether its probes carry a cookie, by which it knows replies from wherever they come. */
  readonly hasCookie: boolean;
}

/** A result that a probe must give: nothing in time, or an answer. */
export interface ExpectedResult {
  /** undefined for a timeout. */
  readonly answer: AnswerTruth | undefined;
  readonly late: boolean;
  readonly duplicate: boolean;
  /** Whether a timeout tells that the target answered with wrong data. */
  readonly hasWrongData: boolean;
}

/**
 * The results that a probe must give, in order, told from what the simulator did: exactly one that
 * is neither late nor a duplicate, and perhaps more if the run lasts long enough to see them.
 */
export function expectedResults(probe: ProbeTruth, recipient: Recipient): ExpectedResult[] {
  const answers = probe.answers
    .filter((answer) => isAcceptable(answer, recipient))
    .sort((a, b) => (a.took ?? 0) - (b.took ?? 0));
  const [first] = answers;
  const isInTime = first?.took !== undefined && first.took <= recipient.timeout;
  const hasWrongData = probe.answers.some(
    ({ forged, took = Number.POSITIVE_INFINITY }) =>
      forged === "cookie" && took <= recipient.timeout,
  );
  const timeout = { answer: undefined, late: false, duplicate: false, hasWrongData };
  return [
    ...(isInTime ? [] : [timeout]),
    ...answers.map((answer, index) => ({
      answer,
      late: !isInTime && index === 0,
      duplicate: index > 0,
      hasWrongData: false,
    })),
  ];
}

/** Whether an answer is an echo reply. */
export function isEchoReply({ type }: AnswerTruth): boolean {
  return type === Icmpv4Type.EchoReply || type === Icmpv6Type.EchoReply;
}

/** Whether an answer arrived whole, and is one as far as the client can know. */
function isAcceptable(answer: AnswerTruth, { hasCookie }: Recipient): boolean {
  if (answer.took === undefined || answer.isAdvice || answer.isUnrecognisable) return false;
  if (answer.corrupt === "checksum") return false;
  // Without a cookie, only the sender's address speaks for a reply. An error may come from anybody
  // on the way.
  return !(answer.forged === "source" && isEchoReply(answer) && !hasCookie);
}
