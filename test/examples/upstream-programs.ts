/**
 * The three programs that the README of the Python original shows, in TypeScript, as close to the
 * word as the language allows: `bun test/examples/upstream-programs.ts ping 127.0.0.1`. They must
 * compile and run as long as this library calls itself its heir.
 */
import { Client, formatMtr } from "icmpx";

/** "Basic ping loop". */
async function ping(host: string): Promise<void> {
  using client = new Client({ timeout: 1500 });
  const results = await client.ping(host, { count: 3 });
  for (const result of results) {
    if (result.error !== null) {
      console.log(`${result.request.addr}: ${result.error}`);
    } else {
      console.log(
        `reply from ${result.reply.receivedPacket.ipHeader.srcAddr} ` +
          `in ${result.reply.rtt.toFixed(2)} ms`,
      );
    }
  }
}

/** "Traceroute workflow". */
async function traceroute(host: string): Promise<void> {
  using client = new Client({ resolveDnsDefault: true });
  const trace = await client.traceroute(host, { probes: 2 });
  for (const hop of trace.hops) {
    const addr = hop.addr ?? "?";
    const hostname = hop.hostname ?? "?";
    const rtts = hop.probes.map((probe) =>
      probe.rtt !== null ? `${probe.rtt.toFixed(2)} ms` : "timeout",
    );
    console.log(
      `${String(hop.ttl).padStart(2)}: ${addr.padEnd(16)} ${hostname.padEnd(32)} ${rtts.join(" ")}`,
    );
  }
}

/** "Live MTR loop": `mtr.py 1.1.1.1 -c 10 -i 0.5`. */
async function mtr(host: string): Promise<void> {
  using client = new Client({ resolveDnsDefault: true });
  for await (const round of client.mtr(host, { count: 10, interval: 50 })) {
    console.log(formatMtr(round));
  }
}

/** By the name they are started with. */
export const programs: Readonly<
  Record<"ping" | "traceroute" | "mtr", (host: string) => Promise<void>>
> = {
  ping,
  traceroute,
  mtr,
};

if (import.meta.main) {
  const [name = "", host = "127.0.0.1"] = process.argv.slice(2);
  const program = Object.entries(programs).find(([key]) => key === name)?.[1];
  if (program === undefined) throw new Error(`Unknown program "${name}"`);
  await program(host);
}
