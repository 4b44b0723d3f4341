import { isMulticast, isUnspecified } from "../packet/address.ts";

/** Whether two canonical addresses are the same but for their zones, which each side may name differently. */
export function isSameHost(a: string, b: string): boolean {
  return a === b || withoutZone(a) === withoutZone(b);
}

/** The address without its zone. */
function withoutZone(address: string): string {
  const zoneAt = address.indexOf("%");
  return zoneAt === -1 ? address : address.slice(0, zoneAt);
}

/** Whether an answer from `from` may come from the target, as far as its address tells. */
export function answersFor(from: string, destination: string): boolean {
  return (
    isSameHost(from, destination) ||
    isMulticast(destination) ||
    destination === "255.255.255.255" ||
    isUnspecified(destination)
  );
}
