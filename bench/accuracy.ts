/**
 * How far each tool's RTT is from the wire: the same packets are captured on the interface by
 * tcpdump, with nanoseconds. Needs root (it builds its own network namespaces), tcpdump, ping and
 * fping.
 *
 *     bun bench/accuracy.ts [packets per run, default 400]
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { decodeIcmpv4, decodeIcmpv6, decodeIpv4Header, decodeIpv6Header } from "icmpx/packet";
import { figure, median, printTable, quantile } from "./support/measure.ts";
import { readPcap } from "./support/pcap.ts";
import { buildVethPair, type VethPair } from "./support/veth.ts";

const COUNT = Number(process.argv[2] ?? 400);
const INTERVAL_MS = 10;
const ETHERNET_HEADER_LENGTH = 14;

/** RTTs in milliseconds by the sequence number on the wire. */
type Rtts = ReadonlyMap<number, number>;

interface Tool {
  readonly name: string;
  run(pair: VethPair, family: 4 | 6): Promise<Rtts>;
}

function icmpx(manner: "free" | "blocked"): Tool {
  return {
    name: manner === "free" ? "icmpx" : "icmpx, loop blocked 200 of 250 ms",
    async run({ source, target }, family) {
      const child = join(import.meta.dir, "children/accuracy.ts");
      const output =
        await $`ip netns exec ${source} ${process.execPath} ${child} ${target[family]} ${COUNT} ${INTERVAL_MS} ${manner}`.json();
      if (output.lost > 0)
        throw new Error(`icmpx lost ${output.lost} of ${COUNT} on a wire that loses nothing`);
      if (output.kernel < COUNT)
        console.log(`  (${COUNT - output.kernel} of ${COUNT} RTTs were not from the kernel)`);
      return new Map(
        output.rtts.map(({ sequence, rtt }: { sequence: number; rtt: number }) => [sequence, rtt]),
      );
    },
  };
}

const PING: Tool = {
  name: "ping",
  async run({ source, target }, family) {
    const text =
      await $`ip netns exec ${source} ping -n -i ${INTERVAL_MS / 1000} -c ${COUNT} ${target[family]}`.text();
    return new Map(
      Array.from(text.matchAll(/icmp_seq=(\d+) .*time=([\d.]+) ms/g), ([, sequence, rtt]) => [
        Number(sequence),
        Number(rtt),
      ]),
    );
  },
};

const FPING: Tool = {
  name: "fping",
  async run({ source, target }, family) {
    const text =
      await $`ip netns exec ${source} fping -c ${COUNT} -p ${INTERVAL_MS} ${target[family]}`
        .quiet()
        .text();
    return new Map(
      Array.from(text.matchAll(/\[(\d+)\], \d+ bytes, ([\d.]+) ms/g), ([, sequence, rtt]) => [
        Number(sequence),
        Number(rtt),
      ]),
    );
  },
};

/**
 * Runs a tool with a capture beside it; returns the tool's error of each RTT against the wire, in
 * microseconds.
 */
async function measure(tool: Tool, pair: VethPair, family: 4 | 6): Promise<number[]> {
  const file = join(tmpdir(), `icmpx-accuracy-${process.pid}.pcap`);
  const filter = family === 4 ? "icmp" : "icmp6 and (ip6[40] = 128 or ip6[40] = 129)";
  const capture = Bun.spawn(
    [
      "ip",
      "netns",
      "exec",
      pair.source,
      "tcpdump",
      "-i",
      "wire",
      "-n",
      "-U",
      "-s",
      "200",
      "--time-stamp-precision=nano",
      "-w",
      file,
      filter,
    ],
    { stdout: "ignore", stderr: "pipe" },
  );
  // tcpdump says "listening on" once it captures.
  const reader = capture.stderr.getReader();
  for (let said = ""; !said.includes("listening on"); ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`tcpdump did not start: ${said}`);
    said += new TextDecoder().decode(value);
  }
  const rtts = await tool.run(pair, family);
  // Without immediate mode, whose wake-up for each packet would itself delay the packet on its way,
  // tcpdump gets what it captured in blocks, the last one up to a second later.
  await Bun.sleep(1500);
  capture.kill("SIGINT");
  await capture.exited;
  const wire = wireRtts(await Bun.file(file).bytes(), family);
  await Bun.file(file).delete();
  const errors: number[] = [];
  for (const [sequence, rtt] of rtts) {
    const onWire = wire.get(sequence);
    if (onWire !== undefined) errors.push((rtt - onWire) * 1000);
  }
  if (errors.length < COUNT * 0.95)
    throw new Error(
      `${rtts.size} RTTs from ${tool.name}, ${wire.size} on the wire, ${errors.length} of ${COUNT} in both`,
    );
  return errors;
}

function wireRtts(file: Uint8Array, family: 4 | 6): Rtts {
  const requests = new Map<number, bigint>();
  const replies = new Map<number, bigint>();
  for (const { atNs, bytes } of readPcap(file)) {
    const { buffer, byteOffset, byteLength } = bytes.subarray(ETHERNET_HEADER_LENGTH);
    const packet = new DataView(buffer, byteOffset, byteLength);
    const { headerLength } = family === 4 ? decodeIpv4Header(packet) : decodeIpv6Header(packet);
    const icmp = new DataView(buffer, byteOffset + headerLength, byteLength - headerLength);
    const message = family === 4 ? decodeIcmpv4(icmp) : decodeIcmpv6(icmp);
    if (message.kind === "echoRequest") requests.set(message.sequence, atNs);
    if (message.kind === "echoReply") replies.set(message.sequence, atNs);
  }
  const rtts = new Map<number, number>();
  for (const [sequence, receivedAtNs] of replies) {
    const sentAtNs = requests.get(sequence);
    if (sentAtNs !== undefined) rtts.set(sequence, Number(receivedAtNs - sentAtNs) / 1e6);
  }
  return rtts;
}

function row(name: string, errors: readonly number[]): readonly string[] {
  const absolute = errors.map(Math.abs);
  const figures = [
    median(errors),
    quantile(absolute, 0.5),
    quantile(absolute, 0.9),
    quantile(absolute, 0.99),
  ];
  return [name, ...figures.map((error) => figure(error, 1))];
}

async function table(title: string, tools: readonly Tool[], pair: VethPair): Promise<void> {
  const rows: (readonly string[])[] = [];
  for (const family of [4, 6] as const) {
    for (const tool of tools)
      rows.push(row(`${tool.name}, IPv${family}`, await measure(tool, pair, family)));
  }
  printTable(
    `${title}; error against the wire in us, ${COUNT} packets each, one every ${INTERVAL_MS} ms`,
    ["tool", "median", "median of absolute", "p90 of absolute", "p99 of absolute"],
    rows,
  );
}

await using pair = await buildVethPair();
await table("Idle machine", [icmpx("free"), PING, FPING], pair);
await table("Event loop of the script blocked", [icmpx("blocked")], pair);

const burners = Array.from({ length: navigator.hardwareConcurrency }, () =>
  Bun.spawn([process.execPath, "-e", "for (;;);"], { stdout: "ignore", stderr: "ignore" }),
);
try {
  await table("All cores busy", [icmpx("free"), PING, FPING], pair);
} finally {
  for (const burner of burners) burner.kill();
}
