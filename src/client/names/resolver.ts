import { ResolveError } from "../../errors.ts";
import { canonicalAddress, type Family, parseAddress } from "../../packet/address.ts";
import { type Clock, NS_PER_MS } from "../time/clock.ts";

/** A host, and the address that is used for it. */
export interface ResolvedHost {
  /** The name or address as it was given. */
  readonly host: string;
  /** The address as canonical text (RFC 5952), with its zone if it has one. */
  readonly address: string;
  /** The IP version of the address. */
  readonly family: 4 | 6;
}

/** Options of {@link Resolver.lookup}. */
export interface LookupOptions {
  /**
   * Which kind of address is wanted. By default the first one, in the order of the system (RFC
   * 6724).
   */
  readonly family?: 4 | 6 | undefined;
  /** Aborting it rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Where a {@link Resolver} gets its answers from. */
export interface DnsBackend {
  /**
   * The addresses of a name, best first.
   *
   * @param family 4 or 6 for addresses of this kind only, 0 for both.
   * @param signal aborted once nobody waits for them; then it must not keep the process alive.
   */
  lookup(
    host: string,
    family: 0 | 4 | 6,
    signal?: AbortSignal,
  ): Promise<readonly { readonly address: string; readonly family: number }[]>;
  /**
   * The name of an address (without a zone), or null if it has none. Rejects if that is not known.
   * It must not keep the process alive.
   *
   * @param timeoutNs how long it may take
   */
  reverse(address: string, timeoutNs: number): Promise<string | null>;
}

/** What a {@link Resolver} needs to know about time. Its timers must not keep the process alive. */
export type ResolverClock = Pick<Clock, "monotonicNs" | "schedule">;

interface CachedName {
  readonly name: string | null;
  readonly expiresNs: number;
  /** The lookup failed, so `name` is null only because nobody answered. */
  readonly isFailure: boolean;
}

const SECOND_NS = 1000 * NS_PER_MS;
const NAME_LIFETIME_NS = 300 * SECOND_NS;
const NO_NAME_LIFETIME_NS = 60 * SECOND_NS;
const FAILURE_LIFETIME_NS = 10 * SECOND_NS;
const REVERSE_TIMEOUT_NS = 5 * SECOND_NS;
const MAX_CACHED_NAMES = 4096;
const MAX_REVERSE_QUERIES = 16;

/**
 * RFC 1035 section 2.3.4 allows 255 octets on the wire, which is 253 characters of text without the
 * last dot.
 */
const MAX_HOST_LENGTH = 253;
const MAX_NAME_LENGTH = 255;

/**
 * Names to addresses, and addresses to names.
 *
 * 1. The text of an address is answered without asking anyone. Nothing but a dotted quad or RFC
 *    4291 text is an address: what getaddrinfo(3) would take for one (`"127.1"`, `"0x7f.1"`,
 *    `"010.0.0.1"`) is refused.
 * 2. Names of addresses are kept for 5 minutes, the lack of a name for 1 minute, for at most 4,096
 *    addresses (the ones unused longest are forgotten first).
 * 3. At most 16 names are asked for at a time, each address once; the others wait their turn.
 * 4. A lookup that fails, or takes 5 seconds, says nothing about the name: meanwhile the address
 *    has none, and it is asked for again when it is wanted after 10 seconds, which nobody waits
 *    for.
 * 5. Looking up names of addresses keeps no process alive, nor does a lookup that is aborted.
 */
export class Resolver {
  readonly #dns: DnsBackend;
  readonly #clock: ResolverClock;
  /** By address without zone, the least recently used first. */
  readonly #names = new Map<string, CachedName>();
  readonly #pending = new Map<string, Promise<string | null>>();
  /** Addresses whose turn has not come, in order. */
  readonly #queue = new Map<string, (name: string | null) => void>();
  #queries = 0;

  constructor(dns: DnsBackend, clock: ResolverClock) {
    this.#dns = dns;
    this.#clock = clock;
  }

