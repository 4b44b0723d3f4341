import { ClientClosedError } from "../../errors.ts";
import { canonicalAddress, type Family } from "../../packet/address.ts";
import type { Resolver } from "../names/resolver.ts";
import { holdProcess } from "../time/clock.ts";
import { checkResolveOptions, checkTarget } from "./options.ts";

/**
 * The address of a host.
 *
 * @throws {ResolveError} when it has none
 * @throws {TypeError} for a wrong host or option
 */
export async function addressOf(
  resolver: Resolver,
  host: string,
  options: { readonly family?: Family | undefined },
  signal?: AbortSignal,
): Promise<string> {
  checkTarget(host);
  checkResolveOptions(options);
  return (await resolver.lookup(host, { family: options.family, signal })).address;
}

/**
 * The name of an address, or null.
 *
 * @throws {TypeError} when `addr` is not an IP address
 */
export async function nameOf(resolver: Resolver, addr: string): Promise<string | null> {
  const address = typeof addr === "string" ? canonicalAddress(addr) : undefined;
  if (address === undefined)
    throw new TypeError(`Invalid address ${JSON.stringify(addr)}: need an IPv4 or IPv6 address`);
  return resolver.reverse(address);
}

/**
 * As `answer`. Waiting for it keeps the process alive, which looking up a name of an address does
 * not.
 */
export async function held<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const release = holdProcess();
  try {
    return await answer;
  } finally {
    release();
  }
}

/** Lookups that callers of a client wait for, which closing it ends. */
export class Lookups {
  readonly #endings = new Set<() => void>();
  #isClosed = false;

  /**
   * As `begin` has it. Rejects with `ClientClosedError` if the client is closed, or when it is
   * before.
   */
  async await<Answer>(begin: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    if (this.#isClosed) throw new ClientClosedError();
    const { promise: closed, reject } = Promise.withResolvers<never>();
    const controller = new AbortController();
    const end = (): void => {
      const reason = new ClientClosedError();
      reject(reason);
      controller.abort(reason);
    };
    this.#endings.add(end);
    try {
      return await held(Promise.race([begin(controller.signal), closed]));
    } finally {
      this.#endings.delete(end);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#endings) end();
  }
}
