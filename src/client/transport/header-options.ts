import {
  IP_MULTICAST_TTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_HOPS,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
} from "../../ffi/constants.ts";
import type { Socket } from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";

const LEVEL = { 4: IPPROTO_IP, 6: IPPROTO_IPV6 } as const;
const TOS = {
  4: { option: IP_TOS, label: "IP_TOS" },
  6: { option: IPV6_TCLASS, label: "IPV6_TCLASS" },
} as const;
const TTL = {
  4: { option: IP_TTL, label: "IP_TTL" },
  6: { option: IPV6_UNICAST_HOPS, label: "IPV6_UNICAST_HOPS" },
} as const;
const MULTICAST_TTL = {
  4: { option: IP_MULTICAST_TTL, label: "IP_MULTICAST_TTL" },
  6: { option: IPV6_MULTICAST_HOPS, label: "IPV6_MULTICAST_HOPS" },
} as const;

/** TTL and traffic class as socket options, for sockets that take no control messages. */
export class HeaderOptions {
  readonly #socket: Socket;
  readonly #family: Family;
  /** What is set, by option. */
  readonly #values = new Map<number, number>();

  constructor(socket: Socket, family: Family) {
    this.#socket = socket;
    this.#family = family;
  }

  /**
   * Makes the next probe leave like this.
   *
   * @throws {SystemError} when the kernel refuses an option.
   */
  set(header: { readonly ttl: number; readonly tos: number; readonly isMulticast: boolean }): void {
    this.#set((header.isMulticast ? MULTICAST_TTL : TTL)[this.#family], header.ttl);
    this.#set(TOS[this.#family], header.tos);
  }

  /** Goes back to what probes leave with that ask for no traffic class. */
  restore(): void {
    const tos = TOS[this.#family];
    if (this.#values.get(tos.option)) this.#set(tos, 0);
  }

  #set(
    { option, label }: { readonly option: number; readonly label: string },
    value: number,
  ): void {
    if (this.#values.get(option) === value) return;
    this.#socket.setOption(LEVEL[this.#family], option, value, label);
    this.#values.set(option, value);
  }
}
