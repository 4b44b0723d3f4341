import type { SystemError } from "../../errors.ts";
import type { Family } from "../../packet/address.ts";
import type { SendReceipt, Transport } from "./transport.ts";

/**
 * Stands in for a socket that could not be bound to the source asked for: each send fails with that error, as it does on
 * the sockets that are told the source with each packet.
 */
export class RefusingTransport implements Transport {
  readonly family: Family;
  readonly privileged = false;
  readonly identifier = 0;
  readonly stampsFromNs: number = Number.NEGATIVE_INFINITY;
  readonly facilities = undefined;
  readonly malformed = 0;
  readonly drops = 0;
  readonly #error: SystemError;

  constructor(family: Family, error: SystemError) {
    this.family = family;
    this.#error = error;
  }

  encode(): Uint8Array {
    // Nothing is ever in flight that somebody could ask about.
    return new Uint8Array();
  }

  send(): SendReceipt {
    return { kind: "failed", error: this.#error };
  }

  attach(): void {}
  drain(): boolean {
    return false;
  }
  drainErrors(): void {}
  setActive(): void {}
  setTold(): void {}
  close(): void {}
}
