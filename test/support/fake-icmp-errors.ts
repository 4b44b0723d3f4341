import { constants } from "node:os";
import { formatAddress } from "../../src/packet/address.ts";
import { viewOf } from "./fake-memory.ts";

const { EACCES, ECONNREFUSED, EHOSTUNREACH, EMSGSIZE } = constants.errno;
const { ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP, EPROTO } = constants.errno;
// Linux's numbers; Node's table lacks them.
const EHOSTDOWN = 112;
const ENONET = 64;

// What each code of destination unreachable becomes (net/ipv4/icmp.c, icmp_err_convert;
// net/ipv6/icmp.c).
const UNREACHABLE_V4 = [
  ENETUNREACH,
  EHOSTUNREACH,
  ENOPROTOOPT,
  ECONNREFUSED,
  EMSGSIZE,
  EOPNOTSUPP,
  ENETUNREACH,
  EHOSTDOWN,
  ENONET,
  ENETUNREACH,
  EHOSTUNREACH,
  ENETUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
] as const;
const UNREACHABLE_V6 = [
  ENETUNREACH,
  EACCES,
  EHOSTUNREACH,
  EHOSTUNREACH,
  ECONNREFUSED,
  EACCES,
  EACCES,
] as const;

/** An echo request as an ICMP error quotes it, and what the kernel makes of that error. */
export interface QuotedProbe {
  /** 0 when it raises none. */
  readonly errno: number;
  /** `ee_info`. */
  readonly info: number;
  readonly identifier: number;
  readonly destination: string;
  /** The quote from its ICMP header on. */
  readonly data: Uint8Array;
}

/**
 * The echo request that an ICMP error quotes; `undefined` when it is no error or quotes something
 * else.
 */
export function quotedProbe(family: 4 | 6, icmp: Uint8Array): QuotedProbe | undefined {
  const view = viewOf(icmp);
  if (icmp.length < 8 || !(family === 4 ? [3, 5, 11, 12] : [1, 2, 3, 4]).includes(icmp[0] ?? 0))
    return undefined;
  const quote = icmp.subarray(8);
  const headerLength = family === 4 ? ((quote[0] ?? 0) & 15) * 4 : 40;
  const data = quote.subarray(headerLength);
  const isProbe =
    family === 4 ? quote[9] === 1 && data[0] === 8 : quote[6] === 58 && data[0] === 128;
  if (data.length < 8 || !isProbe) return undefined;
  const word = view.getUint32(4);
  const [errno, info] = family === 4 ? errnoV4(icmp, word) : errnoV6(icmp, word);
  const address = family === 4 ? quote.subarray(16, 20) : quote.subarray(24, 40);
  const identifier = viewOf(data).getUint16(4);
  return { errno, info, identifier, destination: formatAddress(address), data };
}

/** errno and `ee_info` (net/ipv4/ping.c, ping_err). A redirect is advice and raises nothing. */
function errnoV4(icmp: Uint8Array, word: number): [errno: number, info: number] {
  const [type = 0, code = 0] = icmp;
  if (type === 3) return [UNREACHABLE_V4[code] ?? EHOSTUNREACH, code === 4 ? word & 0xffff : 0];
  if (type === 11) return [EHOSTUNREACH, 0];
  return type === 12 ? [EPROTO, word >>> 24] : [0, 0];
}

function errnoV6(icmp: Uint8Array, word: number): [errno: number, info: number] {
  const [type = 0, code = 0] = icmp;
  if (type === 1) return [UNREACHABLE_V6[code] ?? EPROTO, 0];
  if (type === 2) return [EMSGSIZE, word];
  return type === 3 ? [EHOSTUNREACH, 0] : [EPROTO, word];
}
