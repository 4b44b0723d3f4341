/** What a name server of a test does with a question for the name of an address. */
export type Behaviour =
  /** Answers with this name, after a while. */
  | { readonly name: string; readonly delay?: number }
  /** Answers with this data as the record's. */
  | { readonly data: Uint8Array }
  /** Answers with this response code (RFC 1035 section 4.1.1) and no record. */
  | { readonly code: number; readonly withoutQuestion?: boolean }
  /** Answers with these bytes behind the question's id. */
  | { readonly bytes: (query: Uint8Array) => Uint8Array }
  | "silent";

const CNAME = 5;
const PTR = 12;

/**
 * A name server on loopback: it answers each question as `behaviourOf` says, given the name asked
 * for.
 */
export class DnsServer implements Disposable {
  /** The names asked for, in order. */
  readonly asked: string[] = [];
  readonly port: number;
  readonly #socket: Bun.udp.Socket<"uint8array">;

  private constructor(socket: Bun.udp.Socket<"uint8array">) {
    this.#socket = socket;
    this.port = socket.port;
  }

  static async open(
    behaviourOf: (question: string) => Behaviour,
    { hostname = "127.0.0.1", port = 0 }: { hostname?: string; port?: number } = {},
  ): Promise<DnsServer> {
    let server: DnsServer | undefined;
    const socket = await Bun.udpSocket({
      hostname,
      port,
      binaryType: "uint8array",
      socket: {
        data: (socket, data, from, address) => {
          const query = data.slice();
          const name = nameOf(query);
          server?.asked.push(name);
          const behaviour = behaviourOf(name);
          if (behaviour === "silent") return;
          const delay = "name" in behaviour ? (behaviour.delay ?? 0) : 0;
          setTimeout(() => socket.send(answerTo(query, behaviour), from, address), delay);
        },
      },
    });
    server = new DnsServer(socket);
    return server;
  }

  /** It does not keep the process alive. */
  unref(): void {
    this.#socket.unref();
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** The name in the question of a query. */
function nameOf(query: Uint8Array): string {
  const labels: string[] = [];
  for (let offset = 12; query[offset] !== 0; ) {
    const length = query[offset] as number;
    labels.push(new TextDecoder().decode(query.subarray(offset + 1, offset + 1 + length)));
    offset += 1 + length;
  }
  return labels.join(".");
}

function answerTo(query: Uint8Array, behaviour: Exclude<Behaviour, "silent">): Uint8Array {
  if ("bytes" in behaviour) return behaviour.bytes(query);
  if ("code" in behaviour)
    return dnsAnswer(query, { code: behaviour.code, withoutQuestion: behaviour.withoutQuestion });
  const data = "data" in behaviour ? behaviour.data : encodeName(behaviour.name);
  return dnsAnswer(query, { records: [ptrRecord(data)] });
}

/** A name in the form of the wire, without compression. */
export function encodeName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  return Uint8Array.from([
    ...labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]),
    0,
  ]);
}

/** A PTR record for the name in the question. */
export function ptrRecord(
  data: Uint8Array,
  owner: Uint8Array = Uint8Array.of(0xc0, 12),
): Uint8Array {
  return record(PTR, data, owner);
}

/** A CNAME record for the name in the question (RFC 2317). */
export function cnameRecord(data: Uint8Array): Uint8Array {
  return record(CNAME, data, Uint8Array.of(0xc0, 12));
}

function record(type: number, data: Uint8Array, owner: Uint8Array): Uint8Array {
  return Uint8Array.from([
    ...owner,
    0,
    type,
    0,
    1,
    0,
    0,
    0,
    60,
    data.length >> 8,
    data.length & 0xff,
    ...data,
  ]);
}

/** The answer of a server to a query. */
export function dnsAnswer(
  query: Uint8Array,
  answer: {
    readonly code?: number;
    readonly flags?: number;
    readonly records?: readonly Uint8Array[];
    readonly withoutQuestion?: boolean | undefined;
  },
): Uint8Array {
  const { code = 0, flags = 0x8180, records = [], withoutQuestion = false } = answer;
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  header.set(query.subarray(0, 2));
  view.setUint16(2, flags | code);
  view.setUint16(4, withoutQuestion ? 0 : 1);
  view.setUint16(6, records.length);
  const parts = [header, withoutQuestion ? new Uint8Array() : query.subarray(12), ...records];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
