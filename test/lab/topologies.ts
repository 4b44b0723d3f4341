import type { Family } from "../../src/packet/address.ts";
import { Lab, type Namespace, type NamespaceOptions } from "./namespaces.ts";

/** Addresses by family. */
export type Addresses = Readonly<Record<Family, string>>;

/** A network with one host that measures and one that is measured. */
export interface Topology extends AsyncDisposable {
  readonly source: Namespace;
  readonly target: Namespace;
  /** The address of `target`. */
  readonly destination: Addresses;
}

/**
 * source - routers - target. Interface "above" of a node leads towards the target, "below" towards
 * the source.
 */
export interface Chain extends Topology {
  readonly routers: readonly Namespace[];
  /** The addresses that answer at TTL 1, 2, ...; the last is the target's. */
  readonly hops: Readonly<Record<Family, readonly string[]>>;
  /**
   * An address on the last link that no host has: ARP and neighbour discovery of the last router
   * fail for it.
   */
  readonly vacant: Addresses;
}

/** How to build a {@link Chain}. */
export interface ChainOptions {
  /** How many routers stand between source and target. */
  readonly routers: number;
  /** MTU of the link to the target, in bytes. Default 1500. */
  readonly lastMtu?: number;
  /** Of the source. */
  readonly pingGroups?: boolean;
}

/**
 * Builds a chain. Link i, from 1, is 10.77.i.0/24 and fd77:i::/64; its end at the source's side is
 * 1, at the target's side 2. Routers send everything they do not know towards the target, and the
 * target drops what is not its own.
 */
