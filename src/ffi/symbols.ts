import { dlopen, FFIType, read } from "bun:ffi";
import { UnsupportedPlatformError } from "../errors.ts";

/**
 * The part of libc this library uses, by libc's own names. Each function returns what libc returns;
 * -1 means failure, and {@link LibcSymbols.errno}, called as the very next thing, tells why.
 *
 * Arguments are typed arrays, not addresses: `bun:ffi` passes the address of their first element
 * and keeps them alive during the call, and a fake can fill them as a kernel would. A structure
 * that itself holds addresses (`msghdr`, `sock_fprog`) must live in one `ArrayBuffer` together with
 * all it points at.
 */
export interface LibcSymbols {
  /** Opens a socket; a descriptor or -1 (socket(2)). */
  socket(domain: number, type: number, protocol: number): number;
  /** Sets the option `name` from the first `length` bytes of `value` (setsockopt(2)). */
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  /**
   * Reads an option; `length[0]` is the room in `value` before and the bytes written after
   * (getsockopt(2)).
   */
  getsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    length: Uint32Array,
  ): number;
  /** Binds to the `sockaddr` of `length` bytes (bind(2)). */
  bind(fd: number, address: Uint8Array, length: number): number;
  /** Writes the local `sockaddr`; `length[0]` as in `getsockopt` (getsockname(2)). */
  getsockname(fd: number, address: Uint8Array, length: Uint32Array): number;
  /** Sends one datagram; bytes sent or -1 (sendto(2)). */
  sendto(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array | null,
    addressLength: number,
  ): number;
  /** Receives one datagram; bytes written or -1 (recvfrom(2)). */
  recvfrom(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array | null,
    addressLength: Uint32Array | null,
  ): number;
  /** Sends one datagram described by a `msghdr`; bytes sent or -1 (sendmsg(2)). */
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  /** Receives one datagram into what a `msghdr` describes; bytes written or -1 (recvmsg(2)). */
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  /**
   * Sends `count` datagrams described by as many `mmsghdr`; how many left, or -1 if none
   * (sendmmsg(2)).
   */
  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number;
  /** Receives up to `count` datagrams; how many arrived, or -1 if none (recvmmsg(2)). */
  recvmmsg(
    fd: number,
    messages: Uint8Array,
    count: number,
    flags: number,
    timeout: Uint8Array | null,
  ): number;
  /**
   * Looks at `count` `pollfd`s; how many have events, or -1 (poll(2)). `timeout` must be 0: a call
   * blocks.
   */
  poll(fds: Uint8Array, count: number, timeout: number): number;
  /** `F_SETOWN`, `F_SETSIG`, `F_GETFL` and `F_SETFL` (fcntl(2)). */
  fcntl(fd: number, command: number, argument: number): number;
  /** Closes a descriptor (close(2)). */
  close(fd: number): number;
  /**
   * Writes a `timespec`, that is two little-endian 64-bit words, into `time` (clock_gettime(2)).
   */
  clock_gettime(clock: number, time: Uint32Array): number;
  /**
   * The index of the interface of that NUL-terminated name; 0 when there is none
   * (if_nametoindex(3)).
   */
  if_nametoindex(name: Uint8Array): number;
  /**
   * Writes the name of that interface, NUL-terminated, into `name`, which has 16 bytes; whether
   * there is one (if_indextoname(3)).
   */
  if_indextoname(index: number, name: Uint8Array): boolean;
  /** This process's id (getpid(2)). */
  getpid(): number;
  /** The calling thread's errno: read it at once, and only after a failure (errno(3)). */
  errno(): number;
}

const { i32, u32, u64, ptr, i64_fast: ssize } = FFIType;

const SYMBOLS = {
  socket: { args: [i32, i32, i32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, ptr, u32], returns: i32 },
  getsockopt: { args: [i32, i32, i32, ptr, ptr], returns: i32 },
  bind: { args: [i32, ptr, u32], returns: i32 },
  getsockname: { args: [i32, ptr, ptr], returns: i32 },
  sendto: { args: [i32, ptr, u64, i32, ptr, u32], returns: ssize },
  recvfrom: { args: [i32, ptr, u64, i32, ptr, ptr], returns: ssize },
  sendmsg: { args: [i32, ptr, i32], returns: ssize },
  recvmsg: { args: [i32, ptr, i32], returns: ssize },
  sendmmsg: { args: [i32, ptr, u32, i32], returns: i32 },
  recvmmsg: { args: [i32, ptr, u32, i32, ptr], returns: i32 },
  poll: { args: [ptr, u64, i32], returns: i32 },
  fcntl: { args: [i32, i32, i32], returns: i32 },
  close: { args: [i32], returns: i32 },
  clock_gettime: { args: [i32, ptr], returns: i32 },
  if_nametoindex: { args: [ptr], returns: u32 },
  if_indextoname: { args: [u32, ptr], returns: ptr },
  getpid: { args: [], returns: i32 },
  __errno_location: { args: [], returns: ptr },
} as const;

/**
 * The C library that this process runs on, under the one name for which neither loader opens a
 * file. glibc knows it as the soname of a library that is loaded already (`_dl_map_object`), and
 * musl takes every name that begins with `libc.` for itself (`load_library`). A file of any other
 * name could be planted: Bun looks for what the loader does not find in the working directory. And
 * an absolute path could be that of a second C library, with an errno of its own.
 */
export const LIBRARY = "libc.so.6";

let loaded: LibcSymbols | undefined;

/**
 * Loads libc on the first call (once in each thread: every Worker has an errno of its own) and
 * returns its functions.
 *
 * @throws {UnsupportedPlatformError} anywhere but on Linux, or when Bun cannot call the C library,
 * as with its JIT off.
 */
export function openLibc(): LibcSymbols {
  loaded ??= loadLibc();
  return loaded;
}

function loadLibc(): LibcSymbols {
  if (process.platform !== "linux") {
    throw new UnsupportedPlatformError(
      `Cannot open sockets on ${process.platform}: only Linux is supported`,
    );
  }
  try {
    return bindLibc();
  } catch (failure) {
    throw cannotCall(failure);
  }
}

/** What to say when Bun cannot call the C library, for the reason that it gave. */
export function cannotCall(failure: unknown): UnsupportedPlatformError {
  const reason = failure instanceof Error ? failure.message : String(failure);
  // "bun:ffi requires the JIT" is all that Bun says.
  const remedy = /\bJIT\b/.test(reason)
    ? ". It is off by BUN_JSC_useJIT=0, or because memory may not be made executable, as with systemd's MemoryDenyWriteExecute=yes: allow it"
    : "";
  return new UnsupportedPlatformError(`Cannot call the C library: ${reason}${remedy}`, {
    cause: failure,
  });
}

function bindLibc(): LibcSymbols {
  const { __errno_location, sendto, recvfrom, sendmsg, recvmsg, if_indextoname, ...same } = dlopen(
    LIBRARY,
    SYMBOLS,
  ).symbols;
  const location = __errno_location();
  if (location === null) throw new Error("__errno_location() returned NULL");
  return {
    ...same,
    sendto: (fd, data, length, flags, address, addressLength) =>
      Number(sendto(fd, data, length, flags, address, addressLength)),
    recvfrom: (fd, data, length, flags, address, addressLength) =>
      Number(recvfrom(fd, data, length, flags, address, addressLength)),
    sendmsg: (fd, message, flags) => Number(sendmsg(fd, message, flags)),
    recvmsg: (fd, message, flags) => Number(recvmsg(fd, message, flags)),
    if_indextoname: (index, name) => if_indextoname(index, name) !== null,
    errno: () => read.i32(location, 0),
  };
}
