import type {
  Arrival,
  EchoArrival,
  ErrorArrival,
  Route,
  SendReceipt,
  Transport,
  TransportOwner,
} from "../../src/client/transport/transport.ts";

/** A probe that was given to a {@link FakeTransport}. */
export interface FakeSend {
  readonly destination: string;
  readonly ttl: number;
  readonly sequence: number;
  /** The ICMP data. */
  readonly data: Uint8Array;
}

/**
 * A transport without a socket, for what a prober does by itself: the test says what becomes of each send, and hands over
 * arrivals that no kernel would let through.
 */
export class FakeTransport implements Transport {
  readonly family = 4;
  readonly privileged = true;
  readonly identifier = 0x1234;
  readonly facilities = undefined;
  readonly malformed = 0;
  drops = 0;
  readonly sent: FakeSend[] = [];
  /** Whether it was last told that something is in flight. */
  isActive = false;
  isTold = true;
  isClosed = false;
  /** What becomes of a send; by default it leaves, with no stamp to come. */
  outcome: (send: FakeSend) => SendReceipt = ({ data }) => ({
    kind: "sent",
    stampKey: null,
    message: this.encode(0, data),
  });
  #owner: TransportOwner | undefined;
  #waiting: Arrival[] = [];
  #waitingErrors: Arrival[] = [];

  attach(owner: TransportOwner): void {
    this.#owner = owner;
  }

  encode(_sequence: number, payload: Uint8Array): Uint8Array {
    return Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, ...payload);
  }

  send({ destination }: Route, ttl: number, sequence: number, payload: Uint8Array): SendReceipt {
    const send = { destination, ttl, sequence, data: payload.slice() };
    const receipt = this.outcome(send);
    if (receipt.kind === "sent") this.sent.push(send);
    return receipt;
  }

  drain(): number {
    this.drainErrors();
    const arrivals = this.#waiting;
    this.#waiting = [];
    for (const arrival of arrivals) this.#owner?.onArrival(arrival);
    return Number.POSITIVE_INFINITY;
  }

  drainErrors(): void {
    const arrivals = this.#waitingErrors;
    this.#waitingErrors = [];
    for (const arrival of arrivals) this.#owner?.onArrival(arrival);
  }

  setActive(active: boolean): void {
    this.isActive = active;
  }

  setTold(told: boolean): void {
    this.isTold = told;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Lets something wait to be read: stamps on the error queue, all else on the other. */
  queue(arrival: Arrival): void {
    (arrival.kind === "stamp" ? this.#waitingErrors : this.#waiting).push(arrival);
  }

  /** The same, and wakes the owner. */
  deliver(arrival: Arrival): void {
    this.queue(arrival);
    this.#owner?.onReady();
  }
}

const PACKET = { to: "192.0.2.10", ttl: 60, tos: 0, header: null, raw: new Uint8Array() };

/** The echo reply to a probe, with fields replaced. */
export function echoArrival(send: FakeSend, fields: Partial<EchoArrival> = {}): EchoArrival {
  const icmp = {
    type: 0,
    code: 0,
    checksum: 0,
    identifier: 0x1234,
    sequence: send.sequence,
    data: send.data,
  };
  return {
    ...PACKET,
    kind: "echo",
    from: send.destination,
    stampNs: null,
    checksumValid: true,
    icmp,
    ...fields,
  };
}

/** A time exceeded about a probe, with fields replaced. */
export function errorArrival(send: FakeSend, fields: Partial<ErrorArrival> = {}): ErrorArrival {
  const { destination, sequence, data } = send;
  return {
    ...PACKET,
    kind: "error",
    from: "192.0.2.1",
    stampNs: null,
    icmp: {
      type: 11,
      code: 0,
      checksum: 0,
      identifier: null,
      sequence: null,
      data: new Uint8Array(),
    },
    quote: { header: null, destination, identifier: 0x1234, sequence, checksum: 0, data },
    extensions: [],
    mtu: null,
    pointer: null,
    ...fields,
  };
}
