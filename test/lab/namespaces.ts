import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * Who a child process is: root, or the user nobody (65534) with no group, no capability and no way
 * to gain one.
 */
export type User = "root" | "nobody";

/** How to run a child. */
export interface ChildOptions {
  /** Default root. */
  readonly as?: User;
}

/** A child process with its standard output and error piped. */
export type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

const CHILDREN = join(import.meta.dir, "../kernel/children");

const NOBODY = [
  "setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  "--bounding-set=-all",
  "--inh-caps=-all",
  "--ambient-caps=-all",
  "--no-new-privs",
  "--",
];

/**
 * ICMP sent without limits, no duplicate address detection, no reverse path filter. -e: older
 * kernels lack some keys.
 */
const QUIET_KERNEL = [
  "net.ipv4.icmp_ratelimit=0",
  "net.ipv4.icmp_ratemask=0",
  "net.ipv4.icmp_msgs_per_sec=1000000",
  "net.ipv4.icmp_msgs_burst=1000000",
  "net.ipv6.icmp.ratelimit=0",
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv4.conf.default.rp_filter=0",
  "net.ipv6.conf.all.accept_dad=0",
  "net.ipv6.conf.default.accept_dad=0",
];

const EVERYONE_MAY_PING = 'net.ipv4.ping_group_range="0 2147483647"';
const NOBODY_MAY_PING = 'net.ipv4.ping_group_range="1 0"';

/** How a namespace differs from the usual. */
export interface NamespaceOptions {
  /** Whether it forwards packets. Default false. */
  readonly router?: boolean;
  /**
   * Whether every group may open datagram ICMP sockets in it (net.ipv4.ping_group_range, icmp(7)).
   * Default true.
   */
  readonly pingGroups?: boolean;
}

/**
 * One end of a link: a namespace and the addresses, with prefix lengths, of its interface there.
 */
export interface LinkEnd {
  readonly namespace: Namespace;
  readonly device: string;
  readonly addresses: readonly string[];
}

const NETNS_FOLDER = "/run/netns";
const PREFIX = "icmpx-";

let labs = 0;

/**
 * A set of network namespaces and what connects them, for one test file. Names hold the process id,
 * so that any number of files run at once; addresses need not differ, since nothing ever leaves the
 * namespaces.
 *
 * Commands are gathered by `add` and `connect` and carried out by `build`.
 */
export class Lab implements AsyncDisposable {
  readonly #prefix = `${PREFIX}${process.pid}-${++labs}`;
  readonly #namespaces: Namespace[] = [];
  #commands: string[] = [];

  constructor() {
    // The end of the test process, by a crash of a test too, removes what disposal did not.
    process.on("exit", this.#onExit);
    if (labs === 1) removeOrphans();
  }

  /** Plans a namespace with its loopback up. */
  add(label: string, options: NamespaceOptions = {}): Namespace {
    const namespace = new Namespace(`${this.#prefix}-${label}`);
    this.#namespaces.push(namespace);
    const { name } = namespace;
    const settings = [
      ...QUIET_KERNEL,
      options.pingGroups === false ? NOBODY_MAY_PING : EVERYONE_MAY_PING,
    ];
    if (options.router) settings.push("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    this.#commands.push(
      `ip netns add ${name}`,
      `ip netns exec ${name} sysctl -e -q -w ${settings.join(" ")} >/dev/null`,
      `ip -n ${name} link set lo up`,
    );
    return namespace;
  }

  /** Plans a veth pair between two namespaces. */
  connect(a: LinkEnd, b: LinkEnd): void {
    this.#commands.push(
      `ip link add ${a.device} netns ${a.namespace.name} type veth peer name ${b.device} netns ${b.namespace.name}`,
    );
    for (const { namespace, device, addresses } of [a, b]) {
      this.#commands.push(`ip -n ${namespace.name} link set ${device} up`);
      for (const address of addresses) {
        const nodad = address.includes(":") ? " nodad" : "";
        this.#commands.push(`ip -n ${namespace.name} addr add ${address} dev ${device}${nodad}`);
      }
    }
  }

