import { readFileSync, realpathSync } from "node:fs";
import { release } from "node:os";
import { type Client, type Family, IcmpxError, RawSocketPermissionError } from "icmpx";
import { shellQuoted } from "./text.ts";
import { version } from "./version.ts";

/** CAP_NET_RAW, by its number in linux/capability.h. */
const CAP_NET_RAW = 13n;
const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;
const PROBE_TIMEOUT_MS = 1000;
const PING_GROUP_RANGE = "/proc/sys/net/ipv4/ping_group_range";

/** Within a bounding set without the capability (capabilities(7)), a file that has it cannot even be started. */
const FROM_OUTSIDE: Remedy = {
  summary:
    "raw sockets: this container or service may not have CAP_NET_RAW, so grant it from outside, such as",
  command: "docker run --cap-add NET_RAW ...",
};

/** What came of opening one kind of socket and asking the loopback with it. */
export interface SocketState {
  readonly kind: "raw" | "datagram";
  readonly family: Family;
  /** `denied` for want of a privilege, `unavailable` for any other reason. */
  readonly state: "open" | "denied" | "unavailable";
  /** Why it is not open, or why loopback did not answer; null when all is well. */
  readonly reason: string | null;
  /** RTT to loopback in milliseconds, or null when it did not answer. */
  readonly rtt: number | null;
  /** Whether the kernel stamped both ends; null when loopback did not answer. */
  readonly kernelTimestamps: boolean | null;
}

/** Something to do about what is missing. */
export interface Remedy {
  readonly summary: string;
  readonly command: string;
}

/** What this process may do, and why. */
export interface Diagnosis {
  readonly version: string;
  readonly bun: { readonly version: string; readonly path: string };
  readonly kernel: string;
  readonly process: {
    readonly uid: number | null;
    readonly groups: readonly number[];
    /** Whether CAP_NET_RAW is effective; null where the system does not tell. */
    readonly capNetRaw: boolean | null;
    /** Whether it could be gained by running a file that has it. */
    readonly mayGainCapNetRaw: boolean | null;
    readonly noNewPrivileges: boolean;
  };
  /** net.ipv4.ping_group_range (icmp(7)), or null where there is none. */
  readonly pingGroupRange: readonly [first: number, last: number] | null;
  readonly isInPingGroup: boolean;
  readonly sockets: readonly SocketState[];
  /** Whether each family that this host has can be probed in some way. */
  readonly ok: boolean;
  /** What would allow what is denied; empty when nothing is. */
  readonly remedies: readonly Remedy[];
}

/** The file that runs this process: the one to grant a capability to, not a link to it. */
export function bunPath(): string {
  return realpathSync(process.execPath);
}

/** Looks at this process and opens a socket of each kind. Nothing is sent beyond loopback. */
export async function diagnose(client: Client): Promise<Diagnosis> {
  const sockets: SocketState[] = [];
  for (const kind of ["raw", "datagram"] as const) {
    for (const family of [4, 6] as const) sockets.push(await trySocket(client, kind, family));
  }
  const status = readText("/proc/self/status") ?? "";
  const groups = [...new Set([process.getgid?.(), ...(process.getgroups?.() ?? [])])].filter(
    (id) => id !== undefined,
  );
  const range = readRange(readText(PING_GROUP_RANGE));
  const path = bunPath();
  const mayGain = hasCapability(status, "CapBnd");
  return {
    version: version(),
    bun: { version: Bun.version, path },
    kernel: `${process.platform} ${release()} ${process.arch}`,
    process: {
      uid: process.getuid?.() ?? null,
      groups,
      capNetRaw: hasCapability(status, "CapEff"),
      mayGainCapNetRaw: mayGain,
      noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    },
    pingGroupRange: range,
    isInPingGroup: range !== null && groups.some((id) => id >= range[0] && id <= range[1]),
    sockets,
    ok: isEveryFamilyOpen(sockets),
    remedies: remediesOf(sockets, path, mayGain),
  };
}

async function trySocket(client: Client, kind: SocketState["kind"], family: Family): Promise<SocketState> {
  const state = { kind, family, rtt: null, kernelTimestamps: null };
  try {
    const result = await client.probe(LOOPBACK[family], {
      privileged: kind === "raw",
      timeout: PROBE_TIMEOUT_MS,
    });
    if (result.kind !== "reply")
      return { ...state, state: "open", reason: `loopback does not answer (${result.error})` };
    const { rtt, rttSource } = result;
    return { ...state, state: "open", reason: null, rtt, kernelTimestamps: rttSource === "kernel" };
  } catch (error) {
    if (!(error instanceof IcmpxError)) throw error;
    const isDenied = error instanceof RawSocketPermissionError;
    return { ...state, state: isDenied ? "denied" : "unavailable", reason: error.code };
  }
}

/** One kind is enough for a family; one that this host lacks is not missed while there is the other. */
function isEveryFamilyOpen(sockets: readonly SocketState[]): boolean {
  const families = ([4, 6] as const).map((family) => {
    const states = sockets.filter((socket) => socket.family === family).map(({ state }) => state);
    return { isOpen: states.includes("open"), isDenied: states.includes("denied") };
  });
  return (
    families.some(({ isOpen }) => isOpen) && families.every(({ isOpen, isDenied }) => isOpen || !isDenied)
  );
}

function remediesOf(sockets: readonly SocketState[], path: string, mayGain: boolean | null): Remedy[] {
  const denied = new Set(sockets.filter(({ state }) => state === "denied").map(({ kind }) => kind));
  const remedies: Remedy[] = [];
  if (denied.has("raw")) remedies.push(mayGain === false ? FROM_OUTSIDE : setcapRemedy(path));
  if (denied.has("datagram")) {
    remedies.push({
      summary: "datagram ping sockets for all users, until the next boot (a file in /etc/sysctl.d keeps it)",
      command: 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"',
    });
  }
  return remedies;
}

function setcapRemedy(path: string): Remedy {
  const command = `sudo setcap cap_net_raw+ep ${shellQuoted(path)}`;
  return {
    summary: "raw sockets for this Bun, and every script it runs (icmpx doctor --fix does it)",
    command,
  };
}

/** Whether a set of capabilities in the text of /proc/self/status (proc(5)) holds CAP_NET_RAW. */
export function hasCapability(status: string, set: "CapEff" | "CapBnd"): boolean | null {
  const [, digits] = new RegExp(`^${set}:\\s*([\\da-f]+)$`, "m").exec(status) ?? [];
  return digits === undefined ? null : ((BigInt(`0x${digits}`) >> CAP_NET_RAW) & 1n) === 1n;
}

/** The two group ids of net.ipv4.ping_group_range. `1 0`, as the kernel begins, holds no group. */
export function readRange(text: string | undefined): readonly [number, number] | null {
  const [first, last] = (text ?? "").trim().split(/\s+/).map(Number);
  return first === undefined || last === undefined || Number.isNaN(first + last) ? null : [first, last];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
