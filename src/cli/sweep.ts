import type { SweepItem, SweepMeasurement, SweepResult } from "icmpx";
import type { Command } from "./command.ts";
import { tellMissing } from "./facilities.ts";
import { ExitCode, type Host, UsageError } from "./host.ts";
import { readChunks } from "./input.ts";
import { follow, sendOptions } from "./measure.ts";
import {
  FAMILY,
  FORMATS,
  interfaceOrSource,
  mark,
  SOCKET,
  size,
  source,
  timeout,
  tos,
  VERBOSE,
} from "./options.ts";
import { ProgressLine } from "./progress-line.ts";
import { progressText } from "./sweep-text.ts";
import { SweepView } from "./sweep-view.ts";
import { targetLines } from "./target-lines.ts";
import type { Values } from "./values.ts";

/** `icmpx sweep`. */
export const SWEEP: Command = {
  name: "sweep",
  aliases: [],
  operands: "TARGET...",
  count: [0, Number.POSITIVE_INFINITY],
  summary: "find out which of many hosts are alive",
  description: [
    "Sends an echo request to every TARGET, and again to those that are silent, and prints those that answer, one a line. A TARGET is an address, the name of a host, a network (192.0.2.0/24, 2001:db8::/120) or a range (192.0.2.5-9, 192.0.2.5-192.0.3.7). IPv4 networks come without network and broadcast address, as with fping -g. The totals go to stderr, and on a terminal a line that tells how far it is. Ctrl-\\ shows that, too.",
    "Exit code: 0 when every host answered (with -x, as many as that), 1 when one did not, 2 after wrong use or a failure, such as a name that does not resolve.",
  ],
  options: [
    {
      name: "alive",
      letter: "a",
      kind: "flag",
      summary: "print the hosts that answer (the default)",
    },
    { name: "unreach", letter: "u", kind: "flag", summary: "print the hosts that do not" },
    { name: "all", letter: "A", kind: "flag", summary: "print every host, and what became of it" },
    { name: "elapsed", letter: "e", kind: "flag", summary: "print the round-trip time, too" },
    { name: "quiet", letter: "q", kind: "flag", summary: "print no host" },
    {
      name: "file",
      letter: "f",
      kind: "text",
      value: "FILE",
      takesFile: true,
      summary: "read targets, one a line or several, after those given (-: from standard input)",
    },
    {
      name: "exclude",
      kind: "text",
      value: "LIST",
      summary: "leave out these addresses, networks and ranges (with commas between them)",
    },
    {
      name: "exclude-file",
      also: ["excludefile"],
      kind: "text",
      value: "FILE",
      takesFile: true,
      summary: "leave out those in this file, one a line",
    },
    {
      name: "order",
      kind: "text",
      value: "HOW",
      choices: ["sequential", "random"],
      summary: "sequential (as given) or random, so that no network is hit all at once",
    },
    {
      name: "seed",
      kind: "integer",
      value: "N",
      range: [0, Number.MAX_SAFE_INTEGER],
      summary: "make the random order the same each time",
    },
    {
      name: "rate",
      also: ["max-rate"],
      kind: "text",
      value: "N",
      summary: "packets a second, or max (10000)",
    },
    {
      name: "retries",
      letter: "r",
      also: ["retry"],
      kind: "integer",
      value: "N",
      range: [0, 15],
      summary: "how often to ask a silent host again, waiting 1.5 times as long each time (1)",
    },
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
      name: "reachable",
      letter: "x",
      kind: "integer",
      value: "N",
      range: [1, Number.MAX_SAFE_INTEGER],
      summary: "exit with 0 when this many hosts answer",
    },
    {
      name: "ttl",
      letter: "H",
      kind: "integer",
      value: "N",
      range: [1, 255],
      summary: "TTL or hop limit (64)",
    },
    { ...size("b"), range: [16, 65_507] },
    tos("O"),
    interfaceOrSource("I"),
    source("S", ["src"]),
    {
      name: "dont-fragment",
      letter: "M",
      also: ["dontfrag"],
      kind: "flag",
      summary: "set the don't fragment bit",
    },
    mark("k"),
    ...FAMILY,
    SOCKET,
    VERBOSE,
    ...FORMATS,
  ],
  elsewhere: {
    "-g": "networks and ranges are just targets",
    "-t": "-W takes seconds",
    "-i": "--rate takes packets a second",
    "-B": "a silent host is always given 1.5 times as long",
    "-C": "icmpx ping asks several hosts over and over",
    "-Q": "Ctrl-\\ shows the totals so far",
    "-p": "icmpx ping -i is the time from one probe to the next",
    "-c": "icmpx ping asks several hosts over and over",
    "-l": "icmpx ping asks several hosts over and over",
    "-s": "the totals are always shown",
    "-n": "no names are looked up of those who answer",
    "-d": "no names are looked up of those who answer",
  },
  examples: [
    { line: "icmpx sweep 192.0.2.0/24", summary: "which addresses are in use?" },
    { line: "icmpx sweep -u -f hosts.txt", summary: "which hosts of a list are down?" },
    {
      line: "icmpx sweep --rate 50000 --order random --exclude 10.1.0.0/16,10.2.0.9 10.0.0.0/8",
      summary: "a large network, gently to each part of it",
    },
    {
      line: "icmpx sweep -A 2001:db8::/120",
      summary: "every address, with its time or why there is none",
    },
    { line: "icmpx sweep --ndjson 192.0.2.0/24 | jq -r .addr", summary: "for another program" },
  ],
  run,
};