  /** Plans `ip <command>` inside a namespace. */
  ip(namespace: Namespace, command: string): void {
    this.#commands.push(`ip -n ${namespace.name} ${command}`);
  }

  /** Carries out what was planned. On failure everything is removed again. */
  async build(): Promise<void> {
    const script = this.#commands.join("\n");
    this.#commands = [];
    try {
      await execute(["sh", "-ec", script]);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Ends the children that still run in the namespaces and removes everything. Never fails
   * half-way.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#onExit);
    await Promise.all(this.#namespaces.map((namespace) => namespace.endChildren()));
    const removal = this.#namespaces
      .map(({ name }) => `ip netns del ${name} 2>/dev/null`)
      .join("; ");
    await Bun.spawn(["sh", "-c", `${removal}; true`]).exited;
  }

  readonly #onExit = (): void => {
    for (const namespace of this.#namespaces) {
      namespace.killChildren();
      Bun.spawnSync(["ip", "netns", "del", namespace.name], { stderr: "ignore" });
    }
  };
}

/** One network namespace of a {@link Lab}: a host, a router or a switch. */
export class Namespace {
  /** As `ip netns` knows it. */
  readonly name: string;
  readonly #children = new Set<Child>();

  constructor(name: string) {
    this.name = name;
  }

  /** Runs a command to its end as root; gives its output. Throws if it fails. */
  exec(...command: string[]): Promise<string> {
    return execute(["ip", "netns", "exec", this.name, ...command]);
  }

  /** Loads nftables rules (nft(8)), replacing none. */
  async nft(rules: string): Promise<void> {
    const file = `/tmp/${this.name}-${Bun.nanoseconds()}.nft`;
    await Bun.write(file, rules);
    try {
      await this.exec("nft", "-f", file);
    } finally {
      rmSync(file, { force: true });
    }
  }

  /** Starts a command. It ends with the lab at the latest. */
  spawn(command: readonly string[], { as = "root" }: ChildOptions = {}): Child {
    const child = Bun.spawn(
      ["ip", "netns", "exec", this.name, ...(as === "nobody" ? NOBODY : []), ...command],
      {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        // nobody has no home to keep a cache in.
        env: {
          ...process.env,
          HOME: "/tmp",
          BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
          NO_COLOR: "1",
        },
      },
    );
    this.#children.add(child);
    child.exited.then(() => this.#children.delete(child));
    return child;
  }

  /** Starts a script of test/kernel/children with Bun; `input` is its argument, as JSON. */
  start(script: string, input: unknown = {}, options: ChildOptions = {}): Child {
    return this.spawn([process.execPath, join(CHILDREN, script), JSON.stringify(input)], options);
  }

  /**
   * Runs a script of test/kernel/children to its end; gives the JSON values it printed. Throws if
   * it fails.
   */
  async run(script: string, input: unknown = {}, options: ChildOptions = {}): Promise<unknown[]> {
    return parseLines(await outputOf(this.start(script, input, options), script));
  }

  /** Kills the children without waiting. */
  killChildren(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  /** Kills the children and waits for their end. */
  async endChildren(): Promise<void> {
    const ends = [...this.#children].map((child) => child.exited);
    this.killChildren();
    await Promise.all(ends);
  }
}

/** The JSON values of a child's output, one a line. */
export function parseLines(output: string): unknown[] {
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

/**
 * Waits for a child's end and gives its standard output. Throws, with what it said, if it failed.
 */
export async function outputOf(child: Child, name: string): Promise<string> {
  const [output, complaint, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0)
    throw new Error(`${name} failed (${child.signalCode ?? code}): ${complaint || output}`);
  return output;
}

/** Removes the namespaces of test processes that were killed. */
function removeOrphans(): void {
  if (!existsSync(NETNS_FOLDER)) return;
  for (const name of readdirSync(NETNS_FOLDER)) {
    const owner = name.startsWith(PREFIX) ? /^\d+/.exec(name.slice(PREFIX.length))?.[0] : undefined;
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    Bun.spawnSync(["ip", "netns", "del", name], { stderr: "ignore" });
  }
}

async function execute(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return outputOf(child, command.join(" ").slice(0, 200));
}
