import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import {
  IPPROTO_IPV6,
  IPV6_RECVHOPLIMIT,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import { echoReply } from "../support/fake-network.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { type CliOutcome, runOn } from "./fake-environment.ts";

const { ENOPROTOOPT, EINVAL } = constants.errno;
const STAMPS = "without SO_TIMESTAMPING (ENOPROTOOPT): RTTs include delays of this process";
const HOP_LIMIT = "without IPV6_RECVHOPLIMIT (EINVAL): the TTL of replies is not known";

function run(line: string, refuse: boolean, allowRaw = true): Promise<CliOutcome> {
  const fake = fakePlatform({ network: (probe) => [echoReply(probe, { delayMs: 1 })], allowRaw });
  if (refuse) {
    for (const option of [SO_TIMESTAMPING, SO_TIMESTAMP])
      fake.kernel.refuseOption(SOL_SOCKET, option, ENOPROTOOPT);
    fake.kernel.refuseOption(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, EINVAL);
  }
  return runOn(fake, line);
}

const LINES: Readonly<Record<string, string>> = {
  ping: "ping -c 2 -i 0.01",
  sweep: "sweep",
  traceroute: "traceroute -n",
  mtr: "mtr -n -r -c 2 -i 0.01",
};

describe.each(Object.entries(LINES))("icmpx %s -v", (name, line) => {
  /** Its last lines on stderr: a sweep has its totals before them. */
  const told = ({ stderr }: CliOutcome): string[] =>
    stderr.split("\n").filter((each) => each.startsWith("icmpx: "));

  test("tells once what each kind of socket lacks, after the run", async () => {
    const ipv4 = await run(`${line} -v 192.0.2.1`, true);
    expect(ipv4.code).toBe(0);
    expect(told(ipv4)).toEqual([`icmpx: raw IPv4 socket: ${STAMPS}`]);
    expect(ipv4.stderr).toEndWith(`${STAMPS}\n`);
    const ipv6 = await run(`${line} --verbose 2001:db8::1`, true, false);
    expect(told(ipv6)).toEqual([`icmpx: datagram IPv6 socket: ${STAMPS}; ${HOP_LIMIT}`]);
  });

  test("leaves stdout as it is", async () => {
    const { stdout } = await run(`${line} -v --csv 192.0.2.1`, true);
    expect(stdout).not.toContain("SO_TIMESTAMPING");
  });

  test("says nothing where nothing lacks, and nothing unless asked", async () => {
    expect(told(await run(`${line} -v 192.0.2.1`, false))).toEqual([]);
    expect(told(await run(`${line} 192.0.2.1`, true))).toEqual([]);
  });

  if (name === "ping" || name === "sweep") {
    test("has a line for each family", async () => {
      expect(told(await run(`${line} -v 192.0.2.1 2001:db8::1`, true))).toEqual([
        `icmpx: raw IPv4 socket: ${STAMPS}`,
        `icmpx: raw IPv6 socket: ${STAMPS}; ${HOP_LIMIT}`,
      ]);
    });
  }
});
