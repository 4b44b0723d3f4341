import { realpathSync } from "node:fs";
import { Resolver } from "../../src/client/names/resolver.ts";
import { assemblePlatform, type Platform } from "../../src/client/transport/platform.ts";
import type { ProcessFacts } from "../../src/client/transport/process-facts.ts";
import { Libc } from "../../src/ffi/libc.ts";
import { FakeClock } from "./fake-clock.ts";
import { type Answers, FakeDns } from "./fake-dns.ts";
import { FakeKernel, type FakeKernelOptions } from "./fake-libc.ts";

/** A kind of socket that a client probes with, and addresses of its family. */
export interface SocketKind {
  readonly name: string;
  readonly family: 4 | 6;
  /** true for a raw socket, false for a datagram one. */
  readonly privileged: boolean;
  /** How many sockets a client has for it: raw IPv4 probes leave by one of their own. */
  readonly sockets: number;
  /** A target, and a host that is somebody else. */
  readonly target: string;
  readonly stranger: string;
  /** A router on the way. */
  readonly router: string;
  /** The fake host's own address. */
  readonly host: string;
}

const V4 = {
  family: 4,
  target: "198.51.100.1",
  stranger: "203.0.113.66",
  router: "192.0.2.1",
  host: "192.0.2.10",
} as const;
const V6 = {
  family: 6,
  target: "2001:db8:1::1",
  stranger: "2001:db8:bad::66",
  router: "2001:db8::1",
  host: "2001:db8::10",
} as const;

/** The four kinds, which are meant to behave alike wherever the kernel lets them. */
export const SOCKET_KINDS: readonly SocketKind[] = [
  { name: "raw IPv4", privileged: true, sockets: 2, ...V4 },
  { name: "raw IPv6", privileged: true, sockets: 1, ...V6 },
  { name: "datagram IPv4", privileged: false, sockets: 1, ...V4 },
  { name: "datagram IPv6", privileged: false, sockets: 1, ...V6 },
];

/** Somebody on an ordinary machine, in no ping group. */
export const ORDINARY_USER: ProcessFacts = {
  executable: realpathSync(process.execPath),
  uid: 1000,
  groups: [1000],
  capNetRaw: false,
  mayGainCapNetRaw: true,
  noNewPrivileges: false,
  hasUserNamespace: false,
  isNetworkForeign: false,
  outerGroup: 1000,
  pingGroupRange: [1, 0],
  isSysctlReadOnly: false,
  hasSystemd: false,
  hasKubernetes: false,
  executableMayGrant: true,
  copyMayGrant: true,
};

/** A platform for `new Client(options, platform)` in which nothing is real, and its parts. */
export interface FakePlatform {
  readonly clock: FakeClock;
  readonly kernel: FakeKernel;
  readonly dns: FakeDns;
  readonly platform: Platform;
}

/** What a fake platform is made of. */
export interface FakePlatformOptions extends FakeKernelOptions {
  /** Addresses of names. */
  readonly hosts?: Record<string, Answers>;
  /** Default: `fakeRandom()`. */
  readonly random?: Platform["random"];
  /** Default: no time passes. */
  readonly pause?: () => void;
}

/**
 * Puts a fake kernel, clock and name service together. All three share one time, which stands
 * still.
 */
export function fakePlatform(options: FakePlatformOptions = {}): FakePlatform {
  const clock = new FakeClock();
  const kernel = new FakeKernel(clock, options);
  const dns = new FakeDns(options.hosts);
  const platform = assemblePlatform({
    libc: new Libc(kernel),
    reactor: kernel.reactor,
    schedule: (delayNs, callback) => clock.schedule(delayNs, callback),
    pause: options.pause ?? (() => {}),
    resolver: new Resolver(dns, clock),
    random: options.random ?? fakeRandom(),
    processFacts: () => ORDINARY_USER,
  });
  return { clock, kernel, dns, platform };
}

/**
 * Random bytes that are the same in every run. Requests for two bytes are answered with `first16`
 * as long as those last: a client that opens a socket asks for its identifier, then for its first
 * sequence number.
 */
export function fakeRandom(first16: readonly number[] = [], seed = 0x9e3779b9): Platform["random"] {
  const given = [...first16];
  let state = seed;
  return (bytes) => {
    const value = bytes.length === 2 ? given.shift() : undefined;
    for (const index of bytes.keys()) {
      // xorshift32 (Marsaglia 2003)
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[index] = value === undefined ? state & 0xff : (value >>> (8 * (1 - index))) & 0xff;
    }
    return bytes;
  };
}
