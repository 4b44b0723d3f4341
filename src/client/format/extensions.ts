import type { ExtensionObject, MplsLabel } from "../../packet/extension-objects.ts";
import { escapeText } from "../../packet/format.ts";

/** What an interface was to the packet (RFC 5837 section 4.2), in words. */
const ROLES = {
  incoming: "incoming",
  incomingSubIp: "incoming sub-IP",
  outgoing: "outgoing",
  nextHop: "next hop",
} as const;

/** The longest list: a router may send 64 objects, or a forger of its errors. */
const MAX_LINES = 16;

/**
 * An entry of an MPLS label stack (RFC 4950): `MPLS label 16 tc 0 ttl 1 S`; S marks the bottom of
 * the stack.
 */
export function formatMplsLabel({ label, trafficClass, bottomOfStack, ttl }: MplsLabel): string {
  return `MPLS label ${label} tc ${trafficClass} ttl ${ttl}${bottomOfStack ? " S" : ""}`;
}

/**
 * What routers add to their errors (RFC 4884), one line each, safe to print: MPLS labels from the
 * top of the stack, interfaces (RFC 5837), identified interfaces (RFC 8335), and the rest by class
 * and type. There are at most 16 lines; the last one then counts those left out.
 */
export function formatExtensions(extensions: readonly ExtensionObject[]): string[] {
  const lines = extensions.flatMap(linesOf);
  if (lines.length <= MAX_LINES) return lines;
  const shown = lines.slice(0, MAX_LINES - 1);
  return [...shown, `${lines.length - shown.length} more`];
}

function linesOf(object: ExtensionObject): string | string[] {
  switch (object.kind) {
    case "mpls":
      return object.labels.map(formatMplsLabel);
    case "interfaceInformation":
    case "interfaceIdentification": {
      const fields = [
        "role" in object ? ROLES[object.role] : undefined,
        "interface",
        object.name === undefined ? undefined : `"${escapeText(object.name)}"`,
        object.index === undefined ? undefined : `index ${object.index}`,
        object.address,
        "mtu" in object && object.mtu !== undefined ? `mtu ${object.mtu}` : undefined,
      ];
      return fields.filter((field) => field !== undefined).join(" ");
    }
    case "raw":
      return `extension class ${object.classNumber} type ${object.cType}, ${object.payload.length} bytes`;
    default:
      return object satisfies never;
  }
}