  /**
   * The address of a host, given as name or address.
   *
   * @throws ResolveError if it has none of the wanted family, or is neither a name nor an address.
   */
  async lookup(host: string, options: LookupOptions = {}): Promise<ResolvedHost> {
    const { family, signal } = options;
    if (typeof host !== "string")
      throw new TypeError(`Cannot resolve a host: need a string, have ${typeof host}`);
    signal?.throwIfAborted();
    const literal = resolved(host, host);
    if (literal !== undefined) {
      if (isIpv4Mapped(literal.address)) throw mapped(host, literal.address);
      if (family !== undefined && literal.family !== family) {
        throw wrongFamily(host, family, `it is an IPv${literal.family} address`);
      }
      return literal;
    }
    const name = hostName(host);
    const answers = await untilAborted(this.#ask(host, name, options), signal);
    const found = answers.flatMap(({ address }) => {
      const answer = resolved(host, address);
      return answer !== undefined && (family ?? answer.family) === answer.family ? [answer] : [];
    });
    const usable = found.find(({ address }) => !isIpv4Mapped(address));
    if (usable !== undefined) return usable;
    const [unusable] = found;
    throw unusable === undefined ? wrongFamily(host, family) : mapped(host, unusable.address);
  }

  /** The name of an address, or null if it has none. Never rejects. */
  reverse(address: string): Promise<string | null> {
    const key = withoutZone(address);
    if (key === undefined) return Promise.resolve(null);
    const cached = this.#cached(key);
    if (cached !== undefined) return Promise.resolve(cached.name);
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#pending.set(key, promise);
    this.#queue.set(key, resolve);
    this.#advance();
    return promise;
  }

  /**
   * What is known of a name without waiting: null if the address has none or asking failed,
   * undefined if nobody has asked. What failed is asked for again when it is time.
   */
  cachedName(address: string): string | null | undefined {
    const key = withoutZone(address);
    if (key === undefined) return undefined;
    const entry = this.#names.get(key);
    if (entry?.isFailure && this.#isOver(entry)) {
      void this.reverse(key);
      return null;
    }
    return this.#cached(key)?.name;
  }

  async #ask(
    host: string,
    name: string,
    { family, signal }: LookupOptions,
  ): ReturnType<DnsBackend["lookup"]> {
    try {
      return await this.#dns.lookup(name, family ?? 0, signal);
    } catch (cause) {
      const code = codeOf(cause);
      throw new ResolveError(
        `${cannotResolve(host, family)}: ${explained(code, family)}`,
        { host, code },
        { cause },
      );
    }
  }

  #cached(key: string): CachedName | undefined {
    const entry = this.#names.get(key);
    if (entry === undefined) return undefined;
    if (this.#isOver(entry)) {
      // A failure stays until the next answer, so that nobody waits for that.
      if (!entry.isFailure) this.#names.delete(key);
      return undefined;
    }
    this.#names.delete(key);
    this.#names.set(key, entry);
    return entry;
  }

  #isOver({ expiresNs }: CachedName): boolean {
    return expiresNs <= this.#clock.monotonicNs();
  }

  /** Asks for the next names in the queue, as many as may be asked for at a time. */
  #advance(): void {
    for (const [address, resolve] of this.#queue) {
      if (this.#queries >= MAX_REVERSE_QUERIES) return;
      this.#queue.delete(address);
      this.#query(address, resolve);
    }
  }

  #query(address: string, resolve: (name: string | null) => void): void {
    this.#queries += 1;
    let over = false;
    const finish = (answer: string | null | undefined): void => {
      if (over) return;
      over = true;
      cancel();
      const name = answer != null && isName(answer) ? answer : null;
      this.#remember(address, name, answer === undefined);
      this.#pending.delete(address);
      this.#queries -= 1;
      resolve(name);
      this.#advance();
    };
    const fail = (): void => finish(undefined);
    const cancel = this.#clock.schedule(REVERSE_TIMEOUT_NS, fail);
    Promise.try(() => this.#dns.reverse(address, REVERSE_TIMEOUT_NS)).then(finish, fail);
  }

  #remember(address: string, name: string | null, isFailure: boolean): void {
    const known = name === null ? NO_NAME_LIFETIME_NS : NAME_LIFETIME_NS;
    const expiresNs = this.#clock.monotonicNs() + (isFailure ? FAILURE_LIFETIME_NS : known);
    this.#names.delete(address);
    this.#names.set(address, { name, expiresNs, isFailure });
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= MAX_CACHED_NAMES) return;
      this.#names.delete(oldest);
    }
  }
}

/** `address` as the answer to `host`, if it is the text of an address. */
function resolved(host: string, address: string): ResolvedHost | undefined {
  const parsed = parseAddress(address);
  const canonical = canonicalAddress(address);
  if (parsed === undefined || canonical === undefined) return undefined;
  return { host, address: canonical, family: parsed.family };
}

const MAPPED_PREFIX = "::ffff:";

