import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { Lab, type Namespace } from "../lab/namespaces.ts";
import { describeIf } from "../support/requires.ts";
import type { BrokenInput, BrokenReport, UndisturbedReport } from "./children/broken-sockets.ts";
import { runChild } from "./run-child.ts";

setDefaultTimeout(60_000);

/** Addresses of loopback: one that answers, one that does not, and 256 of that sort. */
const PLACES = {
  4: { target: "127.0.0.1", silent: "127.9.0.1", range: "127.9.0.0/24" },
  6: { target: "::1", silent: "fd99::1", range: "fd99::/120" },
} as const;

const RUNS = ["ping", "multiping", "traceroute", "mtr", "sweep"] as const;

function report(how: BrokenReport["how"], code: string, next: string): BrokenReport {
  const endings = Object.fromEntries(RUNS.map((name) => [name, `recvmmsg ${code}`]));
  return { how, endings, next, leaked: 0 };
}

describeIf(requiresLab("nft"), "sockets that cannot be read any more, on a real kernel", () => {
  const lab = new Lab();
  let host: Namespace;
  beforeAll(async () => {
    host = lab.add("host");
    lab.ip(host, "-6 route add local fd99::/64 dev lo");
    await lab.build();
    await host.nft(`table inet silence {
      chain input {
        type filter hook input priority 0;
        ip daddr 127.9.0.0/16 icmp type echo-request drop
        ip6 daddr fd99::/64 icmpv6 type echo-request drop
      }
    }`);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  describe.each(SOCKET_KINDS)("$name", ({ family, privileged, as }) => {
    const run = async (inWorker: boolean): Promise<unknown[]> => {
      const input: BrokenInput = { ...PLACES[family], privileged, inWorker };
      return await runChild(host, "broken-sockets.ts", input, { as });
    };
    // The next socket is as good as any, but a sandbox concerns that one, too.
    const expected = [
      report("another file", "ENOTSOCK", "reply"),
      report("EIO", "EIO", "recvmmsg EIO"),
    ];

    test("every run of them ends with the error", async () => {
      expect(await run(false)).toEqual(expected);
    });

    test("in a Worker, too, and other threads take no notice", async () => {
      const undisturbed: UndisturbedReport = { sent: 50, received: 50 };
      expect(await run(true)).toEqual([...expected, undisturbed]);
    });
  });
});
