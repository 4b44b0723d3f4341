import { PacketError } from "../../src/errors.ts";
import { type Dissection, dissect } from "../fixtures/tshark.ts";
import { ourDissection } from "../packet/dissection.ts";
import { RULES } from "./differences.ts";
import { type Comparison, relationOf } from "./dissection-rule.ts";

/** What became of a comparison: the rules that were needed, and what none of them explains. */
export interface Verdict {
  readonly rules: readonly string[];
  readonly unexplained: readonly string[];
}

/** Runs tshark over IP packets, and compares field by field what it and we make of each. */
export function compareDissections(packets: readonly Uint8Array[]): Verdict[] {
  const theirs = dissect(packets);
  if (theirs.length !== packets.length)
    throw new Error(`tshark dissected ${theirs.length} of ${packets.length}`);
  return packets.map((bytes, index) => judge(bytes, theirs[index] ?? {}));
}

/** Compares field by field what tshark made of a packet with what we make of it. */
export function judge(bytes: Uint8Array, theirs: Dissection): Verdict {
  const { ours, error } = dissectOurselves(bytes);
  const comparison: Comparison = { bytes, ours, theirs, ...(error !== undefined && { error }) };
  const rules = RULES.filter(({ applies }) => applies(comparison));
  const used = new Set<string>();
  const unexplained: string[] = [];
  if (error !== undefined) {
    const rule = rules.find(({ errors }) => errors?.test(error));
    if (rule === undefined) unexplained.push(error);
    else used.add(rule.name);
  }
  for (const field of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    // tshark says of checksums in quotes, too, whether it verifies them.
    const count = field.endsWith(".status") ? 1 : undefined;
    const relation = relationOf(ours[field]?.slice(0, count), theirs[field]?.slice(0, count));
    // What we refuse we do not show: only what we do show can be compared.
    if (relation === undefined || (error !== undefined && relation === "more")) continue;
    const rule = rules.find(
      ({ fields, relations }) => fields.test(field) && relations.includes(relation),
    );
    if (rule === undefined)
      unexplained.push(`${field}: ours ${ours[field]}, theirs ${theirs[field]}`);
    else used.add(rule.name);
  }
  return { rules: [...used], unexplained };
}

/** Our dissection, or why we refuse the packet and what we make of its IP header alone. */
function dissectOurselves(bytes: Uint8Array): {
  readonly ours: Dissection;
  readonly error?: string;
} {
  try {
    return { ours: ourDissection(viewOf(bytes)) };
  } catch (thrown) {
    if (!(thrown instanceof PacketError)) throw thrown;
    return { ours: headerOnly(bytes), error: thrown.message };
  }
}

const IPV4_PROTOCOL = 9;
/** RFC 3692: for experiments, so that nobody dissects what follows. */
const NO_PROTOCOL = 253;

function headerOnly(bytes: Uint8Array): Dissection {
  if ((bytes[0] ?? 0) >> 4 !== 4) return {};
  const copy = bytes.slice();
  copy[IPV4_PROTOCOL] = NO_PROTOCOL;
  try {
    const { "ip.proto": _, ...fields } = ourDissection(viewOf(copy));
    return fields;
  } catch (thrown) {
    if (!(thrown instanceof PacketError)) throw thrown;
    return {};
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
