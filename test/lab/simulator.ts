/**
 * The process that is the internet of a lab. It runs in the lab's network namespace, makes the TUN
 * device there, and then does nothing but wait, read and write: a blocking loop, so that packets
 * leave on time. It reads commands, one JSON value a line, from standard input, and answers each
 * with one line. It ends when its input does, and the namespace with it.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { Internet } from "./internet.ts";
import type { AddressPair, Scenario } from "./scenario.ts";
import { BlockingIo } from "./tun.ts";

/** What the simulator is told. */
export type SimulatorCommand =
  /** Start over with this scenario. Packets still on their way are forgotten. Answered by `{}`. */
  | { readonly load: Scenario }
  /** Tell what has happened. Answered by a {@link Truth}. */
  | { readonly tell: "truth" };

/** Who measures. */
export const SOURCE: AddressPair = { 4: "10.20.255.1", 6: "fd20:ffff::1" };

const DEVICE = "internet";
const STDIN = 0;
const STDOUT = 1;
/** Longest wait of the loop. Its end is a chance to see how late the scheduler wakes us. */
const LONGEST_WAIT_NS = 20_000_000;
const NICENESS = -15;
const EVERYONE = "0 2147483647";
/** In a user namespace only group 0 exists. */
const ONLY_GROUP = "0 0";

const SETTINGS: Readonly<Record<string, string>> = {
  "net/ipv4/conf/all/rp_filter": "0",
  "net/ipv4/conf/default/rp_filter": "0",
  "net/ipv4/conf/all/accept_redirects": "0",
  "net/ipv4/conf/default/accept_redirects": "0",
  "net/ipv6/conf/all/accept_redirects": "0",
  "net/ipv6/conf/default/accept_redirects": "0",
  "net/ipv6/conf/default/accept_ra": "0",
  "net/ipv6/conf/default/router_solicitations": "0",
  "net/ipv6/conf/default/dad_transmits": "0",
};

if (import.meta.main) run(new BlockingIo());

function run(io: BlockingIo): void {
  goFirst();
  const tun = setUp(io);
  io.writeText(STDOUT, "{}\n");
  let internet: Internet | undefined;
  let commands = "";
  for (;;) {
    const beforeNs = Bun.nanoseconds();
    const dueNs = internet?.nextNs ?? Number.POSITIVE_INFINITY;
    const timeoutNs = Math.max(0, Math.min(dueNs - beforeNs, LONGEST_WAIT_NS));
    const ready = io.wait([tun, STDIN], internet === undefined ? undefined : timeoutNs);
    if (ready.length === 0) internet?.addLag(Bun.nanoseconds() - beforeNs - timeoutNs);
    if (ready.includes(STDIN)) {
      const input = io.read(STDIN);
      if (input?.length === 0) return;
      commands += new TextDecoder().decode(input);
      for (let end = commands.indexOf("\n"); end !== -1; end = commands.indexOf("\n")) {
        const command = JSON.parse(commands.slice(0, end)) as SimulatorCommand;
        commands = commands.slice(end + 1);
        if ("load" in command) {
          forgetPathMtu();
          discard(io, tun);
          internet = new Internet(command.load, SOURCE);
          io.writeText(STDOUT, "{}\n");
        } else {
          io.writeText(STDOUT, `${JSON.stringify(internet?.truth())}\n`);
        }
      }
    }
    if (internet === undefined) discard(io, tun);
    else exchange(io, tun, internet);
  }
}

/**
 * Takes in all packets there are, and sends all that are due, in turns so that neither waits for
 * long.
 */
function exchange(io: BlockingIo, tun: number, internet: Internet): void {
  for (;;) {
    const packet = io.read(tun);
    const nowNs = Bun.nanoseconds();
    if (packet !== undefined) internet.receive(packet, nowNs);
    for (
      let due = internet.takeDue(nowNs);
      due !== undefined;
      due = internet.takeDue(Bun.nanoseconds())
    ) {
      while (!io.write(tun, due.bytes)) io.wait([], 100_000);
    }
    if (packet === undefined) return;
  }
}

function discard(io: BlockingIo, tun: number): void {
  while (io.read(tun) !== undefined);
}

function setUp(io: BlockingIo): number {
  for (const [key, value] of Object.entries(SETTINGS)) writeFileSync(`/proc/sys/${key}`, value);
  allowPing();
  const tun = io.openTun(DEVICE);
  const commands = [
    "link set lo up",
    // A burst waits in the device's queue; the default of 500 packets would drop some of it.
    `link set ${DEVICE} txqueuelen 20000 addrgenmode none up`,
    `addr add ${SOURCE[4]}/32 dev ${DEVICE}`,
    `addr add ${SOURCE[6]}/128 dev ${DEVICE} nodad`,
    `-4 route add default dev ${DEVICE} src ${SOURCE[4]}`,
    `-6 route add default dev ${DEVICE} src ${SOURCE[6]}`,
  ];
  for (const command of commands) {
    const { success, stderr } = Bun.spawnSync(["ip", ...command.split(" ")], { stdin: "ignore" });
    if (!success) throw new Error(`ip ${command} failed: ${stderr.toString()}`);
  }
  return tun;
}

/** What "too big" messages of the scenario before have taught the kernel would make it fragment. */
function forgetPathMtu(): void {
  for (const family of ["-4", "-6"])
    Bun.spawnSync(["ip", family, "route", "flush", "cache"], { stdin: "ignore" });
}

/** On a busy machine, the network must be the last to be late. */
function goFirst(): void {
  try {
    setPriority(NICENESS);
  } catch {
    // In a user namespace nobody may: then it competes like all others.
  }
}

function allowPing(): void {
  const key = "/proc/sys/net/ipv4/ping_group_range";
  try {
    writeFileSync(key, EVERYONE);
  } catch {
    writeFileSync(key, ONLY_GROUP);
  }
}
