import {
  RawSocketPermissionError,
  type Remedy,
  SystemError,
  type UnsupportedPlatformError,
} from "../../errors.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";
import { Socket } from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import { COPY_PATH, type ProcessFacts } from "./process-facts.ts";

/** What came of opening one kind of socket. */
export interface SocketPermission {
  readonly kind: "raw" | "datagram";
  readonly family: Family;
  /** `denied` for lack of a privilege, `unavailable` for any other reason. */
  readonly state: "open" | "denied" | "unavailable";
  /**
   * The error that it ended with (`"EPERM"`, `"EACCES"`, `"EAFNOSUPPORT"`, ...); null when it
   * opened.
   */
  readonly code: string | null;
}

/** What this process may open, why not more, and what would allow more. Plain data. */
export interface PermissionDiagnosis {
  /** Raw before datagram, IPv4 before IPv6. */
  readonly sockets: readonly SocketPermission[];
  /**
   * Why no socket can be opened at all, or why no file, and so no setcap(8), can give raw sockets;
   * null when neither is so.
   */
  readonly obstacle: string | null;
  /**
   * What would allow the kinds that are denied, the narrowest first. Each can work in the state
   * that this process is in.
   */
  readonly remedies: readonly Remedy[];
  readonly facts: ProcessFacts;
}

/** What a diagnosis needs of a platform. */
export interface PermissionSystem {
  readonly libc: Libc;
  readonly processFacts: () => ProcessFacts;
}

/**
 * Opens a socket of each kind, closes it, and works out what would allow those that are denied.
 * Sends nothing.
 */
export function diagnosePermission(
  { libc, processFacts }: PermissionSystem,
  families: readonly Family[] = [4, 6],
): PermissionDiagnosis {
  const kinds = ["raw", "datagram"] as const;
  const sockets = kinds.flatMap((kind) => families.map((family) => trySocket(libc, kind, family)));
  const isDenied = (wanted: SocketPermission["kind"]): boolean =>
    sockets.some(({ kind, state }) => kind === wanted && state === "denied");
  const read = processFacts();
  // Root's own user namespace looks like the one that the network belongs to, but its capability is
  // good for nothing.
  const isPowerless = read.hasUserNamespace && read.capNetRaw === true && isDenied("raw");
  const facts = { ...read, isNetworkForeign: read.isNetworkForeign || isPowerless };
  const obstacle = isDenied("raw") ? obstacleOf(facts) : null;
  const remedies = [
    ...(isDenied("datagram") ? pingGroupRemedies(facts) : []),
    ...(isDenied("raw") ? rawRemedies(facts, obstacle) : []),
  ];
  return { sockets, obstacle, remedies, facts };
}

/** The diagnosis where there is no libc to open sockets with. */
export function unsupportedDiagnosis(
  { message, code }: UnsupportedPlatformError,
  facts: ProcessFacts,
): PermissionDiagnosis {
  const sockets = (["raw", "datagram"] as const).flatMap((kind) =>
    ([4, 6] as const).map((family) => ({ kind, family, state: "unavailable", code }) as const),
  );
  return { sockets, obstacle: message, remedies: [], facts };
}

function trySocket(libc: Libc, kind: SocketPermission["kind"], family: Family): SocketPermission {
  try {
    Socket.open(libc, {
      domain: family === 4 ? AF_INET : AF_INET6,
      type: kind === "raw" ? SOCK_RAW : SOCK_DGRAM,
      protocol: family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
    }).close();
    return { kind, family, state: "open", code: null };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { kind, family, state: isDenial(error) ? "denied" : "unavailable", code: error.code };
  }
}

/**
 * socket(2) answers EPERM for a raw socket without CAP_NET_RAW, EACCES for a group outside
 * ping_group_range.
 */
export function isDenial(error: unknown): error is SystemError {
  return (
    error instanceof SystemError &&
    error.syscall === "socket" &&
    (error.code === "EPERM" || error.code === "EACCES")
  );
}

