import { dlopen, FFIType, read } from "bun:ffi";
import { constants } from "node:os";

const { i32, u64, ptr, i64_fast: ssize } = FFIType;

// The simulator has a libc table of its own: what it calls is none of the library's business.
const SYMBOLS = {
  open: { args: [ptr, i32], returns: i32 },
  ioctl: { args: [i32, u64, ptr], returns: i32 },
  read: { args: [i32, ptr, u64], returns: ssize },
  write: { args: [i32, ptr, u64], returns: ssize },
  ppoll: { args: [ptr, u64, ptr, ptr], returns: i32 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  __errno_location: { args: [], returns: ptr },
} as const;

// fcntl.h of x86-64 and arm64.
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
// linux/if_tun.h. struct ifreq (linux/if.h): 16 bytes of name, then a short of flags.
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ_LENGTH = 40;
const IFREQ_FLAGS = 16;
// poll.h. struct pollfd: descriptor, events, revents.
const POLLIN = 0x001;
const POLLOUT = 0x004;
const POLLFD_LENGTH = 8;
const POLLFD_REVENTS = 6;

// linux/prctl.h.
const PR_SET_TIMERSLACK = 29;

const LONGEST_PACKET = 65_536;
const NS_PER_SECOND = 1_000_000_000;

/** Blocking input and output for a process that does nothing else: descriptors and the clock. */
export class BlockingIo {
  readonly #libc = dlopen("libc.so.6", SYMBOLS);
  // Buffers of their own: an address taken of a small array may change (bun:ffi).
  readonly #packet = new Uint8Array(new ArrayBuffer(LONGEST_PACKET));
  readonly #time = new BigInt64Array(new ArrayBuffer(16));
  readonly #errno: number;

  constructor() {
    this.#errno = Number(this.#libc.symbols.__errno_location());
    // The kernel rounds ends of waiting up to multiples of 50 us, to save wake-ups, unless asked
    // not to (prctl(2)).
    this.#libc.symbols.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  }

  /**
   * Opens the TUN device `name`, making it: each read gives one IP packet, each write sends one
   * (Documentation/networking/tuntap).
   */
  openTun(name: string): number {
    const fd = this.#libc.symbols.open(cString("/dev/net/tun"), O_RDWR | O_NONBLOCK);
    if (fd < 0) throw this.#error("open(/dev/net/tun)");
    const request = new Uint8Array(new ArrayBuffer(IFREQ_LENGTH));
    request.set(new TextEncoder().encode(name));
    new DataView(request.buffer).setUint16(IFREQ_FLAGS, IFF_TUN | IFF_NO_PI, true);
    if (this.#libc.symbols.ioctl(fd, TUNSETIFF, request) < 0) throw this.#error("ioctl(TUNSETIFF)");
    return fd;
  }

  /**
   * Reads what there is, at most 64 KiB; undefined when there is nothing yet. Valid until the next
   * read. Empty at the end.
   */
  read(fd: number): Uint8Array | undefined {
    const length = Number(this.#libc.symbols.read(fd, this.#packet, LONGEST_PACKET));
    if (length >= 0) return this.#packet.subarray(0, length);
    if (this.#isTemporary()) return undefined;
    throw this.#error("read()");
  }

  /** Writes one packet. Gives whether the kernel had room. */
  write(fd: number, bytes: Uint8Array): boolean {
    if (Number(this.#libc.symbols.write(fd, bytes, bytes.length)) >= 0) return true;
    if (this.#isTemporary()) return false;
    throw this.#error("write()");
  }

  /** Writes all of a text, waiting for room. */
  writeText(fd: number, text: string): void {
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) {
      const written = Number(this.#libc.symbols.write(fd, rest, rest.length));
      if (written >= 0) rest = rest.slice(written);
      else if (this.#isTemporary()) this.#poll([fd], POLLOUT, undefined);
      else throw this.#error("write()");
    }
  }

  /**
   * Waits until one of `fds` is readable, or for `timeoutNs` (for ever if undefined); gives which
   * are readable.
   */
  wait(fds: readonly number[], timeoutNs: number | undefined): readonly number[] {
    return this.#poll(fds, POLLIN, timeoutNs);
  }

  #poll(fds: readonly number[], events: number, timeoutNs: number | undefined): readonly number[] {
    const view = new DataView(new ArrayBuffer(fds.length * POLLFD_LENGTH));
    for (const [index, fd] of fds.entries()) {
      view.setInt32(index * POLLFD_LENGTH, fd, true);
      view.setInt16(index * POLLFD_LENGTH + 4, events, true);
    }
    if (timeoutNs !== undefined) {
      this.#time[0] = BigInt(Math.floor(timeoutNs / NS_PER_SECOND));
      this.#time[1] = BigInt(Math.ceil(timeoutNs % NS_PER_SECOND) % NS_PER_SECOND);
    }
    const bytes = new Uint8Array(view.buffer);
    const timeout = timeoutNs === undefined ? null : this.#time;
    const ready = this.#libc.symbols.ppoll(bytes, fds.length, timeout, null);
    if (ready < 0 && !this.#isTemporary()) throw this.#error("ppoll()");
    if (ready <= 0) return [];
    return fds.filter(
      (_, index) => view.getInt16(index * POLLFD_LENGTH + POLLFD_REVENTS, true) !== 0,
    );
  }

  #isTemporary(): boolean {
    const errno = read.i32(this.#errno as Parameters<typeof read.i32>[0], 0);
    return errno === constants.errno.EAGAIN || errno === constants.errno.EINTR;
  }

  #error(call: string): Error {
    const errno = read.i32(this.#errno as Parameters<typeof read.i32>[0], 0);
    return new Error(`${call} failed: errno ${errno}`);
  }
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
