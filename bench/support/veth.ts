import { $ } from "bun";

/** Two namespaces and a cable between them. */
export interface VethPair extends AsyncDisposable {
  /** The namespace to measure from. Its end of the cable is `wire`. */
  readonly source: string;
  readonly target: { readonly 4: string; readonly 6: string };
}

/**
 * Builds a pair of namespaces connected by veth, with ICMP unlimited and datagram sockets for all.
 * Needs root. Disposal removes it.
 */
export async function buildVethPair(): Promise<VethPair> {
  const source = `icmpx-bench-a${process.pid}`;
  const target = `icmpx-bench-b${process.pid}`;
  for (const namespace of [source, target]) {
    await $`ip netns add ${namespace}`;
    await $`ip netns exec ${namespace} sysctl -qw "net.ipv4.ping_group_range=0 2147483647" net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratelimit=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0`;
    await $`ip -n ${namespace} link set lo up`;
  }
  await $`ip link add wire netns ${source} type veth peer name wire netns ${target}`;
  for (const [namespace, host] of [
    [source, 1],
    [target, 2],
  ] as const) {
    await $`ip -n ${namespace} addr add 10.99.0.${host}/24 dev wire`;
    await $`ip -n ${namespace} addr add fd99::${host}/64 dev wire nodad`;
    await $`ip -n ${namespace} link set wire up`;
  }
  // Neighbours are learnt before anything is measured.
  await $`ip netns exec ${source} ping -q -c 3 -i 0.2 10.99.0.2`.quiet();
  await $`ip netns exec ${source} ping -q -c 3 -i 0.2 fd99::2`.quiet();
  return {
    source,
    target: { 4: "10.99.0.2", 6: "fd99::2" },
    async [Symbol.asyncDispose]() {
      await $`ip netns del ${source}; ip netns del ${target}`.quiet().nothrow();
    },
  };
}
