import { EchoQuestion } from "../../src/client/probing/echo-question.ts";
import type { ProbeStream } from "../../src/client/probing/probe-stream.ts";
import { Prober } from "../../src/client/probing/prober.ts";
import type { EchoResult } from "../../src/client/results/results.ts";
import { openTransport } from "../../src/client/transport/open.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { FakeKernel, FakeKernelOptions } from "./fake-libc.ts";
import type { FakeNetwork, FakeProbe } from "./fake-network.ts";
import { type FakePlatform, fakePlatform, type SocketKind } from "./fake-platform.ts";
import type { FakeSocket } from "./fake-socket.ts";

/** What a {@link ProberBench} is made of. */
export interface BenchOptions extends Omit<FakeKernelOptions, "network"> {
  /**
   * What comes back for each probe; may be replaced by setting `bench.network`. Default: nothing.
   */
  readonly network?: FakeNetwork;
  /** Another bench whose kernel and clock to share. */
  readonly beside?: ProberBench;
  /** The identifier of a raw socket. Default: 0x1234. */
  readonly identifier?: number;
  /** Default: 1. */
  readonly firstSequence?: number;
}

/** What a stream of a {@link ProberBench} sends. */
export interface BenchStreamOptions {
  /** Default: the target of the kind of socket. */
  readonly destination?: string;
  /** Size of the payload, or the payload. Default: 56. */
  readonly content?: number | Uint8Array;
  /** Default: 1,000. */
  readonly timeoutMs?: number;
  /** Default: 0. */
  readonly patienceMs?: number;
  /** The 8 random bytes of the client. Default: 1 to 8. */
  readonly nonce?: Uint8Array;
  /** The checksum of all probes. Default: 0x5a5a. */
  readonly flow?: number;
  /** As the option of that name. */
  readonly dontFragment?: boolean;
  /** Hears of provisional results. */
  readonly onProvisional?: (result: EchoResult) => void;
  /** Hears of results as they come, besides `results`. */
  readonly onResult?: (result: EchoResult) => void;
}

/** A stream and what was heard of it. */
export interface BenchStream {
  readonly stream: ProbeStream;
  readonly results: EchoResult[];
  /** How many replies had a wrong ICMP checksum. */
  readonly corrupt: number;
  /** Sends a probe with TTL 64, or `ttl`. */
  send(ttl?: number): void;
}

/** A prober on a socket of the fake kernel. */
export class ProberBench {
  readonly kind: SocketKind;
  readonly fake: FakePlatform;
  readonly prober: Prober;
  network: FakeNetwork;
  readonly #receiver: number;
  readonly #sender: number;

  constructor(kind: SocketKind, options: BenchOptions = {}) {
    this.kind = kind;
    this.network = options.network ?? (() => []);
    this.fake =
      options.beside?.fake ?? fakePlatform({ ...options, network: (probe) => this.network(probe) });
    const { platform, kernel } = this.fake;
    const before = kernel.calls.length;
    const transport = openTransport(platform, {
      family: kind.family,
      privileged: kind.privileged,
      identifier: options.identifier ?? 0x1234,
    });
    const opened = kernel.calls.slice(before).filter(({ syscall }) => syscall === "socket");
    this.#receiver = opened[0]?.result ?? -1;
    this.#sender = opened.at(-1)?.result ?? -1;
    this.prober = new Prober(transport, platform.clock, options.firstSequence ?? 1);
  }

  get clock(): FakeClock {
    return this.fake.clock;
  }

  get kernel(): FakeKernel {
    return this.fake.kernel;
  }

  /** The kernel's side of the socket that receives. */
  get socket(): FakeSocket {
    return this.#open(this.#receiver);
  }

  /** The kernel's side of the socket that probes leave by: that one as well, but on raw IPv4. */
  get sender(): FakeSocket {
    return this.#open(this.#sender);
  }

  /** The probes that left this bench's socket. */
  get sent(): readonly FakeProbe[] {
    const { identifier } = this.prober.transport;
    return this.kernel.sent.filter((probe) => probe.identifier === identifier);
  }

  #open(fd: number): FakeSocket {
    const socket = this.kernel.socketOf(fd);
    if (socket === undefined) throw new Error("The socket of this bench is closed");
    return socket;
  }

  open(options: BenchStreamOptions = {}): BenchStream {
    return openBenchStream(this.prober, { destination: this.kind.target, ...options });
  }
}

/** Opens a stream that keeps what it hears. */
export function openBenchStream(
  prober: Prober,
  options: BenchStreamOptions & { readonly destination: string },
): BenchStream {
  const results: EchoResult[] = [];
  let corrupt = 0;
  const { content = 56, nonce = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), flow = 0x5a5a } = options;
  const stream = prober.openStream({
    target: options.destination,
    hostname: null,
    route: {
      destination: options.destination,
      source: undefined,
      interface: undefined,
      tos: 0,
      dontFragment: options.dontFragment,
      mark: 0,
    },
    timeoutNs: (options.timeoutMs ?? 1000) * 1e6,
    question: new EchoQuestion({ family: prober.transport.family, content, nonce, flow }),
    patienceNs: (options.patienceMs ?? 0) * 1e6,
    onResult: (result) => {
      results.push(result);
      options.onResult?.(result);
    },
    onProvisional: options.onProvisional,
    onCorrupt: () => {
      corrupt += 1;
    },
    onFailure: (error) => {
      throw error;
    },
  });
  return {
    stream,
    results,
    get corrupt() {
      return corrupt;
    },
    send: (ttl = 64) => {
      stream.send(ttl);
    },
  };
}

/**
 * A result in one line: probe number, kind or error, RTT in milliseconds, who answered, and its
 * flags.
 */
export function briefly(result: EchoResult): string {
  const words: (string | number)[] = [`#${result.request.number}`, result.error ?? "reply"];
  if (result.reply !== null) words.push(`${result.rtt} ms`, `from ${result.reply.addr}`);
  if (result.late) words.push("late");
  if (result.duplicate) words.push("duplicate");
  if (result.reordered) words.push("reordered");
  if (result.corrupt) words.push("corrupt");
  if (result.kind === "icmpError" && result.unverified) words.push("unverified");
  return words.join(" ");
}

/** A copy of `bytes` with `values` at `offset`. */
export function patched(
  bytes: Uint8Array,
  offset: number,
  ...values: readonly number[]
): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset);
  return copy;
}
