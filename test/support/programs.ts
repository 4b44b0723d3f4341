/** A program that a test may need. */
export type Program =
  | "bash"
  | "cc"
  | "fish"
  | "getcap"
  | "ip"
  | "mkfifo"
  | "mtr"
  | "nft"
  | "node"
  | "nsenter"
  | "ping"
  | "prlimit"
  | "ps"
  | "qemu-x86_64"
  | "script"
  | "setcap"
  | "setpriv"
  | "sh"
  | "sysctl"
  | "tc"
  | "tcpdump"
  | "traceroute"
  | "tshark"
  | "unshare"
  | "zsh";

/**
 * Programs that tests start, and the Debian packages that they come from. Those of no package are
 * on every machine with npm.
 */
const PACKAGES_OF: Readonly<Record<Program, readonly string[]>> = {
  bash: [],
  cc: ["gcc", "libc6-dev"],
  fish: ["fish"],
  getcap: ["libcap2-bin"],
  ip: ["iproute2"],
  mkfifo: [],
  mtr: ["mtr-tiny"],
  nft: ["nftables"],
  node: [],
  nsenter: ["util-linux"],
  ping: ["iputils-ping"],
  prlimit: ["util-linux"],
  ps: ["procps"],
  "qemu-x86_64": ["qemu-user"],
  script: ["bsdutils"],
  setcap: ["libcap2-bin"],
  setpriv: ["util-linux"],
  sh: [],
  sysctl: ["procps"],
  tc: ["iproute2"],
  tcpdump: ["tcpdump"],
  traceroute: ["traceroute"],
  tshark: ["tshark"],
  unshare: ["util-linux"],
  zsh: ["zsh"],
};

/**
 * Every package that a test needs: `scripts/setup-and-check.ts` installs them, and README lists
 * them.
 */
export const PACKAGES: readonly string[] = [...new Set(Object.values(PACKAGES_OF).flat())].sort();

/**
 * What brings a program that is not there: ` (apt-get install tshark)`; empty if that is not known.
 */
export function remedyFor(program: Program): string {
  const packages: readonly string[] = PACKAGES_OF[program] ?? [];
  return packages.length === 0 ? "" : ` (apt-get install ${packages.join(" ")})`;
}
