/** What echo requests took that were sent one after the other. */
export interface ProbeFigures {
  readonly sent: number;
  readonly received: number;
  /** From the first to the last, without pauses. */
  readonly seconds: number;
  /** Of the processor, user and system, all threads, meanwhile. */
  readonly cpuSeconds: number;
  /**
   * Microseconds from the call to its answer: half of them took no longer; NaN where nobody
   * measured.
   */
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
}

/**
 * What ping's summary tells, or that of `icmpx ping`, which lacks the time: neither measures waits.
 */
export function pingFigures(output: string, cpuSeconds: number): ProbeFigures {
  const [, sent, received, ms] =
    /(\d+) packets transmitted, (\d+) received(?:.* time (\d+)ms)?/.exec(output) ?? [];
  const unknown = Number.NaN;
  return {
    sent: Number(sent),
    received: Number(received),
    seconds: Number(ms) / 1000,
    cpuSeconds,
    median: unknown,
    p90: unknown,
    p99: unknown,
  };
}

/** Where the time of one `await client.probe()` goes, in microseconds. */
export interface LatencyParts {
  /** From the call to the system call that sends. */
  readonly making: number;
  /**
   * In that system call: over veth, all of the way there and back, and the signal that tells of the
   * answer.
   */
  readonly sending: number;
  /** Until the event loop comes to the handler of that signal. */
  readonly hearing: number;
  /** Reading the answer, making the result of it, and coming back to who awaits. */
  readonly handling: number;
  readonly whole: number;
}