export async function buildChain({
  routers: count,
  lastMtu,
  pingGroups,
}: ChainOptions): Promise<Chain> {
  const lab = new Lab();
  const options: NamespaceOptions = pingGroups === undefined ? {} : { pingGroups };
  const source = lab.add("source", options);
  const routers = Array.from({ length: count }, (_, i) => lab.add(`r${i + 1}`, { router: true }));
  const target = lab.add("target");
  const nodes = [source, ...routers, target];
  for (let link = 1; link < nodes.length; link += 1) {
    lab.connect(end(nodes, link - 1, "above", link, 1), end(nodes, link, "below", link, 2));
  }
  const last = nodes.length - 1;
  if (lastMtu !== undefined) {
    lab.ip(at(nodes, last - 1), `link set above mtu ${lastMtu}`);
    lab.ip(target, `link set below mtu ${lastMtu}`);
  }
  for (let index = 0; index < nodes.length; index += 1) {
    const node = at(nodes, index);
    if (index < last) {
      lab.ip(node, `route add default via 10.77.${index + 1}.2`);
      lab.ip(node, `-6 route add default via fd77:${index + 1}::2`);
    }
    for (let link = 1; link < index; link += 1) {
      lab.ip(node, `route add 10.77.${link}.0/24 via 10.77.${index}.1`);
      lab.ip(node, `-6 route add fd77:${link}::/64 via fd77:${index}::1`);
    }
  }
  await lab.build();
  const links = Array.from({ length: last }, (_, i) => i + 1);
  return {
    source,
    routers,
    target,
    hops: { 4: links.map((link) => `10.77.${link}.2`), 6: links.map((link) => `fd77:${link}::2`) },
    destination: { 4: `10.77.${last}.2`, 6: `fd77:${last}::2` },
    vacant: { 4: `10.77.${last}.99`, 6: `fd77:${last}::99` },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

/** Two equal paths: source - r1 = { a | b } = r2 - target. */
export interface Diamond extends Topology {
  readonly first: Namespace;
  /** The addresses of the two middle routers as r1 sees them. */
  readonly branches: Readonly<Record<Family, readonly [string, string]>>;
  /**
   * The hops before and after the middle. `null` stands for one of `branches`; r2 answers from
   * either side.
   */
  readonly after: Readonly<Record<Family, readonly [string, string]>>;
}

/**
 * Builds a diamond whose ends balance by flow over its two branches (ip-sysctl,
 * fib_multipath_hash_policy=1: layer 4).
 */
export async function buildDiamond(): Promise<Diamond> {
  const lab = new Lab();
  const source = lab.add("source");
  const router = { router: true };
  const first = lab.add("r1", router);
  const a = lab.add("a", router);
  const b = lab.add("b", router);
  const second = lab.add("r2", router);
  const target = lab.add("target");
  const pairs: [Namespace, string, Namespace, string][] = [
    [source, "above", first, "below"],
    [first, "above-a", a, "below"],
    [first, "above-b", b, "below"],
    [a, "above", second, "below-a"],
    [b, "above", second, "below-b"],
    [second, "above", target, "below"],
  ];
  pairs.forEach(([near, nearDevice, far, farDevice], i) => {
    const net = i + 1;
    lab.connect(
      {
        namespace: near,
        device: nearDevice,
        addresses: [`10.79.${net}.1/24`, `fd79:${net}::1/64`],
      },
      { namespace: far, device: farDevice, addresses: [`10.79.${net}.2/24`, `fd79:${net}::2/64`] },
    );
  });
  const route = (node: Namespace, gateways: readonly [v4: string, v6: string][]): void => {
    const hops = (index: 0 | 1): string =>
      gateways.map((gateway) => `nexthop via ${gateway[index]}`).join(" ");
    lab.ip(node, `route add default ${hops(0)}`);
    lab.ip(node, `-6 route add default ${hops(1)}`);
  };
  const up = (net: number): [string, string] => [`10.79.${net}.2`, `fd79:${net}::2`];
  const down = (net: number): [string, string] => [`10.79.${net}.1`, `fd79:${net}::1`];
  route(source, [up(1)]);
  route(first, [up(2), up(3)]);
  for (const [node, below, above] of [
    [a, 2, 4],
    [b, 3, 5],
  ] as const) {
    route(node, [up(above)]);
    lab.ip(node, `route add 10.79.1.0/24 via 10.79.${below}.1`);
    lab.ip(node, `-6 route add fd79:1::/64 via fd79:${below}::1`);
  }
  route(second, [down(4), down(5)]);
  route(target, [down(6)]);
  await lab.build();
  for (const node of [first, second]) {
    const settings = [
      "net.ipv4.fib_multipath_hash_policy=1",
      "net.ipv6.fib_multipath_hash_policy=1",
    ];
    await node.exec("sysctl", "-q", "-w", ...settings);
  }
  return {
    source,
    target,
    first,
    branches: { 4: ["10.79.2.2", "10.79.3.2"], 6: ["fd79:2::2", "fd79:3::2"] },
    after: { 4: ["10.79.4.2", "10.79.5.2"], 6: ["fd79:4::2", "fd79:5::2"] },
    destination: { 4: "10.79.6.2", 6: "fd79:6::2" },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

/**
 * A link with two routers. The source sends all to `wrong`, which forwards to `right` and says so
 * by a redirect.
 */
export interface TwoRouters extends Topology {
  readonly wrong: Namespace;
  readonly right: Namespace;
}

/**
 * Builds two routers on one link. The source does not follow redirects, so each probe provokes one.
 */
export async function buildTwoRouters(): Promise<TwoRouters> {
  const lab = new Lab();
  const source = lab.add("source");
  const wrong = lab.add("wrong", { router: true });
  const right = lab.add("right", { router: true });
  const target = lab.add("target");
  const bridge = lab.add("switch");
  lab.ip(bridge, "link add bridge type bridge");
  lab.ip(bridge, "link set bridge up");
  for (const [index, namespace] of [source, wrong, right].entries()) {
    const host = index + 1;
    lab.connect(
      {
        namespace,
        device: "lan",
        // Redirects name link-local gateways only (RFC 4861 4.5), so these are chosen, not made
        // from the MAC.
        addresses: [`10.78.1.${host}/24`, `fd78:1::${host}/64`, `fe80::${host}/64`],
      },
      { namespace: bridge, device: `port${host}`, addresses: [] },
    );
    lab.ip(bridge, `link set port${host} master bridge`);
  }
  lab.connect(
    { namespace: right, device: "above", addresses: ["10.78.2.1/24", "fd78:2::1/64"] },
    { namespace: target, device: "below", addresses: ["10.78.2.2/24", "fd78:2::2/64"] },
  );
  lab.ip(source, "route add default via 10.78.1.2");
  lab.ip(source, "-6 route add default via fe80::2 dev lan");
  lab.ip(wrong, "route add 10.78.2.0/24 via 10.78.1.3");
  lab.ip(wrong, "-6 route add fd78:2::/64 via fe80::3 dev lan");
  lab.ip(target, "route add default via 10.78.2.1");
  lab.ip(target, "-6 route add default via fd78:2::1");
  await lab.build();
  for (const name of ["all", "lan"]) {
    await source.exec("sysctl", "-q", "-w", `net.ipv4.conf.${name}.accept_redirects=0`);
    await source.exec("sysctl", "-q", "-w", `net.ipv6.conf.${name}.accept_redirects=0`);
  }
  return {
    source,
    wrong,
    right,
    target,
    destination: { 4: "10.78.2.2", 6: "fd78:2::2" },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

function end(
  nodes: readonly Namespace[],
  index: number,
  device: string,
  link: number,
  host: number,
) {
  const addresses = [`10.77.${link}.${host}/24`, `fd77:${link}::${host}/64`];
  return { namespace: at(nodes, index), device, addresses };
}

function at(nodes: readonly Namespace[], index: number): Namespace {
  const node = nodes[index];
  if (node === undefined) throw new RangeError(`No node ${index} of ${nodes.length}`);
  return node;
}
