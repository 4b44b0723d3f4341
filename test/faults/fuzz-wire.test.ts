import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../support/lab/kinds.ts";
import { type Addresses, buildChain, type Chain } from "../support/lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { FuzzedInput, FuzzedReport } from "./children/fuzzed.ts";
import { runChild } from "./run-child.ts";

setDefaultTimeout(60_000);

const OWN: Addresses = { 4: "10.77.1.1", 6: "fd77:1::1" };
const SILENT: Addresses = { 4: "10.77.1.50", 6: "fd77:1::50" };
/** For each of the four kinds of socket. */
const PACKETS = 12_500;

describeIf(requiresLab("nft"), "a live client on a real kernel under mutated packets", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    await chain.target.exec("ip", "addr", "add", `${SILENT[4]}/24`, "dev", "below");
    await chain.target.exec("ip", "addr", "add", `${SILENT[6]}/64`, "dev", "below", "nodad");
    await chain.target.nft(`table inet silence {
      chain input {
        type filter hook input priority 0;
        ip daddr ${SILENT[4]} icmp type echo-request drop
        ip6 daddr ${SILENT[6]} icmpv6 type echo-request drop
      }
    }`);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  // Raw packets need root, so the datagram sockets are root's here, too.
  for (const { name, family, privileged } of SOCKET_KINDS) {
    test(`${name}: ${PACKETS} of them raise nothing, and nothing passes that is not its own`, async () => {
      const input: FuzzedInput = {
        family,
        privileged,
        own: OWN[family],
        silent: SILENT[family],
        answering: chain.destination[family],
        packets: PACKETS,
        seed: 0x5eed + family,
      };
      const [report] = (await runChild(chain.source, "fuzzed.ts", input)) as FuzzedReport[];
      expect(report).toMatchObject({ injected: PACKETS, objections: [], uncaught: [] });
      expect(report?.afterwards).toEqual(["reply", "reply", "reply"]);
      // Some faults are in what does not matter, or in the payload behind the cookie.
      const { kinds = {} } = report ?? {};
      expect(kinds["timeout"]).toBeGreaterThan(0);
      expect(kinds["reply"]).toBeGreaterThan(0);
      expect(kinds["icmpError"]).toBeGreaterThan(0);
      expect(kinds["corrupt"]).toBeGreaterThan(0);
    });
  }
});
