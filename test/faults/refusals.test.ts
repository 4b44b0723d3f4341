import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { addDeadRoute } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import { measure, measureOne, resultOf } from "../lab/measure.ts";
import { type Addresses, buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

const OWN: Addresses = { 4: "10.77.1.1", 6: "fd77:1::1" };
/** Each fault has an address of its own, so that none disturbs another. */
const DROPPED: Addresses = { 4: "10.96.0.1", 6: "fd96::1" };
const PROHIBITED: Addresses = { 4: "10.96.0.3", 6: "fd96::3" };
const UNREACHABLE: Addresses = { 4: "10.96.0.4", 6: "fd96::4" };
const NO_ROUTE: Addresses = { 4: "10.96.0.5", 6: "fd96::5" };
const BLACKHOLE: Addresses = { 4: "10.96.0.6", 6: "fd96::6" };

/** nftables rejections of what this host sends (nft(8)), and the ICMP codes they come with. */
const REJECTED: readonly {
  readonly addresses: Addresses;
  readonly reasons: Addresses;
  readonly code: number;
}[] = [
  {
    addresses: { 4: "10.96.1.1", 6: "fd96:1::1" },
    reasons: { 4: "admin-prohibited", 6: "admin-prohibited" },
    code: 1,
  },
  {
    addresses: { 4: "10.96.1.2", 6: "fd96:1::2" },
    reasons: { 4: "host-unreachable", 6: "addr-unreachable" },
    code: 3,
  },
  {
    addresses: { 4: "10.96.1.3", 6: "fd96:1::3" },
    reasons: { 4: "net-unreachable", 6: "no-route" },
    code: 0,
  },
];

const MARK = 0x99;
/** A routing table that leads nowhere. */
const DEAD_END = "96";

/**
 * The kernel ignores what became of a packet that a datagram IPv6 socket sent (ping_v6_sendmsg).
 */
function hidesVerdicts({ family, privileged }: SocketKind): boolean {
  return family === 6 && !privileged;
}

describeIf(requiresLab("nft"), "sends that this host refuses", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    const { source } = chain;
    const rejections = REJECTED.flatMap(({ addresses, reasons }) => [
      `ip daddr ${addresses[4]} reject with icmp type ${reasons[4]}`,
      // Not its neighbour solicitations.
      `ip6 daddr ${addresses[6]} icmpv6 type echo-request reject with icmpv6 type ${reasons[6]}`,
    ]);
    // A packet that gets a mark here is routed once more, and the rules below then refuse it.
    await source.nft(`table inet faults {
      chain filter_output {
        type filter hook output priority 0;
        ip daddr ${DROPPED[4]} drop
        ip6 daddr ${DROPPED[6]} drop
        ${rejections.join("\n")}
      }
      chain route_output {
        type route hook output priority -150;
        ip daddr ${PROHIBITED[4]} meta mark set ${MARK}
        ip6 daddr ${PROHIBITED[6]} meta mark set ${MARK}
        ip daddr ${UNREACHABLE[4]} meta mark set ${MARK + 1}
        ip6 daddr ${UNREACHABLE[6]} meta mark set ${MARK + 1}
      }
    }`);
    for (const family of [4, 6] as const) {
      await source.exec("ip", `-${family}`, "rule", "add", "fwmark", `${MARK}`, "prohibit");
      // Not the rule "unreachable", whose error is ENETUNREACH.
      await source.exec(
        "ip",
        `-${family}`,
        "rule",
        "add",
        "fwmark",
        `${MARK + 1}`,
        "table",
        DEAD_END,
      );
      await source.exec(
        "ip",
        `-${family}`,
        "route",
        "add",
        "unreachable",
        "default",
        "table",
        DEAD_END,
      );
      await addDeadRoute(source, "throw", NO_ROUTE[family]);
      await addDeadRoute(source, "blackhole", BLACKHOLE[family]);
    }
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    const { family, name } = kind;
    const verdicts: readonly (readonly [cause: string, addresses: Addresses, error: string])[] = [
      ["a firewall drops it", DROPPED, "EPERM"],
      ["a firewall routes it to a prohibition", PROHIBITED, "EACCES"],
      ["a firewall routes it to a dead end", UNREACHABLE, "EHOSTUNREACH"],
    ];
    const refusals: readonly (readonly [cause: string, addresses: Addresses, error: string])[] = [
      ["no route leads there", NO_ROUTE, "ENETUNREACH"],
      ["its route is a black hole", BLACKHOLE, "EINVAL"],
    ];

    test(`${name}: each refusal names its cause, and the others are not held up`, async () => {
      const cases = hidesVerdicts(kind) ? refusals : [...verdicts, ...refusals];
      const options = { count: 3, interval: 10, timeout: 300 };
      const [answered, ...refused] = await measure(chain.source, kind, [
        { method: "ping", target: chain.destination[family], options },
        ...cases.map(
          ([, addresses]) => ({ method: "ping", target: addresses[family], options }) as const,
        ),
      ]);
      expect(resultOf(answered).statistics).toMatchObject({ sent: 3, received: 3 });
      for (const [index, [cause, addresses, error]] of cases.entries()) {
        const { results, statistics } = resultOf(refused[index]);
        expect([cause, ...results.map((result) => result.error)]).toEqual([
          cause,
          error,
          error,
          error,
        ]);
        expect(statistics).toMatchObject({ sent: 3, lost: 3, sendErrors: 3, errors: 0, loss: 1 });
        for (const result of results) {
          expect(result).toMatchObject({
            kind: "sendError",
            rtt: null,
            request: { addr: addresses[family], sentPacket: null },
            sendError: { code: error, syscall: "sendmsg" },
          });
          // The person who reads it needs the address and the reason.
          expect(result.kind === "sendError" && result.sendError.message).toContain(
            addresses[family],
          );
        }
      }
    });

    test(`${name}: what the firewall rejects is ${hidesVerdicts(kind) ? "an ICMP error of this host" : "EPERM"}`, async () => {
      const calls = REJECTED.map(
        ({ addresses }) =>
          ({
            method: "ping",
            target: addresses[family],
            options: { count: 2, interval: 10 },
          }) as const,
      );
      const outcomes = await measure(chain.source, kind, calls);
      for (const [index, { code }] of REJECTED.entries()) {
        const { results, statistics } = resultOf(outcomes[index]);
        expect(statistics).toMatchObject({ sent: 2, received: 0, lost: 2, late: 0, duplicates: 0 });
        for (const result of results) {
          if (hidesVerdicts(kind)) {
            expect(result).toMatchObject({
              kind: "icmpError",
              icmpError: { type: 1, code },
              reply: { addr: OWN[6] },
            });
          } else {
            expect(result).toMatchObject({ kind: "sendError", error: "EPERM" });
          }
        }
      }
    });

    test(`${name}: a packet too big is refused with DF, sent in fragments without`, async () => {
      const target = chain.destination[family];
      const options = { count: 2, interval: 10, size: 3000 };
      const outcomes = await measure(chain.source, kind, [
        { method: "ping", target, options: { ...options, dontFragment: true } },
        { method: "ping", target, options: { ...options, dontFragment: false } },
        { method: "ping", target, options: { ...options, dontFragment: true, size: 1400 } },
        { method: "ping", target, options },
      ]);
      const [refused, fragmented, fitting, usual] = outcomes.map(resultOf);
      expect(refused?.results.map(({ error }) => error)).toEqual(["EMSGSIZE", "EMSGSIZE"]);
      for (const result of [fragmented, fitting, usual]) {
        expect(result?.statistics).toMatchObject({
          sent: 2,
          received: 2,
          corrupt: 0,
          sendErrors: 0,
        });
      }
    });
  }

  test("a neighbour that does not answer is this host's own report, on the right probe", async () => {
    // The kernel gives up after three tries a second apart (arp(7), mcast_solicit).
    const options = { count: 3, interval: 100, timeout: 8000 };
    const pings = SOCKET_KINDS.map(async (kind) => {
      const target = chain.vacant[kind.family];
      return {
        kind,
        ...(await measureOne(chain.source, kind, { method: "ping", target, options })),
      };
    });
    for (const { kind, statistics, results } of await Promise.all(pings)) {
      expect(statistics).toMatchObject({ sent: 3, received: 0, errors: 3, duplicates: 0 });
      expect(results.map(({ request }) => request.number).toSorted()).toEqual([1, 2, 3]);
      for (const result of results) {
        expect(result).toMatchObject({
          kind: "icmpError",
          error: kind.family === 4 ? "dest_unreachable(code=1)" : "dest_unreachable(code=3)",
          reply: { addr: OWN[kind.family] },
        });
        expect(result.rtt).toBeGreaterThan(500);
      }
    }
  });

  test("datagram IPv6: what the firewall drops times out, because the kernel keeps it to itself", async () => {
    const kind = SOCKET_KINDS.find(hidesVerdicts);
    if (kind === undefined) throw new Error("There is no such kind");
    const { results } = await measureOne(chain.source, kind, {
      method: "ping",
      target: DROPPED[6],
      options: { count: 2, interval: 10, timeout: 200 },
    });
    expect(results.map(({ error }) => error)).toEqual(["timeout", "timeout"]);
  });
});
