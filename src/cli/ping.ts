import type { MultipingResult } from "icmpx";
import { addressFamily } from "icmpx/packet";
import type { Command } from "./command.ts";
import { tellMissing } from "./facilities.ts";
import { ExitCode, type Host, UsageError } from "./host.ts";
import { toJson } from "./machine.ts";
import { follow, formatOf, isNothingSent, sendOptions } from "./measure.ts";
import {
  count,
  DEFAULT_SIZE,
  FAMILY,
  FORMATS,
  interfaceOrSource,
  interval,
  mark,
  NUMERIC,
  SOCKET,
  size,
  source,
  timeout,
  tos,
  VERBOSE,
} from "./options.ts";
import { PingView } from "./ping-view.ts";
import type { Values } from "./values.ts";
import { version } from "./version.ts";

/** What ping(8) calls its strategies of path MTU discovery, as the library's `dontFragment`. */
const FRAGMENTATION: Readonly<Record<string, boolean | undefined>> = {
  do: true,
  want: undefined,
  dont: false,
};

/** `icmpx ping`. */
export const PING: Command = {
  name: "ping",
  aliases: ["multiping"],
  operands: "HOST...",
  count: [1, Number.POSITIVE_INFINITY],
  summary: "ask hosts for echoes",
  description: [
    "Sends echo requests to each HOST until it is stopped (Ctrl-C) or --count is reached, shows each answer, and sums up. Ctrl-\\ shows the figures so far.",
    "Exit code: 0 when every host answered, 1 when one did not (or not to all of --count within --deadline), 2 after wrong use or a failure.",
  ],
  options: [
    count("stop after this many probes to each host"),
    interval("from one probe to the next to the same host (1)"),
    timeout("W"),
    {
      name: "deadline",
      letter: "w",
      kind: "seconds",
      value: "SECONDS",
      range: [0.001, 2_147_483],
      summary: "stop after this time, whatever was sent",
    },
    {
      name: "ttl",
      letter: "t",
      kind: "integer",
      value: "N",
      range: [1, 255],
      summary: "TTL or hop limit (64)",
    },
    size("s"),
    {
      name: "pattern",
      letter: "p",
      kind: "text",
      value: "HEX",
      summary: "fill the data with these bytes, over and over",
    },
    tos("Q"),
    interfaceOrSource("I"),
    source(),
    mark("m"),
    {
      name: "pmtudisc",
      letter: "M",
      kind: "text",
      value: "HOW",
      choices: ["do", "want", "dont"],
      summary: "fragmentation: do (never), want (as the kernel finds), dont (allow)",
    },
    {
      name: "flood",
      letter: "f",
      kind: "flag",
      summary: "as fast as answers come; a dot for each that does not, an E for an error",
    },
    {
      name: "adaptive",
      letter: "A",
      kind: "flag",
      summary: "as fast as answers come, with a line for each (-i 0)",
    },
    {
      name: "outstanding",
      letter: "O",
      kind: "flag",
      summary: "show probes without an answer, as it always does, in ping's words",
    },
    { name: "quiet", letter: "q", kind: "flag", summary: "show the summary only" },
    {
      name: "timestamp",
      letter: "D",
      kind: "flag",
      summary: "begin each line with the time, in seconds since 1970",
    },
    NUMERIC,
    {
      name: "names",
      letter: "H",
      kind: "flag",
      summary: "look up names, also of a HOST given as an address",
    },
    ...FAMILY,
    SOCKET,
    VERBOSE,
    ...FORMATS,
  ],
  elsewhere: {
    "-b": "broadcast addresses need no option; -s is the size",
    "-C": "-c N probes, and --csv or --json has each time",
    "-e": "each run has an identifier of its own",
    "-F": "the flow label cannot be set",
    "-L": "multicast is not looped back",
    "-N": "node information is not asked for",
    "-r": "routes are always used; sweep -r asks silent hosts again",
    "-S": "-I and --source take an address of ours",
    "-T": "IP options are not sent",
    "-g": "icmpx sweep takes networks and ranges",
    "-l": "-A sends as fast as answers come",
    "-R": "icmpx traceroute shows the way",
  },
  examples: [
    { line: "icmpx ping -c 5 example.org", summary: "five probes, a second apart" },
    { line: "icmpx ping -i 0.2 -w 10 192.0.2.1 192.0.2.2", summary: "two hosts for ten seconds" },
    {
      line: "icmpx ping -M do -s 1472 -c 1 192.0.2.1",
      summary: "does a packet of 1500 bytes get through?",
    },
    { line: "icmpx ping --ndjson 192.0.2.1 | jq .rtt", summary: "each result as it happens" },
  ],
  run,
};

