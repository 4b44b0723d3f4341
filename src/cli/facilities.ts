import type { Client, MissingFacility, SocketCapabilities } from "icmpx";
import type { Host } from "./host.ts";
import type { Values } from "./values.ts";

/** `raw IPv4`. */
export function socketName({
  family,
  privileged,
}: Pick<SocketCapabilities, "family" | "privileged">): string {
  return `${privileged ? "raw" : "datagram"} IPv${family}`;
}

/** What a socket does without, and what that costs. */
export function missingText({ name, code, effect }: MissingFacility): string {
  return `without ${name} (${code}): ${effect}`;
}

/**
 * With `--verbose`, tells on stderr what this system lacks: a line for each kind of socket that the
 * client has opened and that has to do without something.
 */
export function tellMissing(client: Client, values: Values, { stderr }: Host): void {
  if (!values.has("verbose")) return;
  for (const socket of client.capabilities) {
    if (socket.missing.length === 0) continue;
    stderr.write(
      `icmpx: ${socketName(socket)} socket: ${socket.missing.map(missingText).join("; ")}\n`,
    );
  }
}
