import { ptr } from "bun:ffi";
import { SOCK_FILTER, SOCK_FPROG } from "./constants.ts";

/** One instruction of classic BPF: `struct sock_filter` (linux/filter.h). */
export interface FilterInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/**
 * `program` as a `struct sock_fprog` and, in the same memory, the instructions it points at
 * (linux/filter.h). The address inside is good for as long as the returned array is referenced.
 */
export function encodeFilter(program: readonly FilterInstruction[]): Uint8Array {
  const bytes = new Uint8Array(
    new ArrayBuffer(SOCK_FPROG.size + program.length * SOCK_FILTER.size),
  );
  const view = new DataView(bytes.buffer);
  view.setUint16(SOCK_FPROG.length, program.length, true);
  view.setBigUint64(SOCK_FPROG.filter, BigInt(ptr(bytes) + SOCK_FPROG.size), true);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const offset = SOCK_FPROG.size + index * SOCK_FILTER.size;
    view.setUint16(offset + SOCK_FILTER.code, code, true);
    view.setUint8(offset + SOCK_FILTER.jt, jt);
    view.setUint8(offset + SOCK_FILTER.jf, jf);
    view.setUint32(offset + SOCK_FILTER.k, k, true);
  }
  return bytes;
}
