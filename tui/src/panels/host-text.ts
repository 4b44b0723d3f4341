import type { Services } from "./panel.ts";

/** How hosts are shown: by name where they have one, by address, or both. */
export type HostStyle = "names" | "addresses" | "both";

const STYLES: readonly HostStyle[] = ["names", "addresses", "both"];

/** A host in that style. Both texts are safe to print. */
export function hostText(style: HostStyle, addr: string, name: string | null): string {
  if (name === null || style === "addresses") return addr;
  return style === "names" ? name : `${name} (${addr})`;
}

/** The style that was chosen the last time, under the name of a preference. */
export function readHostStyle(services: Services, preference: string): HostStyle {
  const kept = services.readPreference(preference);
  return STYLES.find((style) => style === kept) ?? "names";
}

/** The style after this one. It is kept. */
export function nextHostStyle(services: Services, preference: string, style: HostStyle): HostStyle {
  const next = STYLES[(STYLES.indexOf(style) + 1) % STYLES.length] ?? "names";
  services.writePreference(preference, next);
  return next;
}
