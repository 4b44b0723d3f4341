import { constants } from "node:os";
import { SystemError } from "../../errors.ts";
import type { Libc } from "../../ffi/libc.ts";
import { NS_PER_MS } from "../time/clock.ts";

/** How long an index or a name is trusted. A lookup costs three system calls. */
const LIFETIME_NS = 100 * NS_PER_MS;

/** The index of an interface given by name or number; 0 when there is none. */
export function interfaceIndex(libc: Libc, nameOrIndex: string | number): number {
  if (typeof nameOrIndex === "number") return nameOrIndex;
  const index = libc.interfaceIndex(nameOrIndex);
  return index === 0 && /^\d{1,9}$/.test(nameOrIndex) ? Number(nameOrIndex) : index;
}

/**
 * The indexes of interfaces, by name. An interface that is deleted and created again (a VPN, a
 * container, a USB adapter) has the same name and another index, so names are looked up again after
 * 0.1 s, and at once after a failed send.
 */
export class InterfaceNames {
  readonly #libc: Libc;
  readonly #known = new Map<string, { readonly index: number; readonly atNs: number }>();
  /** The zone that was named last: answers of neighbours mostly come by one interface. */
  #zone = { index: "", name: "", atNs: Number.NEGATIVE_INFINITY };

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** The index of an interface; 0 when there is none of that name. */
  indexOf(nameOrIndex: string | number): number {
    if (typeof nameOrIndex === "number") return nameOrIndex;
    const nowNs = this.#libc.monotonicNs();
    const known = this.#known.get(nameOrIndex);
    if (known !== undefined && nowNs - known.atNs < LIFETIME_NS) return known.index;
    const index = interfaceIndex(this.#libc, nameOrIndex);
    this.#known.set(nameOrIndex, { index, atNs: nowNs });
    return index;
  }

  /**
   * An address as the kernel tells it, but with the name of the interface for a zone instead of its
   * index.
   */
  withName(address: string): string {
    const zoneAt = address.indexOf("%");
    if (zoneAt === -1) return address;
    const index = address.slice(zoneAt + 1);
    const nowNs = this.#libc.monotonicNs();
    if (index !== this.#zone.index || nowNs - this.#zone.atNs >= LIFETIME_NS) {
      const name = this.#libc.interfaceName(Number(index)) ?? index;
      this.#zone = { index, name, atNs: nowNs };
    }
    return `${address.slice(0, zoneAt)}%${this.#zone.name}`;
  }

  /** After a failed send: whether the interface has another index than the one that was `used`. */
  hasMoved(nameOrIndex: string | number | undefined, used: number | undefined): boolean {
    if (nameOrIndex === undefined || used === 0) return false;
    this.#known.clear();
    const index = this.indexOf(nameOrIndex);
    return index !== 0 && index !== used;
  }
}

/**
 * The error of a send by an interface that is gone: with index 0 the kernel would choose another.
 */
export function missingInterface(nameOrIndex: string | number, address: string): SystemError {
  return new SystemError(
    `Cannot send to ${address}: this host has no interface "${nameOrIndex}" now (ENODEV)`,
    { errno: constants.errno.ENODEV, code: "ENODEV", syscall: "if_nametoindex", address },
  );
}
