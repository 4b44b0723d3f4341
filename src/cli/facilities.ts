import type { MissingFacility, SocketCapabilities } from "icmpx";

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
