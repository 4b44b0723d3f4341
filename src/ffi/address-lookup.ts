import { dlopen, FFIType, type Pointer, read, toArrayBuffer } from "bun:ffi";
import { ADDRINFO, AF_INET, AF_INET6, GAICB, SOCK_DGRAM } from "./constants.ts";
import { decodeSocketAddress } from "./sockaddr.ts";
import { LIBRARY } from "./symbols.ts";

/** The end of a lookup: addresses as text, best first, or why there are none. */
export type LookupAnswer =
  | { readonly addresses: readonly string[] }
  /** A code as `getaddrinfo(3)` and Node name it: `"ENOTFOUND"`, `"EAI_AGAIN"`. */
  | { readonly code: string };

/**
 * A name that is being looked up on a thread of libc. Nothing that waits for it holds the process.
 */
export interface AddressLookup {
  /**
   * The answer, once; undefined while there is none. What the lookup takes of memory is freed only
   * when this has given the answer.
   */
  poll(): LookupAnswer | undefined;
}

/**
 * Begins to look up the addresses of an ASCII name, of one family or (0) of both. undefined if libc
 * has no thread for it.
 */
export type StartLookup = (host: string, family: 0 | 4 | 6) => AddressLookup | undefined;

const { i32, u64, ptr } = FFIType;

const SYMBOLS = {
  getaddrinfo_a: { args: [i32, ptr, i32, ptr], returns: i32 },
  gai_error: { args: [ptr], returns: i32 },
  freeaddrinfo: { args: [ptr], returns: FFIType.void },
  calloc: { args: [u64, u64], returns: ptr },
  free: { args: [ptr], returns: FFIType.void },
} as const;

/** Return without waiting (netdb.h). */
const GAI_NOWAIT = 1;
const EAI_INPROGRESS = -100;

/** Errors by Node's names (netdb.h). A name without an address of the family is as good as none. */
const CODES: Readonly<Record<number, string>> = {
  [-2]: "ENOTFOUND",
  [-3]: "EAI_AGAIN",
  [-4]: "EAI_FAIL",
  [-5]: "ENOTFOUND",
  [-6]: "EAI_FAMILY",
  [-9]: "ENOTFOUND",
  [-10]: "EAI_MEMORY",
  [-11]: "EAI_SYSTEM",
};

// One block for each lookup: the list of one request, the request, what is asked for, and the name.
const REQUEST = 8;
const HINTS = REQUEST + GAICB.size;
const NAME = HINTS + ADDRINFO.size;

/**
 * Opens getaddrinfo_a(3), which looks names up on threads of its own: with all that the system
 * knows (nsswitch.conf(5)), and without the hold on the process that Bun's own lookups have until
 * their name servers have timed out, which nothing ends. glibc has it in its main library since
 * 2.34; undefined where there is none.
 */
export function openAddressLookups(): StartLookup | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const { symbols } = dlopen(LIBRARY, SYMBOLS);
    return (host, family) => startLookup(symbols, host, family);
  } catch {
    return undefined;
  }
}

type Symbols = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

function startLookup(symbols: Symbols, host: string, family: 0 | 4 | 6): AddressLookup | undefined {
  const name = new TextEncoder().encode(`${host}\0`);
  // Not memory of JavaScript: libc may still write to it when a Worker has ended.
  const block = Number(symbols.calloc(1, NAME + name.length)) as Pointer;
  if (block === 0) return undefined;
  const view = new DataView(toArrayBuffer(block, 0, NAME + name.length));
  const addressOf = (offset: number): bigint => BigInt(block + offset);
  new Uint8Array(view.buffer).set(name, NAME);
  view.setBigUint64(0, addressOf(REQUEST), true);
  view.setBigUint64(REQUEST + GAICB.name, addressOf(NAME), true);
  view.setBigUint64(REQUEST + GAICB.request, addressOf(HINTS), true);
  view.setInt32(HINTS + ADDRINFO.family, family && (family === 4 ? AF_INET : AF_INET6), true);
  // Else each address comes once for every type.
  view.setInt32(HINTS + ADDRINFO.socketType, SOCK_DGRAM, true);
  if (symbols.getaddrinfo_a(GAI_NOWAIT, block, 1, null) !== 0) {
    symbols.free(block);
    return undefined;
  }
  return {
    poll: () => {
      const error = symbols.gai_error((block + REQUEST) as Pointer);
      if (error === EAI_INPROGRESS) return undefined;
      const first = pointerAt(block, REQUEST + GAICB.result);
      const addresses = first === null ? [] : readAddresses(first);
      if (first !== null) symbols.freeaddrinfo(first);
      symbols.free(block);
      return error === 0 ? { addresses } : { code: CODES[error] ?? `EAI_${-error}` };
    },
  };
}

function readAddresses(first: Pointer): string[] {
  const addresses: string[] = [];
  for (let info: Pointer | null = first; info !== null; info = pointerAt(info, ADDRINFO.next)) {
    const at = pointerAt(info, ADDRINFO.address);
    const length = read.u32(info, ADDRINFO.addressLength);
    if (at === null) continue;
    const found = decodeSocketAddress(new DataView(toArrayBuffer(at, 0, length)), 0, length);
    if (found === undefined) continue;
    const { address, scopeId } = found;
    addresses.push(scopeId === undefined ? address : `${address}%${scopeId}`);
  }
  return addresses;
}

function pointerAt(base: Pointer, offset: number): Pointer | null {
  const address = read.ptr(base, offset);
  return address === 0 ? null : (address as Pointer);
}
