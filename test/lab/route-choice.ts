import { type Fate, hash, type Subject } from "./fate.ts";
import type { ProbePacket } from "./probe-packet.ts";
import type { Balancer, Moment, Route, Step } from "./scenario.ts";

/** What a route may depend on besides the packet. */
export interface RouteContext {
  readonly fate: Fate;
  readonly subject: Subject;
  /** How many packets to this target came, this one included. */
  readonly packets: number;
  /** Milliseconds since the first of them. */
  readonly elapsed: number;
}

/** The nodes between the source and the target for one packet; undefined when there is no route. */
export function chooseRoute(
  routes: readonly Route[],
  packet: ProbePacket,
  context: RouteContext,
): readonly string[] | undefined {
  const route = routes.findLast(({ from }) => from === undefined || hasCome(from, context));
  return route && flatten(route.via, packet, context);
}

function hasCome(moment: Moment, { packets, elapsed }: RouteContext): boolean {
  return "packet" in moment ? packets >= moment.packet : elapsed >= moment.ms;
}

function flatten(steps: readonly Step[], packet: ProbePacket, context: RouteContext): string[] {
  return steps.flatMap((step, index) =>
    typeof step === "string"
      ? step
      : flatten(chooseBranch(step, index, { packet, context }), packet, context),
  );
}

function chooseBranch(
  { balance, branches }: Balancer,
  index: number,
  { packet, context }: { readonly packet: ProbePacket; readonly context: RouteContext },
): readonly Step[] {
  const count = branches.length;
  if (balance === "packet") return branches[(context.subject.ordinal - 1) % count] ?? [];
  const key =
    balance === "destination"
      ? // The target's name rather than its address: IPv4 and IPv6 choose alike.
        `${context.subject.name.split("|")[0]}`
      : flowOf(packet);
  return branches[hash(`${index}|${balance}|${key}`) % count] ?? [];
}

/**
 * What routers hash to keep the packets of a flow on one path (RFC 2992): the first four bytes of
 * ICMP as if they were ports.
 */
function flowOf({
  source,
  destination,
  protocol,
  identifier,
  sequence,
  checksum,
}: ProbePacket): string {
  const ports = protocol === "icmp" ? `${checksum}|${identifier}` : `${identifier}|${sequence}`;
  return `${source}|${destination}|${protocol}|${ports}`;
}
