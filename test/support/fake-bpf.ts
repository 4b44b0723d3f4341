import type { FilterInstruction } from "../../src/ffi/filter.ts";

// Instruction classes and fields of classic BPF (linux/bpf_common.h).
const CLASS = 0x07;
const [LD, LDX, ST, STX, ALU, JMP, RET, MISC] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const SIZES: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1 };

/**
 * Runs a classic BPF program over a packet as the kernel does (Documentation/networking/filter.rst)
 * and returns how many bytes it lets through: 0 drops the packet. A load beyond the packet's end
 * drops it as well.
 */
export function runFilter(program: readonly FilterInstruction[], packet: Uint8Array): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const scratch = new Uint32Array(16);
  let a = 0;
  let x = 0;
  // Jumps only go forward, so a program of n instructions ends within n steps.
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at] as FilterInstruction;
    const operand = (code & 0x08) !== 0 ? x : k;
    switch (code & CLASS) {
      case LD:
      case LDX: {
        const value = load(view, { code, k, x, scratch });
        if (value === undefined) return 0;
        if ((code & CLASS) === LD) a = value;
        else x = value;
        break;
      }
      case ST:
        scratch[k] = a;
        break;
      case STX:
        scratch[k] = x;
        break;
      case ALU: {
        const value = calculate(code & 0xf0, a, operand);
        if (value === undefined) return 0;
        a = value;
        break;
      }
      case JMP:
        if ((code & 0xf0) === 0) at += k;
        else at += holds(code & 0xf0, a, operand) ? jt : jf;
        break;
      case RET:
        return (code & 0x18) === 0x10 ? a : k;
      case MISC:
        if ((code & 0xf8) === 0) x = a;
        else a = x;
    }
  }
  throw new Error("The filter runs past its end; the kernel would refuse it");
}

function load(
  view: DataView,
  from: { code: number; k: number; x: number; scratch: Uint32Array },
): number | undefined {
  const { code, k, x, scratch } = from;
  const size = SIZES[code & 0x18] ?? 0;
  switch (code & 0xe0) {
    case 0x00:
      return k;
    case 0x20:
      return readAt(view, k, size);
    case 0x40:
      return readAt(view, x + k, size);
    case 0x60:
      return scratch[k];
    case 0x80:
      return view.byteLength;
    // The length of the IPv4 header at k: the only use of LDX MSH.
    case 0xa0: {
      const byte = readAt(view, k, 1);
      return byte === undefined ? undefined : (byte & 15) * 4;
    }
    default:
      throw new Error(`Unknown addressing mode in instruction 0x${code.toString(16)}`);
  }
}

function readAt(view: DataView, offset: number, size: number): number | undefined {
  if (offset < 0 || offset + size > view.byteLength) return undefined;
  if (size === 1) return view.getUint8(offset);
  return size === 2 ? view.getUint16(offset) : view.getUint32(offset);
}

function calculate(operation: number, a: number, b: number): number | undefined {
  switch (operation) {
    case 0x00:
      return (a + b) >>> 0;
    case 0x10:
      return (a - b) >>> 0;
    case 0x20:
      return Math.imul(a, b) >>> 0;
    case 0x30:
      return b === 0 ? undefined : Math.floor(a / b);
    case 0x40:
      return (a | b) >>> 0;
    case 0x50:
      return (a & b) >>> 0;
    case 0x60:
      return (a << b) >>> 0;
    case 0x70:
      return a >>> b;
    case 0x80:
      return -a >>> 0;
    case 0x90:
      return b === 0 ? undefined : a % b;
    case 0xa0:
      return (a ^ b) >>> 0;
    default:
      throw new Error(`Unknown arithmetic operation 0x${operation.toString(16)}`);
  }
}

function holds(test: number, a: number, b: number): boolean {
  switch (test) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    case 0x40:
      return (a & b) !== 0;
    default:
      throw new Error(`Unknown jump 0x${test.toString(16)}`);
  }
}