/**
 * IPv4 addresses in IPv6 form (RFC 4291 2.5.5.2) never stand on the wire: sockets that take them
 * mean IPv4.
 */
function isIpv4Mapped(canonical: string): boolean {
  return canonical.startsWith(MAPPED_PREFIX) && canonical.includes(".");
}

/** A link-local address is named without its zone: DNS knows none. */
function withoutZone(address: string): string | undefined {
  return canonicalAddress(address)?.split("%", 1)[0];
}

/**
 * Whether the answer to a reverse query is worth showing. An address as its own name tells nothing,
 * or lies.
 */
function isName(answer: string): boolean {
  return answer !== "" && answer.length <= MAX_NAME_LENGTH && parseAddress(answer) === undefined;
}

/** What can only be meant as a network or a range of addresses. */
const RANGE = /^(?:[\d.]*\.[\d.]*(?:\/\d+|-[\d.]+)|[\da-f:.]*:[\da-f:.]*(?:\/\d+|-[\da-f:.]+))$/i;

/** `host` as the name to look up, in ASCII; throws if it cannot be one. */
function hostName(host: string): string {
  if (host === "") throw refused(host, "the name is empty");
  if (RANGE.test(host)) {
    throw refused(
      host,
      "it is a network or a range of addresses, not one host; a sweep takes those",
    );
  }
  if (host.includes(":")) throw refused(host, "not an IPv6 address, and a name has no colon");
  const wrong = /[^\w.\-\u0080-\u{10ffff}]|[\p{Cc}\p{Z}]/u.exec(host)?.[0];
  if (wrong !== undefined) throw refused(host, `${codePoint(wrong)} cannot be part of a name`);
  // RFC 5891. What getaddrinfo(3) makes of other characters depends on the C library and its
  // locale.
  const name = /^[\0-\x7f]*$/.test(host) ? host : asciiName(host);
  if (name === "") throw refused(host, "not an internationalized name");
  const labels = name.replace(/\.$/, "").split(".");
  if (labels.every((label) => /^(?:\d+|0x[\da-f]*)$/i.test(label))) {
    throw refused(
      host,
      "not an IPv4 address of four decimal numbers, and a name is not all numbers",
    );
  }
  if (name.length > MAX_HOST_LENGTH + (name.endsWith(".") ? 1 : 0)) {
    throw refused(host, `a name has at most ${MAX_HOST_LENGTH} characters, not ${name.length}`);
  }
  return name;
}

/** Empty for what is not an internationalized name. */
function asciiName(host: string): string {
  try {
    return process.getBuiltinModule("node:url").domainToASCII(host);
  } catch {
    // Bun threw until 1.3.5, where Node gives an empty string.
    return "";
  }
}

function refused(host: string, why: string): ResolveError {
  return new ResolveError(`${cannotResolve(host)}: ${why}`, { host, code: "ERR_INVALID_HOST" });
}

function mapped(host: string, address: string): ResolveError {
  const quad = address.slice(MAPPED_PREFIX.length);
  const which = resolved(host, host) === undefined ? `its address ${address} is ` : "";
  return refused(host, `${which}an IPv4 address in IPv6 form; use ${quad}`);
}

function wrongFamily(host: string, family: Family | undefined, why = "it has none"): ResolveError {
  return new ResolveError(`${cannotResolve(host, family)}: ${why}`, {
    host,
    code: "ERR_NO_ADDRESS",
  });
}

function cannotResolve(host: string, family?: Family): string {
  const kind = family === undefined ? "" : ` to an IPv${family} address`;
  return `Cannot resolve ${quoted(host)}${kind}`;
}

/**
 * A name as a message shows it: in one line, of bounded length, with nothing that a terminal would
 * obey.
 */
function quoted(host: string): string {
  const shown = host.length > MAX_NAME_LENGTH ? `${host.slice(0, MAX_NAME_LENGTH)}...` : host;
  return `"${shown.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, (character) => `<${codePoint(character)}>`)}"`;
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "ERR_LOOKUP_FAILED";
}

function explained(code: string, family: Family | undefined): string {
  // For a family that a name has no address of, too (seen with Bun 1.4.5).
  if (code === "ENOTFOUND") {
    return `no such name${family === undefined ? "" : ", or no such address"} (ENOTFOUND)`;
  }
  if (code === "EAI_AGAIN") return "no name server answered (EAI_AGAIN)";
  return code;
}

/** As `promise`, or the signal's reason if that comes first. */
async function untilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
