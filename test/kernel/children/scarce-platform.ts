import { constants } from "node:os";
import { assemblePlatform, type Platform } from "../../../src/client/transport/platform.ts";
import {
  MSG_ERRQUEUE,
  SK_MEMINFO,
  SO_MEMINFO,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOL_SOCKET,
} from "../../../src/ffi/constants.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import { openReactor } from "../../../src/ffi/reactor.ts";
import { type LibcSymbols, openLibc } from "../../../src/ffi/symbols.ts";

/**
 * The real platform, but for the size of the receive queues: this many bytes, which the kernel
 * doubles (socket(7)).
 *
 * @param unread no packet is read before the kernel has dropped so many for lack of room
 */
export function scarcePlatform(bytes: number, unread = 0): Platform {
  const symbols = openLibc();
  const libc = new Libc({
    ...symbols,
    ...(unread > 0 && readingLate(symbols, unread)),
    setsockopt: (fd, level, name, value, length) => {
      const isSize = level === SOL_SOCKET && (name === SO_RCVBUF || name === SO_RCVBUFFORCE);
      const wanted = isSize ? new Uint8Array(Int32Array.of(bytes).buffer) : value;
      return symbols.setsockopt(fd, level, name, wanted, length);
    },
  });
  const schedule = (delayNs: number, callback: () => void) => {
    const timer = setTimeout(callback, Math.ceil(delayNs / 1e6));
    return () => clearTimeout(timer);
  };
  return assemblePlatform({ libc, reactor: openReactor(libc), schedule });
}

/** Until so many packets were dropped, nothing seems to have arrived. */
function readingLate(symbols: LibcSymbols, drops: number): Pick<LibcSymbols, "recvmmsg" | "errno"> {
  const memory = new Uint32Array(SK_MEMINFO.words);
  const bytes = new Uint8Array(memory.buffer);
  let errno: number | undefined;
  const isLate = (fd: number): boolean => {
    symbols.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, bytes, Uint32Array.of(bytes.length));
    return (memory[SK_MEMINFO.drops] as number) < drops;
  };
  return {
    recvmmsg: (fd, messages, count, flags, timeout) => {
      errno = (flags & MSG_ERRQUEUE) === 0 && isLate(fd) ? constants.errno.EAGAIN : undefined;
      return errno === undefined ? symbols.recvmmsg(fd, messages, count, flags, timeout) : -1;
    },
    errno: () => {
      const known = errno ?? symbols.errno();
      errno = undefined;
      return known;
    },
  };
}
