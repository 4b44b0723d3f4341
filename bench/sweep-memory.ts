// The memory of a sweep of 10.0.0.0/8, 16,777,214 hosts of which 65,024 answer, in a network
// namespace of its own: packets to the others leave by a cable to a namespace that has no such
// addresses.
//
//     sudo bun bench/sweep-memory.ts [retries] [rate]
//
// Prints every five seconds what the process takes, and at the end the totals.
import { join } from "node:path";
import { $ } from "bun";

const [retries = "1", rate = "Infinity"] = process.argv.slice(2);
const namespace = `icmpx-bench-memory${process.pid}`;
const nowhere = `icmpx-bench-nowhere${process.pid}`;

await $`ip netns add ${namespace}`;
await $`ip netns add ${nowhere}`;
try {
  await $`ip -n ${namespace} link set lo up`;
  await $`ip link add cable netns ${namespace} type veth peer name cable netns ${nowhere}`;
  await $`ip -n ${namespace} addr add 10.0.0.1/8 dev cable`;
  // Without ARP: packets leave at once, to nobody's address.
  await $`ip -n ${namespace} link set cable arp off up`;
  await $`ip -n ${nowhere} link set cable up`;
  for (let octet = 1; octet < 255; octet++) {
    await $`ip -n ${namespace} route add local 10.${octet}.7.0/24 dev lo`;
  }
  const child = join(import.meta.dir, "children", "sweep-memory.ts");
  await $`ip netns exec ${namespace} ${process.execPath} ${child} 10.0.0.0/8 ${rate} ${retries}`;
} finally {
  await $`ip netns del ${namespace}`;
  await $`ip netns del ${nowhere}`;
}
