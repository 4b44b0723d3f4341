import type { SystemError } from "../../errors.ts";
import type { EchoResult } from "../results/results.ts";
import type { ProbeStream } from "./probe-stream.ts";

/** A result on its way to its stream. */
interface Posting {
  readonly stream: ProbeStream;
  readonly result: EchoResult;
  readonly isProvisional: boolean;
}

/** What the open streams of a prober have not heard yet. */
export class Outbox {
  readonly #streams = new Set<ProbeStream>();
  #postings: Posting[] = [];
  #failure: SystemError | undefined;

  get isEmpty(): boolean {
    return this.#postings.length === 0;
  }

  /** Why the socket could not be read any more; undefined while it can. */
  get failure(): SystemError | undefined {
    return this.#failure;
  }

  open(stream: ProbeStream): void {
    this.#streams.add(stream);
    if (this.#failure !== undefined) this.fail(this.#failure);
  }

  close(stream: ProbeStream): void {
    this.#streams.delete(stream);
  }

  post(posting: Posting): void {
    this.#postings.push(posting);
  }

  /** Hands out all results. */
  flush(): void {
    while (this.#postings.length > 0) {
      const batch = this.#postings;
      this.#postings = [];
      for (const { stream, result, isProvisional } of batch) {
        if (stream.closed) continue;
        if (!isProvisional) stream.options.onResult(result);
        else if (result.kind === "icmpError") stream.options.onProvisional?.(result);
      }
    }
  }

  /**
   * Tells all streams that nothing more comes, after the results that are known. In a microtask:
   * the code that sends or opens a stream may not be ready for it.
   */
  fail(error: SystemError): void {
    this.#failure = error;
    queueMicrotask(() => {
      this.flush();
      for (const stream of this.#streams) stream.options.onFailure(error);
    });
  }

  /** Hands out nothing more, unless it is because of a failure. */
  clear(): void {
    if (this.#failure === undefined) this.#postings = [];
  }
}
