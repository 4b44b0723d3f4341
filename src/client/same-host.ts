/** Whether two canonical addresses are the same but for their zones, which each side may name differently. */
export function isSameHost(a: string, b: string): boolean {
  return a === b || withoutZone(a) === withoutZone(b);
}

/** The address without its zone. */
export function withoutZone(address: string): string {
  const zoneAt = address.indexOf("%");
  return zoneAt === -1 ? address : address.slice(0, zoneAt);
}
