/**
 * The one zone that the link-local targets of a sweep may have: a sweep has one socket for all of
 * them, and tells hosts apart by their addresses.
 */
export class SweepZone {
  readonly #interface: string | undefined;
  #zone: string | undefined;

  /** @param by the interface that is asked for, which then is the zone of every link-local target */
  constructor(by: string | number | undefined) {
    this.#interface = by === undefined ? undefined : String(by);
  }

  /** The zone that targets were given with. */
  get name(): string | undefined {
    return this.#zone;
  }

  /** What keeps a target with `zone` (undefined: none) from being probed, or undefined if nothing does. */
  refusal(zone: string | undefined): string | undefined {
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
