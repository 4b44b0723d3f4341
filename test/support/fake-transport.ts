import { Reply } from "../../src/client/transport/reply.ts";
import type {
  ErrorArrival,
  OutgoingProbe,
  SendReceipt,
  Transport,
  TransportOwner,
} from "../../src/client/transport/transport.ts";
import { parseAddress } from "../../src/packet/address.ts";

/** A probe that was given to a {@link FakeTransport}. */
export interface FakeSend {
  readonly destination: string;
  readonly ttl: number;
  readonly sequence: number;
  /** The ICMP data. */
  readonly data: Uint8Array;
}

/** An echo reply on its way. */
export interface EchoArrival {
  readonly kind: "echo";
  readonly from: string;
  /** Kernel receive stamp (real-time scale), or null when there is none. */
  readonly stampNs: number | null;
  readonly checksumValid: boolean;
  readonly icmp: {
    readonly identifier: number;
    readonly sequence: number;
    readonly data: Uint8Array;
  };
}

/** The transmit stamp of the probe that was sent with this key. */
export interface StampArrival {
  readonly kind: "stamp";
  readonly key: number;
  readonly stampNs: number;
}

/** What a {@link FakeTransport} can be given to deliver. */
export type Arrival = EchoArrival | ErrorArrival | StampArrival;

const HEADER = 8;
const ADDRESS = 4;

/**
 * A transport without a socket, for what a prober does by itself: the test says what becomes of
 * each send, and hands over arrivals that no kernel would let through. Replies lie in memory that
 * the next ones are written to, as a kernel's do.
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
  outcome: (send: FakeSend) => SendReceipt = () => ({ kind: "sent", stampKey: null });
  #owner: TransportOwner | undefined;
  #waiting: Arrival[] = [];
  #waitingErrors: Arrival[] = [];
  readonly #reply = new Reply(4);
  readonly #memory = new Uint8Array(0x1_0010);

  attach(owner: TransportOwner): void {
    this.#owner = owner;
  }

  send({ route, ttl, sequence, number, message }: OutgoingProbe): SendReceipt {
    const bytes = new Uint8Array((message.length + 3) & ~3);
    message.layOut(bytes, 0);
    const { identifier } = this;
    message.complete(new Int32Array(bytes.buffer), 0, { identifier, sequence, number });
    const data = bytes.slice(HEADER, message.length);
    const send = { destination: route.destination, ttl, sequence, data };
    const receipt = this.outcome(send);
    if (receipt.kind === "sent") this.sent.push(send);
    return receipt;
  }

  drain(): number {
    this.drainErrors();
    const arrivals = this.#waiting;
    this.#waiting = [];
    const awaits = (arrival: Arrival): boolean =>
      arrival.kind === "echo" && this.#owner?.awaitsStampOf(arrival.icmp.sequence) === true;
    if (arrivals.some(awaits)) this.drainErrors();
    for (const arrival of arrivals) this.#handOver(arrival);
    this.#memory.fill(0xee);
    return Number.POSITIVE_INFINITY;
  }

  drainErrors(): void {
    const arrivals = this.#waitingErrors;
    this.#waitingErrors = [];
    for (const arrival of arrivals) this.#handOver(arrival);
  }

  countDrops(): void {}

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

  #handOver(arrival: Arrival): void {
    if (arrival.kind === "stamp") this.#owner?.onStamp(arrival.key, arrival.stampNs);
    else if (arrival.kind === "error") this.#owner?.onError(arrival);
    else this.#owner?.onReply(this.#place(arrival));
  }

  /** Puts a reply into memory: who sent it, then the ICMP message. */
  #place({ from, icmp, stampNs, checksumValid }: EchoArrival): Reply {
    const memory = this.#memory;
    const view = new DataView(memory.buffer);
    memory.set(parseAddress(from)?.bytes ?? []);
    memory.fill(0, ADDRESS, ADDRESS + HEADER);
    view.setUint16(ADDRESS + 4, icmp.identifier);
    view.setUint16(ADDRESS + 6, icmp.sequence);
    memory.set(icmp.data, ADDRESS + HEADER);
    return Object.assign(this.#reply, {
      bytes: memory,
      words: new Int32Array(memory.buffer),
      start: ADDRESS,
      icmp: ADDRESS,
      end: ADDRESS + HEADER + icmp.data.length,
      identifier: icmp.identifier,
      sequence: icmp.sequence,
      sender: 0,
      ttl: 60,
      tos: 0,
      stampNs,
      hasRightChecksum: checksumValid,
    });
  }
}

/** The echo reply to a probe, with fields replaced. */
export function echoArrival(send: FakeSend, fields: Partial<EchoArrival> = {}): EchoArrival {
  return {
    kind: "echo",
    from: send.destination,
    stampNs: null,
    checksumValid: true,
    icmp: { identifier: 0x1234, sequence: send.sequence, data: send.data },
    ...fields,
  };
}

/** A time exceeded about a probe, with fields replaced. */
export function errorArrival(send: FakeSend, fields: Partial<ErrorArrival> = {}): ErrorArrival {
  const { destination, sequence, data } = send;
  return {
    kind: "error",
    from: "192.0.2.1",
    to: "192.0.2.10",
    ttl: 60,
    tos: 0,
    header: null,
    raw: new Uint8Array(),
    stampNs: null,
    icmp: { type: 11, code: 0, checksum: 0, data: new Uint8Array() },
    quote: { header: null, destination, identifier: 0x1234, sequence, checksum: 0, data },
    extensions: [],
    mtu: null,
    pointer: null,
    ...fields,
  };
}
