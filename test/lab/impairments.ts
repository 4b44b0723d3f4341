import type { Family } from "../../src/packet/address.ts";
import type { Namespace } from "./namespaces.ts";

/** What nftables can answer instead of forwarding (nft(8), reject statement). */
export interface Rejection {
  readonly family: Family;
  /** Packets to this address are rejected. */
  readonly destination: string;
  /** In the words of nft(8), e.g. `"admin-prohibited"`. */
  readonly reason: string;
}

/**
 * A route type that answers with an error, or swallows (ip-route(8)). `throw` leaves a router
 * without a route.
 */
export type DeadRoute = "unreachable" | "prohibit" | "blackhole" | "throw";

let tables = 0;

/** Makes a router keep its ICMP errors to itself. It forwards as before. */
export async function silence(router: Namespace): Promise<void> {
  await router.nft(`table inet ${newTable()} {
    chain output {
      type filter hook output priority 0;
      icmp type { time-exceeded, destination-unreachable } drop
      icmpv6 type { time-exceeded, destination-unreachable } drop
    }
  }`);
}

/**
 * Makes a router lose exactly one in `n` of its time exceeded messages, of each family: the first,
 * and so on.
 */
export async function dropEveryNthError(router: Namespace, n: number): Promise<void> {
  await router.nft(`table inet ${newTable()} {
    chain output {
      type filter hook output priority 0;
      icmp type time-exceeded numgen inc mod ${n} 0 drop
      icmpv6 type time-exceeded numgen inc mod ${n} 0 drop
    }
  }`);
}

/** Makes a router reject what it should forward, before it looks at the TTL. */
export async function reject(router: Namespace, rejections: readonly Rejection[]): Promise<void> {
  const rules = rejections.map(({ family, destination, reason }) =>
    family === 4
      ? `ip daddr ${destination} reject with icmp type ${reason}`
      : `ip6 daddr ${destination} reject with icmpv6 type ${reason}`,
  );
  await router.nft(`table inet ${newTable()} {
    chain prerouting {
      type filter hook prerouting priority 0;
      ${rules.join("\n")}
    }
  }`);
}

/**
 * Gives a router a route of the dead kind to one address.
 *
 * For IPv4 the kernel answers a burst of 5 packets of one source, then one a second
 * (net.ipv4.route.error_burst and error_cost, which exist in the first namespace only):
 * {@link reject} has no such limit.
 */
export async function addDeadRoute(
  router: Namespace,
  kind: DeadRoute,
  destination: string,
): Promise<void> {
  const family = destination.includes(":") ? "-6" : "-4";
  await router.exec("ip", family, "route", "add", kind, destination);
}

/** Makes a host's questions to any name server fail at once, instead of after many seconds. */
export async function refuseDns(host: Namespace): Promise<void> {
  await host.nft(`table inet ${newTable()} {
    chain output {
      type filter hook output priority 0;
      meta l4proto { tcp, udp } th dport 53 reject with icmpx type port-unreachable
    }
  }`);
}

/**
 * Counts the packets that leave a namespace and match each of `expressions` (nft(8)), from now on.
 */
export async function countOutput(
  namespace: Namespace,
  expressions: readonly string[],
): Promise<() => Promise<number[]>> {
  const table = newTable();
  const rules = expressions.map((expression) => `${expression} counter`).join("\n");
  await namespace.nft(`table inet ${table} {
    chain output { type filter hook output priority 0; ${rules}\n }
  }`);
  return async () => {
    const listing = await namespace.exec("nft", "list", "table", "inet", table);
    return [...listing.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
  };
}

function newTable(): string {
  tables += 1;
  return `lab${tables}`;
}
