import { join } from "node:path";
import { NETWORK } from "./socket-kinds.ts";

const CHILDREN = join(import.meta.dir, "children");
const { host, router } = NETWORK;

// Datagram ICMP sockets for group 0, which the child belongs to in its user namespace as well.
const LOOPBACK = "ip link set lo up && echo '0 0' > /proc/sys/net/ipv4/ping_group_range";

/**
 * Beside the child's namespace, a second one that forwards: behind it, one network that ends
 * nowhere (for TTLs that run out) and one that is unreachable. It lives as long as the `sleep` that
 * holds it.
 */
const ROUTER = [
  "unshare -n sleep 60 & router=$!",
  "trap 'kill $router' EXIT",
  'while [ "$(readlink /proc/$router/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done',
  "ip link add icmpx0 type veth peer name icmpx1 netns $router",
  `ip addr add ${host[4]}/24 dev icmpx0`,
  `ip -6 addr add ${host[6]}/64 dev icmpx0 nodad`,
  "ip link set icmpx0 up",
  `nsenter -t $router -n sh -e -c '
    ip link set lo up
    echo 1 > /proc/sys/net/ipv4/ip_forward
    echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    echo 0 > /proc/sys/net/ipv4/icmp_ratemask
    echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
    ip addr add ${router[4]}/24 dev icmpx1
    ip -6 addr add ${router[6]}/64 dev icmpx1 nodad
    ip link set icmpx1 up
    ip route add unreachable 10.82.3.0/24
    ip -6 route add unreachable fd82:3::/64
    ip route add 10.82.2.0/24 via 10.82.0.77
    ip -6 route add fd82:2::/64 via fd82::77'`,
  `ip route add default via ${router[4]}`,
  `ip -6 route add default via ${router[6]}`,
].join("\n");

/** What a child process left behind. */
export interface ChildOutcome {
  readonly exitCode: number | null;
  readonly signal: string | number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `children/<name>.ts` in a network namespace of its own, with loopback up and, if asked for,
 * a router next to it.
 */
export function runInNamespace(
  name: string,
  options: { args?: readonly string[]; router?: boolean } = {},
): ChildOutcome {
  const unshare = process.getuid?.() === 0 ? ["unshare", "-n"] : ["unshare", "-Urn"];
  const script = `set -e\n${LOOPBACK}\n${options.router === true ? ROUTER : ""}\n"$@"`;
  const child = [process.execPath, join(CHILDREN, `${name}.ts`), ...(options.args ?? [])];
  return run([...unshare, "sh", "-c", script, "sh", ...child]);
}

function run(command: string[]): ChildOutcome {
  const result = Bun.spawnSync(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 60_000,
  });
  return {
    exitCode: result.exitCode,
    signal: result.signalCode,
    stdout: result.stdout.toString(),
    stderr: result.stderr.toString(),
  };
}
