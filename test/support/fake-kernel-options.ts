import type { LibcSymbols } from "../../src/ffi/symbols.ts";
import type { FakeHostOptions } from "./fake-host.ts";

/** What the fake kernel allows and what lies beyond it. */
export interface FakeKernelOptions extends FakeHostOptions {
  /** CAP_NET_RAW. Default: true. */
  readonly allowRaw?: boolean;
  /** net.ipv4.ping_group_range covers us. Default: true. */
  readonly allowDatagram?: boolean;
  /** The families the kernel was built with. Default: both. */
  readonly families?: readonly (4 | 6)[];
  /** RLIMIT_NOFILE, counted in sockets. Default: 1,024. */
  readonly maxDescriptors?: number;
  /** How many datagrams a socket keeps. Default: 1,000. */
  readonly queueLimit?: number;
  /**
   * What is wrong with control messages of sends: net.core.optmem_max allows none beyond the 36
   * bytes on the kernel's stack (ENOBUFS), or the kernel knows none (EINVAL). Default: nothing.
   */
  readonly refusedControl?: "beyond 36 bytes" | "all";
  /**
   * Milliseconds from the first socket that asks for receive stamps until packets have them.
   * Default: 1.
   */
  readonly stampDelayMs?: number;
  /** What a socket may have in its send buffer. Default: 0, as on kernels that do not tell. */
  readonly sendBuffer?: number;
  /** Whether netlink sockets may be opened. Default: true. */
  readonly netlink?: boolean;
  /** Milliseconds from a packet's arrival to `onReady`. Default: 0, in the same instant. */
  readonly wakeDelayMs?: number;
}

/** One libc call: its numeric arguments, what it returned, and errno if that was -1. */
export interface FakeCall {
  readonly syscall: keyof LibcSymbols;
  readonly args: readonly number[];
  readonly result: number;
  readonly errno: number;
}
