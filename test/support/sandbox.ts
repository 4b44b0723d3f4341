import { dlopen, FFIType } from "bun:ffi";
import { encodeFilter, type FilterInstruction } from "../../src/ffi/filter.ts";

/** Numbers of system calls (asm/unistd_64.h, asm-generic/unistd.h). */
const NUMBERS = {
  x64: {
    fcntl: 72,
    poll: 7,
    recvfrom: 45,
    recvmmsg: 299,
    recvmsg: 47,
    sendmmsg: 307,
    sendmsg: 46,
    setsockopt: 54,
  },
  // arm64 has no poll(): libc calls ppoll().
  arm64: {
    fcntl: 25,
    poll: 73,
    recvfrom: 207,
    recvmmsg: 243,
    recvmsg: 212,
    sendmmsg: 269,
    sendmsg: 211,
    setsockopt: 208,
  },
} as const;

/** A system call that a sandbox does not make. */
export interface Refusal {
  readonly call: keyof (typeof NUMBERS)["x64"];
  /** Only calls with these values of arguments, by position. */
  readonly where?: Readonly<Record<number, number>>;
  /** What is answered instead; 0 claims success, and does nothing. */
  readonly errno: number;
}

// Classic BPF (linux/bpf_common.h) over struct seccomp_data (linux/seccomp.h).
const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const NUMBER_OFFSET = 0;
const ARGUMENTS_OFFSET = 16;
const ARGUMENT_SIZE = 8;
const RET_ERRNO = 0x0005_0000;
const RET_ALLOW = 0x7fff_0000;
// linux/prctl.h
const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;

/**
 * Keeps this thread, and those that it starts from now on, from making some system calls, for good
 * (seccomp(2)). Other threads, such as those of Bun's runtime, are not concerned.
 */
export function refuse(refusals: readonly Refusal[]): void {
  const program = refusals.flatMap(instructionsOf);
  program.push(instruction(RETURN, RET_ALLOW));
  const { i32, u64, ptr } = FFIType;
  const { symbols } = dlopen("libc.so.6", {
    prctl: { args: [i32, u64, ptr, u64, u64], returns: i32 },
  });
  const filter = encodeFilter(program);
  if (symbols.prctl(PR_SET_NO_NEW_PRIVS, 1n, null, 0n, 0n) !== 0)
    throw new Error("PR_SET_NO_NEW_PRIVS failed");
  if (symbols.prctl(PR_SET_SECCOMP, BigInt(SECCOMP_MODE_FILTER), filter, 0n, 0n) !== 0)
    throw new Error("PR_SET_SECCOMP failed");
}

function instructionsOf({ call, where = {}, errno }: Refusal): FilterInstruction[] {
  const number = NUMBERS[process.arch as keyof typeof NUMBERS][call];
  const conditions = [
    [NUMBER_OFFSET, number] as const,
    ...Object.entries(where).map(
      ([index, value]) => [ARGUMENTS_OFFSET + ARGUMENT_SIZE * Number(index), value] as const,
    ),
  ];
  // Each condition takes two instructions; one that fails jumps behind the return.
  return conditions
    .flatMap(([offset, value], index) => [
      instruction(LOAD, offset),
      { ...instruction(JUMP_IF_EQUAL, value), jf: 2 * (conditions.length - index - 1) + 1 },
    ])
    .concat(instruction(RETURN, RET_ERRNO | errno));
}

function instruction(code: number, k: number): FilterInstruction {
  return { code, jt: 0, jf: 0, k };
}
