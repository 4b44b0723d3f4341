import { assemblePlatform, type Platform } from "../../../src/client/transport/platform.ts";
import { SO_RCVBUF, SO_RCVBUFFORCE, SOL_SOCKET } from "../../../src/ffi/constants.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import { openReactor } from "../../../src/ffi/reactor.ts";
import { openLibc } from "../../../src/ffi/symbols.ts";

/** The real platform, but for the size of the receive queues: so many bytes, which the kernel doubles (socket(7)). */
export function scarcePlatform(bytes: number): Platform {
  const symbols = openLibc();
  const libc = new Libc({
    ...symbols,
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
