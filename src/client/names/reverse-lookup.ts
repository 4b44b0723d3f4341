import { NS_PER_MS } from "../time/clock.ts";
import { decodePtrAnswer, encodePtrQuery, type PtrAnswer } from "./dns-message.ts";
import { NameFiles } from "./name-files.ts";

/** How to construct a {@link ReverseLookup}. */
export interface ReverseLookupOptions {
  /** Fills `bytes` with random ones and returns it: the transaction IDs. */
  random(bytes: Uint8Array): Uint8Array;
  /** Where hosts, resolv.conf and nsswitch.conf are. */
  readonly folder?: string;
  /** The port of name servers. */
  readonly port?: number;
}

const DNS_PORT = 53;
/** Each server is asked twice at most. */
const ROUNDS = 2;

/**
 * The names of addresses: from /etc/hosts, else from the name servers in /etc/resolv.conf, each of
 * which is asked in turn, twice at most.
 *
 * It speaks DNS by itself because the resolver that Bun has (c-ares) fails everything in flight for
 * one malformed answer, calls every failure "not found", and keeps the process alive until all of
 * its timeouts have passed (seen with Bun 1.4.5). Here each question has a socket, and so a port,
 * of its own, and nothing keeps the process alive.
 */
export class ReverseLookup {
  readonly #files: NameFiles;
  readonly #port: number;
  readonly #random: ReverseLookupOptions["random"];

  constructor({ folder = "/etc", port = DNS_PORT, random }: ReverseLookupOptions) {
    this.#files = new NameFiles(folder);
    this.#port = port;
    this.#random = random;
  }

  /**
   * The name of an address (canonical, without a zone); null if it has none.
   *
   * @param timeoutNs how long it may take in all
   * @throws if nobody knows: no server answered, or none could
   */
  async nameOf(address: string, timeoutNs: number): Promise<string | null> {
    const local = this.#files.hostName(address);
    if (local !== undefined) return local;
    const { servers } = this.#files;
    if (servers.length === 0) return null;
    const patienceMs = timeoutNs / NS_PER_MS / (ROUNDS * servers.length);
    const failures: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) {
        const answer = await this.#ask(server, address, patienceMs);
        if ("name" in answer) return answer.name;
        failures.push(`${server}: ${answer.failure}`);
      }
    }
    throw new Error(`Cannot find the name of ${address}: ${failures.join(", ")}`);
  }

  async #ask(server: string, address: string, patienceMs: number): Promise<PtrAnswer> {
    const [high = 0, low = 0] = this.#random(new Uint8Array(2));
    const query = encodePtrQuery((high << 8) | low, address);
    const { promise, resolve } = Promise.withResolvers<PtrAnswer>();
    const fail = (error: unknown): void =>
      resolve({ failure: error instanceof Error ? error.message : String(error) });
    let socket: Bun.udp.ConnectedSocket<"uint8array"> | undefined;
    try {
      // Connected: the kernel drops what others send, and tells if nobody listens there.
      socket = await Bun.udpSocket({
        // Without it, Bun binds to an IPv4 address, from which no IPv6 one can be reached.
        hostname: server.includes(":") ? "::" : "0.0.0.0",
        connect: { hostname: server, port: this.#port },
        binaryType: "uint8array",
        socket: {
          data: (_, data) => {
            const answer = decodePtrAnswer(data, query);
            if (answer !== undefined) resolve(answer);
          },
          error: (_, error) => fail(error),
        },
      });
      socket.unref();
      socket.send(query);
    } catch (error) {
      fail(error);
    }
    const timer = setTimeout(() => resolve({ failure: "no answer" }), patienceMs);
    timer.unref();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      socket?.close();
    }
  }
}