async function run(values: Values, host: Host): Promise<number> {
  const options = await sweepOptions(values, host);
  using client = await host.createClient({});
  let sweep: SweepMeasurement<SweepItem> | undefined;
  const progress = (): string => (sweep === undefined ? "" : progressText(sweep.progress));
  using line = new ProgressLine(host, progress);
  using view = new SweepView(values, host, line);
  const make = (): SweepMeasurement<SweepItem> => {
    sweep = client.sweep(targetsOf(values, host), options);
    return sweep;
  };
  const result = await follow(host, make, {
    onItem: (item) => view.show(item),
    onInterim: () => view.tell(progress()),
    onPause: () => view.pause(),
    deadline: values.number("deadline"),
  });
  if (result === undefined) return ExitCode.Silent;
  view.sumUp(result);
  tellMissing(client, values, host);
  return exitCode(result, values);
}

async function sweepOptions(values: Values, host: Host) {
  const shown = ["alive", "unreach", "all", "quiet"].filter((name) => values.has(name));
  if (shown.length > 1)
    throw new UsageError(`Options --${shown[0]} and --${shown[1]} exclude each other`);
  if (values.operands.length === 0 && !values.has("file")) {
    throw new UsageError("Need TARGET..., or --file: icmpx sweep --help shows how");
  }
  return {
    ...sendOptions(values),
    ...(values.has("dont-fragment") && { dontFragment: true }),
    all: values.has("all") || values.has("unreach"),
    rate: rateOf(values.text("rate")),
    retries: values.number("retries"),
    order: values.text("order") === "random" ? "random" : "sequential",
    seed: values.number("seed"),
    exclude: await excludes(values, host),
    ttl: values.number("ttl"),
    size: values.number("size"),
  } as const;
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === "max") return Number.POSITIVE_INFINITY;
  const rate = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : 0;
  if (rate > 0) return rate;
  throw new UsageError(
    `Option --rate is ${JSON.stringify(text)}: need packets a second, above 0, or max`,
  );
}

async function excludes(values: Values, host: Host): Promise<string[]> {
  const given = (values.text("exclude") ?? "").split(/[\s,]+/).filter((text) => text !== "");
  const path = values.text("exclude-file");
  if (path === undefined) return given;
  if (path === "-" && values.text("file") === "-") {
    throw new UsageError("Options --file and --exclude-file cannot both read standard input");
  }
  return [...given, ...(await Array.fromAsync(targetLines(readChunks(path, host))))];
}

/** An array where all is given on the command line, so that their number is known. */
function targetsOf(values: Values, host: Host): readonly string[] | AsyncIterable<string> {
  const path = values.text("file");
  if (path === undefined) return values.operands;
  return readTargets(values.operands, readChunks(path, host));
}

async function* readTargets(
  operands: readonly string[],
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  yield* operands;
  yield* targetLines(chunks);
}

function exitCode({ hosts, answered, failed, sendErrors }: SweepResult, values: Values): number {
  const wanted = values.number("reachable");
  if (wanted !== undefined && answered >= wanted) return ExitCode.Answered;
  if (failed > 0 || (hosts > 0 && sendErrors === hosts)) return ExitCode.Failed;
  return wanted === undefined && answered === hosts && hosts > 0
    ? ExitCode.Answered
    : ExitCode.Silent;
}