function obstacleOf(facts: ProcessFacts): string | null {
  if (facts.isNetworkForeign) {
    return "this process is in a user namespace that the network does not belong to, where CAP_NET_RAW is good for nothing";
  }
  if (facts.capNetRaw === true) {
    return "CAP_NET_RAW is effective, but a seccomp filter or a security module forbids raw sockets";
  }
  if (facts.mayGainCapNetRaw === false) {
    return "CAP_NET_RAW is outside the bounding set of this process: a Bun with that capability would not even start";
  }
  if (facts.noNewPrivileges)
    return "no_new_privs is set: no file that this process runs gives it a privilege";
  return null;
}

/** Ping sockets for one group: they send echo requests and nothing else. */
function pingGroupRemedies(facts: ProcessFacts): Remedy[] {
  const { pingGroupRange: range, groups, isNetworkForeign } = facts;
  const group = isNetworkForeign ? facts.outerGroup : groups[0];
  if (range === null || group === undefined || group === null) return [];
  const [first, last] = range;
  // Else it is not the group that is refused. From a user namespace, numbers outside cannot be
  // seen.
  if (!isNetworkForeign && groups.some((id) => id >= first && id <= last)) return [];
  const isWidened = !isNetworkForeign && first <= last;
  const value = isWidened
    ? `${Math.min(first, group)} ${Math.max(last, group)}`
    : `${group} ${group}`;
  const whom = isWidened ? `the groups ${value.replace(" ", " to ")}` : `group ${group}`;
  const summary = `ping sockets for ${whom}, which send echo requests and nothing else`;
  if (facts.isSysctlReadOnly && !isNetworkForeign) {
    const sysctl = { opens: "datagram", summary: `${summary}, given to the container` } as const;
    return inContainer(facts, {
      docker: {
        ...sysctl,
        command: `docker run --sysctl net.ipv4.ping_group_range="${value}" ...`,
      },
      kubernetes: {
        ...sysctl,
        command: [
          "spec:",
          "  securityContext:",
          `    sysctls: [{ name: net.ipv4.ping_group_range, value: "${value}" }]`,
        ].join("\n"),
      },
    });
  }
  const until = "until the next boot (a line in /etc/sysctl.d keeps it)";
  return [
    {
      opens: "datagram",
      summary: `${summary}, ${until}${whereTo(facts)}`,
      command: `${sudo(facts)}sysctl -w net.ipv4.ping_group_range="${value}"`,
    },
  ];
}

function rawRemedies(facts: ProcessFacts, obstacle: string | null): Remedy[] {
  const { executable, groups, uid, hasSystemd, isNetworkForeign } = facts;
  const remedies: Remedy[] = [];
  const canGrant = obstacle === null;
  const power = "may send and read packets of any kind, with any script";
  if (canGrant && facts.copyMayGrant && groups[0] !== undefined) {
    const install = `${sudo(facts)}install -g ${groups[0]} -m 750 ${shellQuoted(executable)} ${COPY_PATH}`;
    remedies.push({
      opens: "raw",
      summary: `raw sockets for a copy of Bun that only group ${groups[0]} may run: its members ${power}`,
      command: `${install}\n${sudo(facts)}setcap cap_net_raw+ep ${COPY_PATH}`,
    });
  }
  // By something that would forbid it to others, too.
  const isForbidden = facts.capNetRaw === true && !isNetworkForeign;
  if (hasSystemd && !isForbidden) {
    remedies.push({
      opens: "raw",
      summary: `raw sockets for one service of systemd, by these lines of its unit: that service ${power.replace(", with any script", "")}`,
      command: [
        "[Service]",
        "AmbientCapabilities=CAP_NET_RAW",
        ...(facts.mayGainCapNetRaw === false ? ["CapabilityBoundingSet=CAP_NET_RAW"] : []),
      ].join("\n"),
    });
  }
  const isSealed = facts.mayGainCapNetRaw === false || facts.isSysctlReadOnly;
  if (!canGrant && isSealed && !isForbidden && !isNetworkForeign) {
    const summary = `raw sockets for a container that runs as root: it ${power.replace(", with any script", "")} on its network`;
    const user =
      uid === 0
        ? { docker: "", kubernetes: "" }
        : { docker: " --user 0", kubernetes: "runAsUser: 0, " };
    remedies.push(
      ...inContainer(facts, {
        docker: {
          opens: "raw",
          summary,
          command: `docker run --cap-add NET_RAW${user.docker} ...`,
        },
        kubernetes: {
          opens: "raw",
          summary,
          command: [
            "containers:",
            `  - securityContext: { ${user.kubernetes}capabilities: { add: [NET_RAW] } }`,
          ].join("\n"),
        },
      }),
    );
  }
  if (canGrant && facts.executableMayGrant) {
    remedies.push({
      opens: "raw",
      summary: `raw sockets for this Bun: anyone who may run it ${power}`,
      command: `${sudo(facts)}setcap cap_net_raw+ep ${shellQuoted(executable)}`,
    });
  }
  return remedies;
}

