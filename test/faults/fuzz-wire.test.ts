import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { type Addresses, buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { FuzzedInput, FuzzedReport } from "./children/fuzzed.ts";
import { runChild } from "./run-child.ts";
import { addSilentAddress } from "./silent-address.ts";

setDefaultTimeout(60_000);

const OWN: Addresses = { 4: "10.77.1.1", 6: "fd77:1::1" };
/** For each of the four kinds of socket. */
const PACKETS = 12_500;

describeIf(requiresLab("nft"), "a live client on a real kernel under mutated packets", () => {
  let chain: Chain;
  let silent: Addresses;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    silent = await addSilentAddress(chain);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  // Raw packets need root, so the datagram sockets are root's here, too.
  for (const { name, family, privileged } of SOCKET_KINDS) {
    test(`${name}: ${PACKETS} of them raise nothing, and nothing passes that is not its own`, async () => {
      const input: FuzzedInput = {
        family,
        privileged,
        own: OWN[family],
        silent: silent[family],
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
