import { type ExtensionObject, escapeText } from "icmpx/packet";

/** What an interface was to the packet (RFC 5837), in words. */
const ROLES = {
  incoming: "incoming",
  incomingSubIp: "incoming sub-IP",
  outgoing: "outgoing",
  nextHop: "next hop",
} as const;

/** The longest list: a router may send 64 objects, or whoever forges its errors. */
const MAX_LINES = 16;

/**
 * What routers add to their errors (RFC 4884), a line each, safe to print: MPLS labels in the words of mtr(8), interfaces,
 * the rest. Of more than 16 lines, the last one counts those left out.
 */
export function extensionLines(extensions: readonly ExtensionObject[]): string[] {
  const lines = extensions.flatMap(linesOf);
  if (lines.length <= MAX_LINES) return lines;
  const shown = lines.slice(0, MAX_LINES - 1);
  return [...shown, `[${lines.length - shown.length} more]`];
}

function linesOf(object: ExtensionObject): string | string[] {
  switch (object.kind) {
    case "mpls":
      return object.labels.map(
        ({ label, trafficClass, bottomOfStack, ttl }) =>
          `[MPLS: Lbl ${label} TC ${trafficClass} S ${bottomOfStack ? 1 : 0} TTL ${ttl}]`,
      );
    case "interfaceInformation":
    case "interfaceIdentification": {
      const fields = [
        "role" in object ? ROLES[object.role] : undefined,
        object.name === undefined ? undefined : `"${escapeText(object.name)}"`,
        object.index === undefined ? undefined : `index ${object.index}`,
        object.address,
        "mtu" in object && object.mtu !== undefined ? `mtu ${object.mtu}` : undefined,
      ];
      return `[Interface: ${fields.filter((field) => field !== undefined).join(" ")}]`;
    }
    case "raw":
      return `[Extension: class ${object.classNumber} type ${object.cType}, ${object.payload.length} bytes]`;
    default:
      return object satisfies never;
  }
}