async function run(values: Values, host: Host): Promise<number> {
  const format = formatOf(values);
  const { operands: hosts } = values;
  const options = pingOptions(values);
  const view = new PingView(values, host);
  const tooLarge = new Set<string>();
  using client = await host.createClient({});
  const result = await follow(host, () => client.multiping(hosts, options), {
    onItem: (item) => {
      if (item.kind === "sendError" && item.error === "EMSGSIZE") tooLarge.add(item.target);
      view.show(item);
    },
    onInterim: () => view.showInterim(),
    deadline: values.number("deadline"),
  });
  // Stopped before a single name was resolved.
  if (result === undefined) return ExitCode.Silent;
  view.sumUp(result);
  if (format === "json")
    host.stdout.write(
      `${toJson({ command: "ping", version: version(), targets: result.targets })}\n`,
    );
  if (format === "ndjson") {
    for (const { results: _, ...target } of result.targets)
      host.stdout.write(`${toJson({ event: "summary", ...target })}\n`);
  }
  tellMissing(client, values, host);
  // With -M do, "too big for the path" is the answer, not a failure, as for ping(8).
  const isUnsent = result.targets.some(
    (each) => isNothingSent(each.statistics) && !tooLarge.has(each.target),
  );
  return isUnsent ? ExitCode.Failed : exitCode(result, values);
}

function pingOptions(values: Values) {
  const { hosts, flood } = { hosts: values.operands, flood: values.has("flood") };
  // As ping(8): who asks for an address sees addresses.
  const wantsNames = values.has("names") || hosts.some((each) => addressFamily(each) === undefined);
  if (values.has("names") && values.has("numeric"))
    throw new UsageError("Options -H and -n exclude each other");
  const dontFragment = FRAGMENTATION[values.text("pmtudisc") ?? "want"];
  return {
    ...sendOptions(values),
    count: values.number("count") ?? Number.POSITIVE_INFINITY,
    interval: values.number("interval") ?? (flood || values.has("adaptive") ? 0 : undefined),
    ttl: values.number("ttl"),
    ...content(values),
    ...(dontFragment !== undefined && { dontFragment }),
    resolveDns: wantsNames && !values.has("numeric") && !flood,
  };
}

function content(values: Values): { readonly size?: number; readonly payload?: Uint8Array } {
  const pattern = values.text("pattern");
  const bytes = values.number("size");
  if (pattern === undefined) return bytes === undefined ? {} : { size: bytes };
  if (!/^([\da-f]{2}){1,16}$/i.test(pattern)) {
    throw new UsageError(
      `Option --pattern is ${JSON.stringify(pattern)}: need 1 to 16 bytes in hexadecimal`,
    );
  }
  const given = Uint8Array.fromHex(pattern);
  return {
    payload: Uint8Array.from(
      { length: bytes ?? DEFAULT_SIZE },
      (_, index) => given[index % given.length] ?? 0,
    ),
  };
}

function exitCode(result: MultipingResult, values: Values): number {
  if (result.targets.some(({ failure }) => failure !== null)) return ExitCode.Failed;
  // As ping(8) has it: with a count and a deadline, all of them must have been answered.
  const wanted = values.has("deadline") ? (values.number("count") ?? 1) : 1;
  const isAnswered = result.targets.every(({ statistics }) => statistics.received >= wanted);
  return isAnswered ? ExitCode.Answered : ExitCode.Silent;
}
