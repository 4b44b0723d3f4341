import { accessSync, constants } from "node:fs";
import type { Program } from "../support/programs.ts";
import { requires, type SkipReason } from "../support/requires.ts";

/**
 * What tests in a simulated internet need, and the programs named. Root is not among it: where user
 * namespaces are allowed and /dev/net/tun is everybody's, as on most desktops, any user may open a
 * lab.
 */
export function requiresSimulator(...commands: readonly Program[]): SkipReason {
  return requires.all(
    requires.linux(),
    requires.namespaces(),
    requires.tun() ?? tunAccess(),
    requires.root() === undefined ? requires.nobody() : undefined,
    ...(["ip", "nsenter", "setpriv", ...commands] as const).map((command) =>
      requires.command(command),
    ),
  );
}

function tunAccess(): SkipReason {
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "needs /dev/net/tun to be open to this user (chmod 666 /dev/net/tun)";
  }
}
