import type { Family } from "../../src/packet/address.ts";
import type { Stand } from "./stand.ts";

/** Whom a tool measures, and when it gives up waiting, in milliseconds. */
export interface ToolCall {
  readonly family: Family;
  readonly target: string;
  readonly timeout: number;
}

/** How many probes of a ping, and how long from one to the next, in milliseconds. */
export interface Pacing {
  readonly count: number;
  readonly interval: number;
}

/** What ping(8) says. */
export interface PingReport {
  readonly sent: number;
  readonly received: number;
  /** Sequence numbers, from 1, of the probes that were answered by the target, ascending. */
  readonly answered: readonly number[];
  /** Replies that were marked as duplicates. */
  readonly duplicates: number;
  /** Least RTT in milliseconds, or null without a reply. */
  readonly min: number | null;
}

/** What traceroute(8) says of one hop. */
export interface TracerouteHop {
  /** Who answered each probe, in the order sent, or null. */
  readonly probes: readonly (string | null)[];
  /**
   * The RFC 4884 objects of answers, as text, each where it differs from that of the answer before.
   */
  readonly extensions: readonly string[];
}

/** What mtr(8) says of one hop. */
export interface MtrHub {
  /** Who answered, or null. */
  readonly addr: string | null;
  readonly sent: number;
  readonly lost: number;
}

/** Runs ping(8) of iputils. */
export async function ping(
  stand: Stand,
  { family, target, timeout }: ToolCall,
  { count, interval }: Pacing,
): Promise<PingReport> {
  const command = `ping -n -${family} -c ${count} -i ${interval / 1000} -W ${timeout / 1000} ${target}`;
  // 1 means that some probes stayed without an answer.
  return readPing(await stand.tool("sh", "-c", `LC_ALL=C ${command} || test $? -eq 1`));
}

/** Runs `traceroute -I` with three probes a hop. */
export async function traceroute(
  stand: Stand,
  { family, target, timeout }: ToolCall,
  maxHops: number,
): Promise<readonly TracerouteHop[]> {
  const options = [
    "-n",
    `-${family}`,
    "-I",
    "-e",
    "-q",
    "3",
    "-w",
    `${timeout / 1000}`,
    "-m",
    `${maxHops}`,
  ];
  return readTraceroute(await stand.tool("traceroute", ...options, target));
}

/** Runs mtr(8) for some rounds. */
export async function mtr(
  stand: Stand,
  { family, target, timeout }: ToolCall,
  { maxHops, count, interval }: Pacing & { readonly maxHops: number },
): Promise<readonly MtrHub[]> {
  const output = await stand.tool(
    ...["mtr", "-n", `-${family}`, "--json", "-c", `${count}`, "-i", `${interval / 1000}`],
    ...["-G", `${timeout / 1000}`, "-m", `${maxHops}`, "-U", `${maxHops}`, target],
  );
  return readMtr(output);
}

/** @throws Error when it is not what ping prints. */
export function readPing(output: string): PingReport {
  const totals = /^(\d+) packets transmitted, (\d+) received/m.exec(output);
  if (totals === null) throw new Error(`Not the output of ping: ${output}`);
  const replies = [...output.matchAll(/^\d+ bytes from .* icmp_seq=(\d+) .*$/gm)];
  const first = replies.filter(([line]) => !line.includes("DUP!"));
  const least = /min\/avg\/max\/mdev = ([\d.]+)\//.exec(output)?.[1];
  return {
    sent: Number(totals[1]),
    received: Number(totals[2]),
    answered: first.map(([, sequence]) => Number(sequence)).sort((a, b) => a - b),
    duplicates: replies.length - first.length,
    min: least === undefined ? null : Number(least),
  };
}

/** @throws Error when it is not what traceroute prints. */
export function readTraceroute(output: string): TracerouteHop[] {
  const [header = "", ...lines] = output.trimEnd().split("\n");
  if (!header.startsWith("traceroute to "))
    throw new Error(`Not the output of traceroute: ${output}`);
  return lines.map((line, index) => {
    const [ttl, ...words] = line.trim().split(/\s+/);
    if (Number(ttl) !== index + 1) throw new Error(`Not a hop of traceroute: ${line}`);
    const probes: (string | null)[] = [];
    const extensions: string[] = [];
    let current: string | null = null;
    for (const word of words) {
      if (word === "*") probes.push(null);
      // The address is printed where it changes.
      else if (word === "ms") probes.push(current);
      else if (word.startsWith("<")) extensions.push(word);
      else if (/^[\da-f]*[:.][\da-f:.]*$/.test(word) && !/^\d+\.\d+$/.test(word)) current = word;
    }
    return { probes, extensions };
  });
}

/** @throws Error when it is not the JSON of mtr. */
export function readMtr(output: string): MtrHub[] {
  const { report } = JSON.parse(output) as {
    report: { hubs: { host: string; "Loss%": number; Snt: number }[] };
  };
  return report.hubs.map(({ host, "Loss%": loss, Snt: sent }) => ({
    addr: host === "???" ? null : host,
    sent,
    // It prints the ratio, rounded to a tenth of a per cent.
    lost: Math.round((loss / 100) * sent),
  }));
}
