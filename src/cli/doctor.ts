import type { Command } from "./command.ts";
import { type Diagnosis, diagnose, remedyText, type SocketState } from "./diagnosis.ts";
import { missingText, socketName } from "./facilities.ts";
import { grant } from "./grant.ts";
import { ExitCode, type Host, UsageError } from "./host.ts";
import { toJson } from "./machine.ts";
import { type Paint, painter, shellQuoted } from "./text.ts";
import type { Values } from "./values.ts";

/** `icmpx doctor`. */
export const DOCTOR: Command = {
  name: "doctor",
  aliases: [],
  operands: "",
  count: [0, 0],
  summary: "tell what may be opened here, and what would allow more",
  description: [
    "Opens each kind of socket and asks the loopback with it: raw sockets need CAP_NET_RAW, datagram ones a group within net.ipv4.ping_group_range. Nothing leaves this host.",
    "With --fix it grants cap_net_raw to this Bun, through sudo unless run by root, and verifies it in a fresh process. Anyone who may run that Bun can then send and read raw packets; --copy-to grants it to a private copy instead. icmpx --bootstrap-cap does the same, and starts the terminal UI with that Bun then.",
    "Exit code: 0 when probes can be sent, 1 when not, 2 after wrong use or a failure.",
  ],
  options: [
    { name: "fix", kind: "flag", summary: "grant cap_net_raw to this Bun" },
    {
      name: "copy-to",
      kind: "text",
      value: "PATH",
      takesFile: true,
      summary: "with --fix: copy Bun there, and grant it to the copy",
    },
    { name: "json", letter: "j", kind: "flag", summary: "one JSON document" },
  ],
  examples: [
    { line: "icmpx doctor", summary: "" },
    {
      line: "icmpx doctor --fix --copy-to ~/.local/bin/bun-icmp",
      summary: "raw sockets, but not for every script",
    },
  ],
  run,
};

/**
 * What `--fix` does.
 *
 * @returns the Bun that has the capability now, or undefined
 */
export async function fix(values: Values, host: Host): Promise<string | undefined> {
  if (values.has("json")) throw new UsageError("Options --fix and --json exclude each other");
  using client = await host.createClient({});
  return grant(host, await diagnose(client), values.text("copy-to"));
}

async function run(values: Values, host: Host): Promise<number> {
  if (values.has("fix"))
    return (await fix(values, host)) === undefined ? ExitCode.Failed : ExitCode.Answered;
  if (values.has("copy-to")) throw new UsageError("Option --copy-to needs --fix");
  using client = await host.createClient({});
  const diagnosis = await diagnose(client);
  const { stdout } = host;
  stdout.write(
    `${values.has("json") ? toJson({ command: "doctor", ...diagnosis }) : describe(diagnosis, painter(host, stdout))}\n`,
  );
  return diagnosis.ok ? ExitCode.Answered : ExitCode.Silent;
}

function describe(diagnosis: Diagnosis, paint: Paint): string {
  const { bun, kernel, process, pingGroupRange, isInPingGroup, sockets, obstacle, ok, remedies } =
    diagnosis;
  const user =
    process.uid === null ? "unknown" : `${process.uid}${process.uid === 0 ? " (root)" : ""}`;
  const capability =
    process.capNetRaw === null
      ? "unknown"
      : process.capNetRaw
        ? `effective${process.isNetworkForeign ? ", but not for this network" : ""}`
        : "not effective";
  const range =
    pingGroupRange === null
      ? "this kernel has none"
      : `${pingGroupRange.join(" ")} (${isInPingGroup ? "holds a group of this process" : "holds no group of this process"})`;
  const open = [4, 6].filter((family) =>
    sockets.some((socket) => socket.family === family && socket.state === "open"),
  );
  const verdict = ok
    ? paint("green", "Probes can be sent.")
    : paint(
        "red",
        open.length === 0
          ? "No probe can be sent."
          : `Probes can be sent over IPv${open.join(" and IPv")} only.`,
      );
  return [
    `icmpx             ${diagnosis.version}`,
    `Bun               ${bun.version}, ${shellQuoted(bun.path)}`,
    `System            ${kernel}`,
    `User              ${user}, groups ${process.groups.join(" ")}`,
    `CAP_NET_RAW       ${capability}`,
    `ping_group_range  ${range}`,
    ...(obstacle === null ? [] : [`Obstacle          ${obstacle}`]),
    "",
    ...sockets.flatMap((socket) => describeSocket(socket, paint)),
    "",
    verdict,
    ...(remedies.length === 0
      ? []
      : [
          "",
          ok
            ? "What is denied would be allowed by:"
            : remedies.length === 1
              ? "This helps:"
              : "Any of these helps; the first allow least:",
        ]),
    ...remedies.map(remedyText),
  ].join("\n");
}

/** A line, and one below it for each facility that it does without. */
function describeSocket(socket: SocketState, paint: Paint): string[] {
  const { kind, family, missing } = socket;
  const name = socketName({ privileged: kind === "raw", family }).padEnd(18);
  return [
    `${name}${describeState(socket, paint)}`,
    ...missing.map((each) => `  ${paint("yellow", missingText(each))}`),
  ];
}

function describeState(
  { state, reason, rtt, kernelTimestamps }: SocketState,
  paint: Paint,
): string {
  if (state !== "open") return paint(state === "denied" ? "red" : "dim", `${state} (${reason})`);
  if (rtt === null) return `${paint("green", "opens")}, but ${reason}`;
  const stamps = kernelTimestamps ? "stamped by the kernel" : "stamped in user space";
  return `${paint("green", "opens")}, loopback answers in ${rtt.toFixed(3)} ms, ${stamps}`;
}
