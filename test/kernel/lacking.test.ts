import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants } from "node:os";
import { join } from "node:path";
import type { Diagnosis } from "../../src/cli/diagnosis.ts";
import {
  F_SETOWN,
  F_SETSIG,
  SO_ATTACH_FILTER,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace, outputOf } from "../lab/namespaces.ts";
import { describeIf } from "../support/requires.ts";
import type { Refusal } from "../support/sandbox.ts";
import type { LackingReport } from "./children/lacking.ts";

setDefaultTimeout(60_000);

const { EINVAL, ENOMEM, ENOPROTOOPT, ENOSYS, EPERM } = constants.errno;

const noOption = (option: number, errno: number): Refusal => ({
  call: "setsockopt",
  where: { 1: SOL_SOCKET, 2: option },
  errno,
});

/** What a process may not do, and how a socket names it; `raw` and `datagram` where they differ. */
const LACKS: readonly {
  readonly name: string;
  readonly refusals: readonly Refusal[];
  readonly missing?: readonly string[];
  readonly raw?: readonly string[];
  readonly datagram?: readonly string[];
  /** Whether RTTs are still measured by the kernel. */
  readonly isStamped?: boolean;
}[] = [
  { name: "nothing", refusals: [], missing: [] },
  {
    name: "recvmmsg() (ENOSYS)",
    refusals: [{ call: "recvmmsg", errno: ENOSYS }],
    missing: ["probes: recvmmsg() ENOSYS", "sweep: recvmmsg() ENOSYS"],
  },
  {
    name: "recvmmsg() and recvmsg() (EPERM)",
    refusals: [
      { call: "recvmmsg", errno: EPERM },
      { call: "recvmsg", errno: EPERM },
    ],
    missing: [
      "probes: MSG_ERRQUEUE ENOTSUP",
      "probes: recvmmsg() EPERM",
      "probes: recvmsg() EPERM",
      "sweep: recvmmsg() EPERM",
      "sweep: recvmsg() EPERM",
    ],
    datagram: ["sweep: MSG_ERRQUEUE ENOTSUP"],
    isStamped: false,
  },
  {
    name: "sendmmsg() (ENOSYS)",
    refusals: [{ call: "sendmmsg", errno: ENOSYS }],
    missing: ["sweep: sendmmsg() ENOSYS"],
  },
  {
    name: "sendmmsg() and sendmsg() (ENOSYS)",
    refusals: [
      { call: "sendmmsg", errno: ENOSYS },
      { call: "sendmsg", errno: ENOSYS },
    ],
    missing: ["probes: sendmsg() ENOSYS", "sweep: sendmmsg() ENOSYS"],
  },
  {
    name: "sendmsg() (EINVAL, as where the kernel does not know a control message)",
    refusals: [{ call: "sendmsg", errno: EINVAL }],
    missing: ["probes: sendmsg() EINVAL"],
  },
  {
    name: "SO_ATTACH_FILTER (ENOMEM)",
    refusals: [noOption(SO_ATTACH_FILTER, ENOMEM)],
    raw: ["probes: SO_ATTACH_FILTER ENOMEM", "sweep: SO_ATTACH_FILTER ENOMEM"],
  },
  {
    name: "SO_TIMESTAMPING (ENOPROTOOPT)",
    refusals: [noOption(SO_TIMESTAMPING, ENOPROTOOPT)],
    missing: ["probes: SO_TIMESTAMPING ENOPROTOOPT", "sweep: SO_TIMESTAMPING ENOPROTOOPT"],
    isStamped: false,
  },
  {
    name: "signals (F_SETSIG answered by EINVAL)",
    refusals: [{ call: "fcntl", where: { 1: F_SETSIG }, errno: EINVAL }],
    missing: ["probes: O_ASYNC EINVAL"],
  },
  {
    name: "signals (settings are taken, and do nothing)",
    refusals: [{ call: "fcntl", where: { 1: F_SETOWN }, errno: 0 }],
    missing: ["probes: O_ASYNC no signal"],
  },
  {
    name: "signals (silently) and time stamps",
    refusals: [
      { call: "fcntl", where: { 1: F_SETOWN }, errno: 0 },
      noOption(SO_TIMESTAMPING, ENOPROTOOPT),
      noOption(SO_TIMESTAMP, ENOPROTOOPT),
    ],
    missing: [
      "probes: O_ASYNC no signal",
      "probes: SO_TIMESTAMPING ENOPROTOOPT",
      "sweep: SO_TIMESTAMPING ENOPROTOOPT",
    ],
    isStamped: false,
  },
  { name: "poll() (ENOSYS)", refusals: [{ call: "poll", errno: ENOSYS }], missing: [] },
];

