import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { ResultLine } from "./children/ping.ts";
import { isReply, Pinging, phasesOf } from "./pinging.ts";

setDefaultTimeout(60_000);

const ENOUGH = 5;

describeIf(requiresLab("nft"), "an outage in mid-run", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    // By default IPv6 addresses go with the link and do not come back (ip-sysctl,
    // keep_addr_on_down).
    await chain.source.exec("sysctl", "-q", "-w", "net.ipv6.conf.above.keep_addr_on_down=1");
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  function startAll(options: { readonly timeout?: number } = {}): Pinging[] {
    return SOCKET_KINDS.map(
      (kind) =>
        new Pinging(chain.source, kind, {
          target: chain.destination[kind.family],
          options: { interval: 20, timeout: 300, ...options },
        }),
    );
  }

  function seeAll(
    pings: readonly Pinging[],
    isWanted: (result: ResultLine) => boolean,
  ): Promise<unknown> {
    return Promise.all(pings.map((ping) => ping.see(ENOUGH, isWanted)));
  }

  /**
   * Ends all and checks what holds of any run: one decision a probe, which the statistics count by
   * its cause.
   */
  async function stopAll(pings: readonly Pinging[]): Promise<Map<string, string[]>> {
    const phases = new Map<string, string[]>();
    for (const { kind, results, statistics } of await Promise.all(
      pings.map(async (ping) => ({ kind: ping.kind, ...(await ping.stop()) })),
    )) {
      const decisive = results.filter(({ late, duplicate }) => !late && !duplicate);
      expect(new Set(decisive.map(({ number }) => number)).size).toBe(decisive.length);
      expect(statistics).toMatchObject({
        received: decisive.filter(isReply).length,
        sendErrors: decisive.filter((result) => result.kind === "sendError").length,
        lost: decisive.filter((result) => result.kind !== "reply").length,
        overflows: 0,
        duplicates: 0,
        corrupt: 0,
      });
      for (const { rtt } of results) expect(rtt === null || (rtt >= 0 && rtt < 5000)).toBe(true);
      phases.set(kind.name, phasesOf(results));
    }
    return phases;
  }

  test("this host's interface goes down: each probe says there is no route, until it is up again", async () => {
    const pings = startAll();
    await seeAll(pings, isReply);
    await chain.source.exec("ip", "link", "set", "above", "down");
    await seeAll(pings, ({ error }) => error === "ENETUNREACH");
    await chain.source.exec("ip", "link", "set", "above", "up");
    await seeAll(pings, isReply);
    for (const [kind, phases] of await stopAll(pings)) {
      // What was in flight when the link went down is lost; so is what waits for a neighbour once
      // it is up.
      const causes = phases.filter((cause) => cause !== "timeout");
      expect([kind, causes]).toEqual([kind, ["reply", "ENETUNREACH", "reply"]]);
    }
  });

  test("the other end of the link goes down: probes time out, until it is up again", async () => {
    const pings = startAll();
    await seeAll(pings, isReply);
    await chain.target.exec("ip", "link", "set", "below", "down");
    await seeAll(pings, ({ kind }) => kind === "timeout");
    await chain.target.exec("sysctl", "-q", "-w", "net.ipv6.conf.below.keep_addr_on_down=1");
    await chain.target.exec("ip", "link", "set", "below", "up");
    await chain.target.exec(
      "ip",
      "addr",
      "replace",
      `${chain.destination[6]}/64`,
      "dev",
      "below",
      "nodad",
    );
    await seeAll(pings, isReply);
    for (const [kind, phases] of await stopAll(pings)) {
      // For a moment the device has no queue, of which raw IPv6 sockets are told.
      const causes = phases.filter((cause) => cause !== "ENOBUFS");
      expect([kind, causes[0], causes[1], phases.at(-1)]).toEqual([
        kind,
        "reply",
        "timeout",
        "reply",
      ]);
    }
  });

  test("this host's address is removed: each probe says there is no route, until it is back", async () => {
    const addresses = ["10.77.1.1/24", "fd77:1::1/64"];
    const pings = startAll();
    await seeAll(pings, isReply);
    for (const address of addresses)
      await chain.source.exec("ip", "addr", "del", address, "dev", "above");
    await seeAll(pings, ({ kind }) => kind === "sendError");
    for (const address of addresses) {
      const nodad = address.includes(":") ? ["nodad"] : [];
      await chain.source.exec("ip", "addr", "add", address, "dev", "above", ...nodad);
    }
    await seeAll(pings, isReply);
    for (const [kind, phases] of await stopAll(pings)) {
      const causes = phases.filter((cause) => cause !== "timeout");
      expect([kind, causes]).toEqual([kind, ["reply", "ENETUNREACH", "reply"]]);
    }
  });

  test("a firewall begins to drop what leaves: each probe says so, until it lets them pass", async () => {
    const pings = startAll();
    await seeAll(pings, isReply);
    await chain.source.nft(`table inet fault {
      chain output {
        type filter hook output priority 0;
        meta l4proto { icmp, ipv6-icmp } ip daddr ${chain.destination[4]} drop
        meta l4proto { icmp, ipv6-icmp } ip6 daddr ${chain.destination[6]} drop
      }
    }`);
    await seeAll(pings, ({ error }) => error === "EPERM" || error === "timeout");
    await chain.source.exec("nft", "delete", "table", "inet", "fault");
    await seeAll(pings, isReply);
    for (const [kind, phases] of await stopAll(pings)) {
      // ping_v6_sendmsg() ignores what became of the packet.
      const cause = kind === "datagram IPv6" ? "timeout" : "EPERM";
      expect([kind, phases]).toEqual([kind, ["reply", cause, "reply"]]);
    }
  });
});
