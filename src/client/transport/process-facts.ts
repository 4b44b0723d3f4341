import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";

/**
 * What the kernel says of this process, as far as it decides which sockets it may open, or may be
 * allowed to.
 */
export interface ProcessFacts {
  /**
   * The file that runs this process, links followed: the one to copy, or to grant a capability to.
   */
  readonly executable: string;
  /** Real user id; null where there is none. */
  readonly uid: number | null;
  /** Effective group id, then the supplementary ones. */
  readonly groups: readonly number[];
  /**
   * Whether CAP_NET_RAW is effective, or may be gained (capabilities(7)); null where the system
   * does not tell.
   */
  readonly capNetRaw: boolean | null;
  readonly mayGainCapNetRaw: boolean | null;
  /**
   * Whether running a file can gain no privilege (PR_SET_NO_NEW_PRIVS(2const)), which goes for
   * sudo(8), too.
   */
  readonly noNewPrivileges: boolean;
  /** Whether this is not the first user namespace (user_namespaces(7)). */
  readonly hasUserNamespace: boolean;
  /**
   * Whether the network belongs to another user namespace, so that no capability of this one is
   * good for it.
   */
  readonly isNetworkForeign: boolean;
  /** The group id outside the user namespace; null when it has none there. */
  readonly outerGroup: number | null;
  /**
   * net.ipv4.ping_group_range (icmp(7)) in the numbers of this user namespace; null where there is
   * none.
   */
  readonly pingGroupRange: readonly [first: number, last: number] | null;
  /** Whether sysctls are read-only, as in a container: nobody inside can change them. */
  readonly isSysctlReadOnly: boolean;
  /** Whether systemd(1) runs this system (sd_booted(3)), and Kubernetes this container. */
  readonly hasSystemd: boolean;
  readonly hasKubernetes: boolean;
  /**
   * Whether a capability of `executable`, and of a copy at `COPY_PATH`, would count: not where
   * mounted with nosuid (mount(8)).
   */
  readonly executableMayGrant: boolean;
  readonly copyMayGrant: boolean;
}

/** Where to put a copy of Bun that may open raw sockets. */
export const COPY_PATH = "/usr/local/bin/bun-icmp";

const UID_MAP = "/proc/self/uid_map";
const PING_GROUP_RANGE = "/proc/sys/net/ipv4/ping_group_range";
/** CAP_NET_RAW, by its number in linux/capability.h. */
const CAP_NET_RAW = 13n;
/** Whom files seem to belong to whose owner has no number in this user namespace. */
const UNMAPPED = 65_534;

/** Asks the kernel. Never throws. */
export function readProcessFacts(): ProcessFacts {
  const status = readText("/proc/self/status");
  const mounts = readText("/proc/self/mountinfo");
  // The map of another namespace may be empty. Kernels without user namespaces have no such file.
  const hasUserNamespace =
    existsSync(UID_MAP) && !/^\s*0\s+0\s+4294967295\s*$/.test(readText(UID_MAP));
  const group = process.getegid?.();
  const groups = [...new Set([group, ...(process.getgroups?.() ?? [])])].filter(
    (id) => id !== undefined,
  );
  const executable = realpathSync(process.execPath);
  return {
    executable,
    uid: process.getuid?.() ?? null,
    groups,
    capNetRaw: hasCapability(status, "CapEff"),
    mayGainCapNetRaw: hasCapability(status, "CapBnd"),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    hasUserNamespace,
    // Of the sysctls of a network, root of the user namespace that it belongs to is the owner.
    isNetworkForeign: hasUserNamespace && ownerOf(PING_GROUP_RANGE) === UNMAPPED,
    outerGroup: group === undefined ? null : outerId(readText("/proc/self/gid_map"), group),
    pingGroupRange: readRange(readText(PING_GROUP_RANGE)),
    isSysctlReadOnly: mountOptions(mounts, PING_GROUP_RANGE).includes("ro"),
    hasSystemd: existsSync("/run/systemd/system"),
    hasKubernetes: process.env["KUBERNETES_SERVICE_HOST"] !== undefined,
    executableMayGrant: !mountOptions(mounts, executable).includes("nosuid"),
    copyMayGrant: !mountOptions(mounts, COPY_PATH).includes("nosuid"),
  };
}

/**
 * Whether a set of capabilities in the text of /proc/self/status (proc(5)) holds CAP_NET_RAW; null
 * if it does not tell.
 */
export function hasCapability(status: string, set: "CapEff" | "CapBnd"): boolean | null {
  const [, digits] = new RegExp(`^${set}:\\s*([\\da-f]+)$`, "m").exec(status) ?? [];
  return digits === undefined ? null : ((BigInt(`0x${digits}`) >> CAP_NET_RAW) & 1n) === 1n;
}

/** The two group ids of net.ipv4.ping_group_range. `1 0`, as the kernel begins, holds no group. */
export function readRange(text: string): readonly [number, number] | null {
  const [first, last] = text.trim().split(/\s+/).map(Number);
  return first === undefined || last === undefined || Number.isNaN(first + last)
    ? null
    : [first, last];
}

/** What a group id is outside, by the text of /proc/self/gid_map (user_namespaces(7)). */
export function outerId(map: string, id: number): number | null {
  for (const line of map.trim().split("\n")) {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    if (id >= inside && id < inside + count) return outside + (id - inside);
  }
  return null;
}

/**
 * The options of the file system that a path is on, by the text of /proc/self/mountinfo
 * (proc_pid_mountinfo(5)).
 */
export function mountOptions(mountinfo: string, path: string): readonly string[] {
  let longest = "";
  let found: readonly string[] = [];
  for (const line of mountinfo.split("\n")) {
    const [, , , , escaped = "", options = ""] = line.split(" ");
    const place = escaped.replaceAll(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isAbove = place === "/" || path === place || path.startsWith(`${place}/`);
    // Of two on one place, the later covers the earlier.
    if (place === "" || !isAbove || place.length < longest.length) continue;
    longest = place;
    found = options.split(",");
  }
  return found;
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
