import type { Family } from "../../src/packet/address.ts";
import type { Program } from "../support/programs.ts";
import { requires, type SkipReason } from "../support/requires.ts";
import type { User } from "./namespaces.ts";

/** One of the four kinds of ICMP socket, and the user that tests open it as. */
export interface SocketKind {
  /** For the names of tests, e.g. `"datagram IPv6"`. */
  readonly name: string;
  readonly family: Family;
  /** As the option of that name. */
  readonly privileged: boolean;
  /** How many sockets a client has for it: raw IPv4 probes leave by one of their own. */
  readonly sockets: number;
  /** Raw sockets are opened by root, datagram ones by a user without any capability. */
  readonly as: User;
}

/** All four. */
export const SOCKET_KINDS: readonly SocketKind[] = [
  { name: "raw IPv4", family: 4, privileged: true, sockets: 2, as: "root" },
  { name: "raw IPv6", family: 6, privileged: true, sockets: 1, as: "root" },
  { name: "datagram IPv4", family: 4, privileged: false, sockets: 1, as: "nobody" },
  { name: "datagram IPv6", family: 6, privileged: false, sockets: 1, as: "nobody" },
];

/** What tests with namespaces and all four kinds of socket need, and the programs named. */
export function requiresLab(...commands: readonly Program[]): SkipReason {
  return requires.all(
    requires.linux(),
    requires.root(),
    requires.namespaces(),
    requires.nobody(),
    ...(["sysctl", ...commands] as const).map((command) => requires.command(command)),
  );
}