/** Inside a container nobody can tell who runs it, but for Kubernetes. */
function inContainer(
  { hasKubernetes }: ProcessFacts,
  ways: { readonly docker: Remedy; readonly kubernetes: Remedy },
): Remedy[] {
  const { docker, kubernetes } = ways;
  if (hasKubernetes) return [kubernetes];
  return [docker, { ...kubernetes, summary: "the same in Kubernetes" }];
}

/** Where a command must be run that this process, and what it starts, cannot. */
function whereTo({ isNetworkForeign, noNewPrivileges }: ProcessFacts): string {
  if (isNetworkForeign) return ", outside this user namespace";
  return noNewPrivileges ? ", from a shell where sudo works" : "";
}

function sudo({ uid, isNetworkForeign }: ProcessFacts): string {
  return uid === 0 && !isNetworkForeign ? "" : "sudo ";
}

/** How many remedies an error message has: it is read on a line or two. */
const REMEDIES_IN_MESSAGE = 2;

/**
 * The error for a process that may open no socket of the kinds allowed: `true` raw only, `false`
 * datagram only.
 */
export function permissionError(
  { sockets, obstacle, remedies }: PermissionDiagnosis,
  privileged: "auto" | boolean,
  cause: SystemError | undefined,
): RawSocketPermissionError {
  const kind = privileged === "auto" ? undefined : privileged ? "raw" : "datagram";
  const fitting = remedies.filter(({ opens }) => kind === undefined || opens === kind);
  const named =
    kind === "raw"
      ? "a raw ICMP socket"
      : kind === "datagram"
        ? "a datagram ICMP socket"
        : "an ICMP socket";
  const need = {
    auto: "",
    true: ": it needs CAP_NET_RAW",
    false: ": it needs a group within net.ipv4.ping_group_range",
  }[`${privileged}`];
  const shown = fitting.slice(0, REMEDIES_IN_MESSAGE);
  const lines = shown.map(
    ({ summary, command }, index) =>
      `${index === 0 ? "Allow" : "or"} ${summary}\n${command.replaceAll(/^/gm, "  ")}`,
  );
  const isOtherOpen =
    kind !== undefined && sockets.some((socket) => socket.kind !== kind && socket.state === "open");
  if (isOtherOpen)
    lines.push(`${lines.length === 0 ? "Leave" : "or leave"} out "privileged: ${privileged}"`);
  else if (lines.length === 0) lines.push("Nothing that this process can see would change that");
  if (fitting.length > shown.length)
    lines.push(`or see \`icmpx doctor\` for ${fitting.length - shown.length} more`);
  const why = obstacle === null || kind === "datagram" ? "" : ` (${obstacle})`;
  return new RawSocketPermissionError(
    `Cannot open ${named}: permission denied${need}${why}\n${lines.join("\n")}`,
    { errno: cause?.errno ?? 1, code: cause?.code ?? "EPERM", syscall: "socket" },
    fitting,
    { cause },
  );
}

function shellQuoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
