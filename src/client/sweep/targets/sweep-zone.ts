import { isLinkLocal } from "../../../packet/address.ts";
import { isLoopbackInterface, loopbackRefusal } from "../../run/route-interface.ts";
import type { Platform } from "../../transport/platform.ts";

/** Why a target cannot be probed. */
export interface TargetRefusal {
  readonly code: string;
  readonly why: string;
}

/**
 * The one way out that a sweep has: the interface asked for, or else the zone of its link-local
 * targets. A sweep has one socket for all of them, and tells hosts apart by their addresses.
 */
export class SweepZone {
  readonly #interface: string | undefined;
  readonly #libc: (() => Platform["libc"]) | undefined;
  #isLoopback: boolean | undefined;
  #zone: string | undefined;

  /**
   * @param by the interface that is asked for, which then is the zone of every link-local target
   * @param libc asked only if there is such an interface; without it none is the loopback interface
   */
  constructor(by: string | number | undefined, libc?: () => Platform["libc"]) {
    this.#interface = by === undefined ? undefined : String(by);
    this.#libc = libc;
  }

  /** The zone that targets were given with. */
  get name(): string | undefined {
    return this.#zone;
  }

  /** Whether probes leave by the loopback interface. */
  get isLoopback(): boolean {
    this.#isLoopback ??=
      this.#interface !== undefined &&
      this.#libc !== undefined &&
      isLoopbackInterface(this.#libc(), this.#interface);
    return this.#isLoopback;
  }

  /**
   * What keeps a target from being probed, or undefined if nothing does.
   *
   * @param ends its address, or its first and its last
   * @param zone the zone that it was given with
   */
  refusal(
    ends: readonly [string, ...string[]],
    zone: string | undefined,
  ): TargetRefusal | undefined {
    const why = this.#zoneRefusal(ends[0], zone);
    if (why !== undefined) return { code: "ERR_ZONE", why };
    if (!this.isLoopback || this.#interface === undefined || this.#libc === undefined)
      return undefined;
    const unreached = loopbackRefusal(this.#libc(), this.#interface, ends);
    return unreached === undefined ? undefined : { code: "ENETUNREACH", why: unreached };
  }

  #zoneRefusal(address: string, zone: string | undefined): string | undefined {
    if (!address.includes(":") || !isLinkLocal(address)) {
      return zone === undefined ? undefined : "only link-local addresses have a zone";
    }
    if (zone === undefined) {
      return this.#interface === undefined
        ? `every interface may have link-local addresses: add one, as in fe80::1%eth0, or set the option "interface"`
        : undefined;
    }
    const taken = this.#interface ?? this.#zone;
    if (taken !== undefined && taken !== zone)
      return `a sweep has one zone, and this one goes by ${taken}`;
    this.#zone = zone;
    return undefined;
  }
}
