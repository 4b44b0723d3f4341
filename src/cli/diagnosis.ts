import { release } from "node:os";
import {
  type Client,
  type Family,
  IcmpxError,
  type MissingFacility,
  type PermissionDiagnosis,
  type Remedy,
} from "icmpx";
import { version } from "./version.ts";

const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;
const PROBE_TIMEOUT_MS = 1000;

/** What came of opening one kind of socket and asking the loopback with it. */
export interface SocketState {
  readonly kind: "raw" | "datagram";
  readonly family: Family;
  /** `denied` if a privilege is missing, `unavailable` for any other reason. */
  readonly state: "open" | "denied" | "unavailable";
  /** Why it is not open, or why loopback did not answer; null when all is well. */
  readonly reason: string | null;
  /** RTT to loopback in milliseconds, or null when it did not answer. */
  readonly rtt: number | null;
  /** Whether the kernel stamped both ends; null when loopback did not answer. */
  readonly kernelTimestamps: boolean | null;
  /** What this system lacks of what such a socket can have, and what that costs. */
  readonly missing: readonly MissingFacility[];
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
    /**
     * Whether it is in a user namespace that the network does not belong to (user_namespaces(7)).
     */
    readonly isNetworkForeign: boolean;
  };
  /** net.ipv4.ping_group_range (icmp(7)), or null where there is none. */
  readonly pingGroupRange: readonly [first: number, last: number] | null;
  readonly isInPingGroup: boolean;
  readonly sockets: readonly SocketState[];
  /**
   * Why nothing can be opened at all, or why no file can give this process raw sockets; null when
   * neither is so.
   */
  readonly obstacle: string | null;
  /** Whether each family that this host has can be probed in some way. */
  readonly ok: boolean;
  /** What would allow what is denied, the narrowest first; empty when nothing is. */
  readonly remedies: readonly Remedy[];
}

/**
 * Opens a socket of each kind, and asks the loopback with those that open. Nothing is sent beyond
 * it.
 */
export async function diagnose(client: Client): Promise<Diagnosis> {
  const { facts, obstacle, remedies, sockets: tried } = client.diagnosePermission();
  const states: Omit<SocketState, "missing">[] = [];
  for (const { kind, family, state, code } of tried) {
    if (state === "open") states.push(await askLoopback(client, kind, family));
    else states.push({ kind, family, state, reason: code, rtt: null, kernelTimestamps: null });
  }
  // Only now: one socket may have turned up what all of them lack.
  const sockets = states.map((each) => ({ ...each, missing: missingFrom(client, each) }));
  const { pingGroupRange: range, groups } = facts;
  return {
    version: version(),
    bun: { version: Bun.version, path: facts.executable },
    kernel: `${process.platform} ${release()} ${process.arch}`,
    process: {
      uid: facts.uid,
      groups,
      capNetRaw: facts.capNetRaw,
      mayGainCapNetRaw: facts.mayGainCapNetRaw,
      noNewPrivileges: facts.noNewPrivileges,
      isNetworkForeign: facts.isNetworkForeign,
    },
    pingGroupRange: range,
    isInPingGroup: isInPingGroup(tried, facts),
    sockets,
    obstacle,
    ok: isEveryFamilyOpen(sockets),
    remedies,
  };
}

/** A remedy as it is printed: what it does, then what to run or write. */
export function remedyText({ summary, command }: Remedy): string {
  return `  # ${summary}\n${command.replaceAll(/^/gm, "  ")}`;
}

/**
 * What the kernel decided, if it came to that: in a user namespace, numbers can be those of other
 * groups.
 */
function isInPingGroup(
  sockets: PermissionDiagnosis["sockets"],
  { pingGroupRange: range, groups }: PermissionDiagnosis["facts"],
): boolean {
  const states = sockets.filter(({ kind }) => kind === "datagram").map(({ state }) => state);
  if (states.includes("open")) return true;
  if (states.includes("denied")) return false;
  return range !== null && groups.some((id) => id >= range[0] && id <= range[1]);
}

async function askLoopback(
  client: Client,
  kind: SocketState["kind"],
  family: Family,
): Promise<Omit<SocketState, "missing">> {
  const state = { kind, family, rtt: null, kernelTimestamps: null };
  try {
    const result = await client.probe(LOOPBACK[family], {
      privileged: kind === "raw",
      timeout: PROBE_TIMEOUT_MS,
    });
    const opened = { ...state, state: "open" } as const;
    if (result.kind !== "reply")
      return { ...opened, reason: `loopback does not answer (${result.error})` };
    const { rtt, rttSource } = result;
    return { ...opened, reason: null, rtt, kernelTimestamps: rttSource === "kernel" };
  } catch (error) {
    if (!(error instanceof IcmpxError)) throw error;
    return { ...state, state: "unavailable", reason: error.code };
  }
}

function missingFrom(
  client: Client,
  { kind, family, state }: Pick<SocketState, "kind" | "family" | "state">,
): readonly MissingFacility[] {
  const opened = client.capabilities.find(
    (each) => each.family === family && each.privileged === (kind === "raw"),
  );
  return state === "open" ? (opened?.missing ?? []) : [];
}

/**
 * One kind is enough for a family; one that this host lacks is not missed while there is the other.
 */
function isEveryFamilyOpen(sockets: readonly SocketState[]): boolean {
  const families = ([4, 6] as const).map((family) => {
    const states = sockets.filter((socket) => socket.family === family).map(({ state }) => state);
    return { isOpen: states.includes("open"), isDenied: states.includes("denied") };
  });
  return (
    families.some(({ isOpen }) => isOpen) &&
    families.every(({ isOpen, isDenied }) => isOpen || !isDenied)
  );
}