const SANDBOX = join(import.meta.dir, "children/sandboxed.ts");
const ENTRY = join(import.meta.dir, "../../src/cli/icmpx.ts");
/** Before Linux 6.8 it belongs to the whole host, and must not be touched here. */
const OPTMEM = "/proc/sys/net/core/optmem_max";

describeIf(requiresLab(), "a process that lacks what Linux offers", () => {
  const lab = new Lab();
  let host: Namespace;
  beforeAll(async () => {
    host = lab.add("host");
    await lab.build();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  /** What `icmpx` prints, on both outputs, where `refusals` are in force. */
  function icmpx(refusals: readonly Refusal[], ...args: string[]): Promise<string> {
    const program = [process.execPath, "--preload", SANDBOX, ENTRY, ...args];
    const shell = ["sh", "-c", '"$@" 2>&1', "sh"];
    const child = host.spawn([
      "env",
      `ICMPX_REFUSALS=${JSON.stringify(refusals)}`,
      ...shell,
      ...program,
    ]);
    return outputOf(child, args.join(" "));
  }

  describe.each(LACKS)(
    "$name",
    ({ refusals, missing = [], raw = [], datagram = [], isStamped = true }) => {
      test("pings and sweeps with every kind of socket, and says what it does without", async () => {
        const reports = (await host.run("lacking.ts", { refusals })) as LackingReport[];
        expect(reports.map(({ family, privileged }) => [family, privileged])).toEqual([
          [4, true],
          [4, false],
          [6, true],
          [6, false],
        ]);
        for (const report of reports) {
          expect(report).toMatchObject({
            received: 3,
            isPrompt: true,
            isStamped,
            swept: 1,
            missing: [...missing, ...(report.privileged ? raw : datagram)].sort(),
          });
        }
      });

      test("icmpx doctor lists it for each socket", async () => {
        const { ok, sockets } = JSON.parse(await icmpx(refusals, "doctor", "--json")) as Diagnosis;
        expect(ok).toBe(true);
        for (const { kind, state, rtt, missing: listed } of sockets) {
          expect([kind, state, rtt]).toEqual([kind, "open", expect.any(Number)]);
          const expected = [...missing, ...(kind === "raw" ? raw : datagram)];
          expect(listed.map(({ name, code }) => `probes: ${name} ${code}`).sort()).toEqual(
            expected.filter((text) => text.startsWith("probes:")).sort(),
          );
        }
      });
    },
  );

  test("with --verbose, ping and sweep have a line for it, and nothing of this program's source", async () => {
    const refusals: Refusal[] = (["recvmmsg", "sendmmsg"] as const).map((call) => ({
      call,
      errno: ENOSYS,
    }));
    const oneByOne = "packets are moved one by one, which costs time";
    const ping = await icmpx(refusals, "ping", "-v", "-c", "1", "127.0.0.1");
    expect(ping).toContain("1 received, 0% packet loss");
    expect(ping).toContain(`icmpx: raw IPv4 socket: without recvmmsg() (ENOSYS): ${oneByOne}\n`);
    const sweep = await icmpx(refusals, "sweep", "-v", "127.0.0.1");
    expect(sweep).toContain("1 host: 1 alive");
    for (const call of ["recvmmsg", "sendmmsg"])
      expect(sweep).toMatch(
        new RegExp(`^icmpx: raw IPv4 socket: .*without ${call}\\(\\) \\(ENOSYS\\): `, "m"),
      );
    for (const output of [ping, sweep]) expect(output).not.toContain(".ts");
  });

  test.each([0, 128])(
    "net.core.optmem_max of %d costs the filter of raw sockets",
    async (bytes) => {
      if (!(await isOwn(host, OPTMEM))) return;
      await host.exec("sh", "-c", `echo ${bytes} >${OPTMEM}`);
      try {
        const reports = (await host.run("lacking.ts", { refusals: [] })) as LackingReport[];
        expect(reports).toHaveLength(4);
        for (const { received, isStamped, swept, privileged, missing } of reports) {
          expect([received, swept, isStamped]).toEqual([3, 1, true]);
          expect(missing).toEqual(
            privileged ? ["probes: SO_ATTACH_FILTER ENOMEM", "sweep: SO_ATTACH_FILTER ENOMEM"] : [],
          );
        }
      } finally {
        await host.exec("sh", "-c", `echo 131072 >${OPTMEM}`);
      }
    },
  );
});

/** Whether a setting is this namespace's own: those of the whole host are not shown in it. */
async function isOwn(namespace: Namespace, path: string): Promise<boolean> {
  return (await namespace.exec("sh", "-c", `test -e ${path} && echo own || true`)).trim() === "own";
}
