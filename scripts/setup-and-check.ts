/**
 * README's second command: sets this machine up for the tests, then runs everything that gates a
 * change.
 *
 * As root, and with apt, it installs the programs that the tests start. Where it cannot, the suites
 * that want them do not run; at the end they are named, with what would let them run. It uses
 * nothing but Bun, as nothing else is installed yet.
 *
 * @module
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { PACKAGES } from "../test/support/programs.ts";

const CHECKOUT = resolve(import.meta.dir, "..");
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
const isRoot = process.getuid?.() === 0;

if (isRoot) {
  installPackages();
  makeTunNode();
}
if (!run([process.execPath, "install", "--frozen-lockfile"])) process.exit(1);
process.exit(check() ? 0 : 1);

/**
 * Installs what is missing of {@link PACKAGES}. A failure is told by apt, and then by the suites
 * that do not run.
 */
function installPackages(): void {
  if (Bun.which("apt-get") === null) return;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: they are dpkg's.
  const query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", ...PACKAGES];
  const known = Bun.spawnSync(query, { stderr: "ignore" }).stdout.toString().split("\n");
  const missing = PACKAGES.filter((name) => !known.includes(`installed ${name}`));
  if (missing.length === 0) return;
  console.log(`Installing ${missing.join(" ")}`);
  // tshark asks whether ordinary users may capture; the tests that capture run as root.
  const answer = "wireshark-common wireshark-common/install-setuid boolean false";
  Bun.spawnSync(["debconf-set-selections"], { stdin: Buffer.from(answer) });
  const options = ["-q", "-y", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"];
  run(["apt-get", "update", ...options]);
  run(["apt-get", "install", ...options, "--no-install-recommends", ...missing]);
}

/** The simulated internet of the tests is behind a TUN device; some containers lack its node. */
function makeTunNode(): void {
  if (existsSync("/dev/net/tun")) return;
  run(["mkdir", "-p", "/dev/net"]);
  run(["mknod", "/dev/net/tun", "c", "10", "200"]);
}

/** Runs the gate, then names the suites that did not run. */
function check(): boolean {
  // Not in TMPDIR, which may be private.
  const folder = mkdtempSync("/tmp/icmpx-check-");
  chmodSync(folder, 0o755);
  const list = join(folder, "untested");
  const command = [process.execPath, "run", "check"];
  const readable = isRoot ? inReadablePlace(folder) : [];
  const isGood = run([...readable, ...command], { ICMPX_UNTESTED: list });
  if (existsSync(list)) nameUntested(readFileSync(list, "utf8"));
  rmSync(folder, { recursive: true });
  return isGood;
}

/**
 * What makes a command run where the user nobody can read the checkout, as some tests do: below a
 * home of mode 700 he cannot, and so it appears in another place, for that command only. Nothing if
 * he can, or the system does not let us.
 */
function inReadablePlace(folder: string): string[] {
  if (succeeds([...NOBODY, "test", "-r", join(CHECKOUT, "package.json")])) return [];
  const place = mkdtempSync(join(folder, "checkout-"));
  chmodSync(place, 0o755);
  const script = 'mount --bind "$0" "$1" && cd "$1" && shift && exec "$@"';
  const wrapped = ["unshare", "-m", "sh", "-c", script, CHECKOUT, place];
  if (succeeds([...wrapped, ...NOBODY, "test", "-r", join(place, "package.json")])) return wrapped;
  rmdirSync(place);
  return [];
}

/** @param list a line for each suite: why it did not run, a tabulator, its name */
function nameUntested(list: string): void {
  const suites = list.trimEnd().split("\n");
  console.log(
    `\n${suites.length === 1 ? "1 suite" : `${suites.length} suites`} could not run here:`,
  );
  const byReason = Map.groupBy(suites, (line) => line.slice(0, line.indexOf("\t")));
  for (const [reason, lines] of byReason) {
    console.log(`  ${reason}:`);
    for (const line of lines) console.log(`    ${line.slice(reason.length + 1)}`);
  }
}

function run(command: string[], env: Record<string, string> = {}): boolean {
  return Bun.spawnSync(command, {
    cwd: CHECKOUT,
    env: { DEBIAN_FRONTEND: "noninteractive", ...process.env, ...env },
    stdio: ["inherit", "inherit", "inherit"],
  }).success;
}

function succeeds(command: string[]): boolean {
  try {
    return Bun.spawnSync(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).success;
  } catch {
    return false;
  }
}
