import { type EchoIcmpErrorResult, formatHop, formatStopReason, type TracerouteEntry } from "icmpx";
import { escapeText } from "icmpx/packet";
import type { Command } from "./command.ts";
import { tellMissing } from "./facilities.ts";
import { ExitCode, type Host } from "./host.ts";
import { toCsv, toJson } from "./machine.ts";
import { follow, formatOf, sendOptions } from "./measure.ts";
import {
  DEFAULT_SIZE,
  FAMILY,
  FORMATS,
  hops,
  ICMP_ONLY,
  interfaceOrSource,
  mark,
  NUMERIC,
  SOCKET,
  size,
  source,
  timeout,
  tos,
  VERBOSE,
} from "./options.ts";
import { ProgressLine } from "./progress-line.ts";
import { packetLength } from "./text.ts";
import type { Values } from "./values.ts";
import { version } from "./version.ts";

const DEFAULT_MAX_TTL = 30;

const CSV_COLUMNS = [
  "target",
  "ttl",
  "probe",
  "kind",
  "address",
  "name",
  "rtt_ms",
  "error",
  "unverified",
];

/** `icmpx traceroute`. */
export const TRACEROUTE: Command = {
  name: "traceroute",
  aliases: ["trace"],
  operands: "HOST",
  count: [1, 1],
  summary: "find the routers on the way to a host",
  description: [
    "Sends echo requests that live for one hop, two hops and so on, and shows who answered each of them.",
    "Exit code: 0 when HOST answered, 1 when it did not, 2 after wrong use or a failure.",
  ],
  options: [
    ...hops(),
    {
      name: "queries",
      letter: "q",
      kind: "integer",
      value: "N",
      range: [1, 1000],
      summary: "probes for each hop (3)",
    },
    timeout("w", ["wait"]),
    {
      name: "sim-queries",
      letter: "N",
      kind: "integer",
      value: "N",
      range: [1, 10_000],
      summary: "probes in flight at most (100)",
    },
    { name: "dont-fragment", letter: "F", kind: "flag", summary: "set the don't fragment bit" },
    tos("t"),
    interfaceOrSource("i"),
    source("s"),
    size(),
    mark(),
    {
      name: "icmp",
      letter: "I",
      kind: "flag",
      summary: "use ICMP echo requests, as it always does",
    },
    NUMERIC,
    ...FAMILY,
    SOCKET,
    VERBOSE,
    ...FORMATS,
  ],
  elsewhere: {
    "-T": ICMP_ONLY,
    "--tcp": ICMP_ONLY,
    "-U": ICMP_ONLY,
    "--udp": ICMP_ONLY,
    "-p": ICMP_ONLY,
    "--port": ICMP_ONLY,
    "-P": ICMP_ONLY,
    "-A": "AS numbers are not looked up",
    "-g": "source routes are not set",
    "-l": "the flow label cannot be set",
    "-M": ICMP_ONLY,
    "-O": ICMP_ONLY,
    "-z": "-N is how many probes are in flight at once",
    "--sport": ICMP_ONLY,
    "-e": "MPLS labels are always shown",
    "--mtu": "icmpx ping -M do -s BYTES asks for one size",
  },
  examples: [
    { line: "icmpx traceroute example.org", summary: "" },
    { line: "icmpx trace -n -q 1 -w 0.5 192.0.2.1", summary: "quickly, without names" },
    {
      line: "icmpx traceroute --json 192.0.2.1 | jq '.hops[].addr'",
      summary: "the addresses only",
    },
  ],
  run,
};

async function run(values: Values, host: Host): Promise<number> {
  const format = formatOf(values);
  const { stdout, stderr } = host;
  const [target = ""] = values.operands;
  const options = {
    ...sendOptions(values),
    maxHops: values.number("max-ttl"),
    firstTtl: values.number("first-ttl"),
    gapLimit: values.number("max-unknown"),
    probes: values.number("queries"),
    concurrency: values.number("sim-queries"),
    size: values.number("size"),
    resolveDns: !values.has("numeric"),
    ...(values.has("dont-fragment") && { dontFragment: true }),
    onProvisional: ({ request, reply }: EchoIcmpErrorResult) => {
      unverified.set(request.ttl, reply.addr);
      line.draw();
    },
  };
  /**
   * Who seems to be at the hops that are not shown yet. They wait for better answers until the
   * timeout.
   */
  const unverified = new Map<number, string>();
  using line = new ProgressLine(host, () => unverifiedText(unverified));
  let shown = 0;
  const show = (hop: TracerouteEntry): void => {
    shown += 1;
    unverified.delete(hop.ttl);
    switch (format) {
      case "json":
        break;
      case "ndjson":
        stdout.write(`${toJson({ event: "hop", ...hop })}\n`);
        break;
      case "csv":
        if (shown === 1) stdout.write(`${toCsv(CSV_COLUMNS)}\n`);
        for (const row of csvRows(target, hop)) stdout.write(`${toCsv(row)}\n`);
        break;
      case "text": {
        const address = hop.probes[0]?.request.addr ?? target;
        if (shown === 1) stdout.write(`${heading(values, address)}\n`);
        stdout.write(`${formatHop(hop)}\n`);
        break;
      }
      default:
        format satisfies never;
    }
  };
  using client = await host.createClient({});
  const result = await follow(host, () => client.traceroute(target, options), {
    onItem: (hop) => line.above(() => show(hop)),
    onInterim: () => stderr.write(`${shown} ${shown === 1 ? "hop" : "hops"} so far\n`),
  });
  line.end();
  if (result === undefined) return ExitCode.Silent;
  const { hops: _, ...end } = result;
  if (format === "csv" && shown === 0) stdout.write(`${toCsv(CSV_COLUMNS)}\n`);
  if (format === "text") stdout.write(`${formatStopReason(result)}\n`);
  if (format === "json")
    stdout.write(`${toJson({ command: "traceroute", version: version(), ...result })}\n`);
  if (format === "ndjson") stdout.write(`${toJson({ event: "summary", ...end })}\n`);
  tellMissing(client, values, host);
  if (
    result.hops.every(({ probes }) => probes.every(({ kind }) => kind === "sendError")) &&
    result.hops.length > 0
  )
    return ExitCode.Failed;
  return result.reached ? ExitCode.Answered : ExitCode.Silent;
}

/** That of traceroute(8). */
function heading(values: Values, address: string): string {
  const host = `${escapeText(values.operands[0] ?? "")} (${escapeText(address)})`;
  const bytes = packetLength(address, values.number("size") ?? DEFAULT_SIZE);
  const maxHops = values.number("max-ttl") ?? DEFAULT_MAX_TTL;
  return `traceroute to ${host}, ${maxHops} hops max, ${bytes} byte packets`;
}

/** `unverified so far: 2 10.0.2.1, 3 10.0.3.1`; empty when there is nobody. */
function unverifiedText(addresses: ReadonlyMap<number, string>): string {
  const hops = [...addresses].sort(([a], [b]) => a - b).map(([ttl, addr]) => `${ttl} ${addr}`);
  return hops.length === 0 ? "" : `unverified so far: ${hops.join(", ")}`;
}

function csvRows(target: string, { ttl, probes }: TracerouteEntry) {
  return probes.map((probe, index) => [
    target,
    ttl,
    index + 1,
    probe.kind,
    probe.reply?.addr,
    probe.reply?.hostname,
    probe.rtt,
    probe.error,
    probe.kind === "icmpError" && probe.unverified,
  ]);
}
