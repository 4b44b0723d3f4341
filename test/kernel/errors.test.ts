import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Family } from "../../src/packet/address.ts";
import { addDeadRoute, reject } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import { measure, measureOne, resultOf } from "../lab/measure.ts";
import { differencesOf, shapeOf } from "../lab/shape.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

/**
 * An ICMP error that a kernel can be made to send: how, and its type and code (IANA; RFC 792, RFC
 * 1812, RFC 4443).
 */
interface KernelError {
  readonly family: Family;
  readonly type: number;
  readonly code: number;
  /** Reason of an nftables rejection by router 2. */
  readonly reject?: string;
  /** Kind of a dead route of router 3. */
  readonly route?: "unreachable" | "prohibit" | "throw";
}

const ERRORS: readonly KernelError[] = [
  { family: 4, type: 3, code: 0, reject: "net-unreachable" },
  { family: 4, type: 3, code: 1, reject: "host-unreachable" },
  { family: 4, type: 3, code: 2, reject: "prot-unreachable" },
  { family: 4, type: 3, code: 3, reject: "port-unreachable" },
  { family: 4, type: 3, code: 9, reject: "net-prohibited" },
  { family: 4, type: 3, code: 10, reject: "host-prohibited" },
  { family: 4, type: 3, code: 13, reject: "admin-prohibited" },
  { family: 4, type: 3, code: 0, route: "throw" },
  { family: 4, type: 3, code: 1, route: "unreachable" },
  { family: 4, type: 3, code: 13, route: "prohibit" },
  { family: 6, type: 1, code: 0, reject: "no-route" },
  { family: 6, type: 1, code: 1, reject: "admin-prohibited" },
  { family: 6, type: 1, code: 3, reject: "addr-unreachable" },
  { family: 6, type: 1, code: 4, reject: "port-unreachable" },
  { family: 6, type: 1, code: 5, reject: "policy-fail" },
  { family: 6, type: 1, code: 6, reject: "reject-route" },
  { family: 6, type: 1, code: 0, route: "throw" },
  { family: 6, type: 1, code: 0, route: "unreachable" },
  { family: 6, type: 1, code: 1, route: "prohibit" },
];

/** What the kernel keeps from a datagram socket, or shows it alone (ip(7) IP_RECVERR; ipv6(7)). */
const HIDDEN_IN_REPLY: Readonly<Record<Family, readonly string[]>> = {
  4: ["checksum", "flags", "fragmentOffset", "id", "ihl", "totalLength"].map(
    (field) => `reply.receivedPacket.ipHeader.${field}`,
  ),
  6: [],
};
const HIDDEN_IN_ERROR: Readonly<Record<Family, readonly string[]>> = {
  4: [
    "icmpError.quote.ipHeader",
    "reply.receivedPacket.icmpPacket.checksum",
    ...HIDDEN_IN_REPLY[4],
  ].sort(),
  6: ["icmpError.quote.ipHeader", "reply.receivedPacket.icmpPacket.checksum"],
};

function addressOf(error: KernelError): string {
  const host = ERRORS.indexOf(error) + 1;
  return error.family === 4 ? `10.88.1.${host}` : `fd88:1::${host.toString(16)}`;
}

function pairOf(family: Family): [raw: SocketKind, datagram: SocketKind] {
  const [raw, datagram] = SOCKET_KINDS.filter((kind) => kind.family === family);
  if (raw === undefined || datagram === undefined)
    throw new Error(`Two kinds of socket are IPv${family}`);
  return [raw, datagram];
}

describeIf(requiresLab("nft"), "ICMP errors on a real kernel", () => {
  describe.each([4, 6] as const)("IPv%i", (family) => {
    const pair = pairOf(family);
    // One chain for each kind of socket: a kernel answers only some packets of one source to a dead
    // route.
    const chains: Chain[] = [];
    const errors = ERRORS.filter((error) => error.family === family);

    beforeAll(async () => {
      chains.push(
        ...(await Promise.all(pair.map(() => buildChain({ routers: 3, lastMtu: 1280 })))),
      );
      for (const { routers } of chains) {
        const [, second, third] = routers;
        if (second === undefined || third === undefined)
          throw new Error("The chain has too few routers");
        const rejections = errors.flatMap((error) =>
          error.reject === undefined
            ? []
            : [{ family, destination: addressOf(error), reason: error.reject }],
        );
        await reject(second, rejections);
        for (const error of errors) {
          if (error.route !== undefined) await addDeadRoute(third, error.route, addressOf(error));
        }
      }
    });
    afterAll(() => Promise.all(chains.map((chain) => chain[Symbol.asyncDispose]())));

    for (const [index, kind] of pair.entries()) {
      test(`${kind.name}: every destination unreachable carries sender, type, code and quote`, async () => {
        const chain = at(chains, index);
        const calls = errors.map(
          (error) => ({ method: "probe", target: addressOf(error) }) as const,
        );
        const outcomes = await measure(chain.source, kind, calls);
        for (const [i, error] of errors.entries()) {
          const hop = error.route === undefined ? 2 : 3;
          const result = resultOf(outcomes[i]);
          expect(result).toMatchObject({
            kind: "icmpError",
            error: `dest_unreachable(code=${error.code})`,
            rttSource: "kernel",
            icmpError: {
              type: error.type,
              code: error.code,
              mtu: null,
              extensions: [],
              quote: { destAddr: addressOf(error), truncated: false },
            },
            reply: {
              addr: chain.hops[family][hop - 1] ?? "",
              ttl: 65 - hop,
              receivedPacket: { icmpPacket: { type: error.type, code: error.code, id: null } },
            },
          });
          if (result.kind !== "icmpError") throw new Error("Checked above");
          const sent = result.request.sentPacket?.packet;
          const { quote, description } = result.icmpError;
          expect([quote.id, quote.sequence, quote.payload]).toEqual([
            sent?.id ?? -1,
            sent?.sequence ?? -1,
            sent?.payload ?? "",
          ]);
          expect(description).toMatch(/^destination unreachable: \w+/);
        }
      });

      test(`${kind.name}: time exceeded comes from the router whose turn it is`, async () => {
        const chain = at(chains, index);
        const target = chain.destination[family];
        const calls = [1, 2, 3].map(
          (ttl) => ({ method: "probe", target, options: { ttl } }) as const,
        );
        const outcomes = await measure(chain.source, kind, calls);
        for (const [i, outcome] of outcomes.entries()) {
          expect(resultOf(outcome)).toMatchObject({
            kind: "icmpError",
            error: "time_exceeded(code=0)",
            icmpError: { type: family === 4 ? 11 : 3, code: 0 },
            reply: { addr: chain.hops[family][i] ?? "", ttl: 64 - i },
            request: { ttl: i + 1 },
          });
        }
      });

      test(`${kind.name}: a packet too big for a link on the way is told so, with the MTU`, async () => {
        const chain = at(chains, index);
        const target = chain.destination[family];
        const result = await measureOne(chain.source, kind, {
          method: "probe",
          target,
          options: { size: 1400, dontFragment: true },
        });
        expect(result).toMatchObject({
          kind: "icmpError",
          error: family === 4 ? "dest_unreachable(code=4)" : "packet_too_big(code=0)",
          icmpError: { type: family === 4 ? 3 : 2, mtu: 1280 },
          reply: { addr: chain.hops[family][2] ?? "" },
        });
        // The error has taught the kernel the path MTU: this must neither be refused nor fragmented
        // (IP_PMTUDISC_PROBE).
        const again = await measureOne(chain.source, kind, {
          method: "probe",
          target,
          options: { size: 1400, dontFragment: true },
        });
        expect(again).toMatchObject({ kind: "icmpError", icmpError: { mtu: 1280 } });
      });

      test(`${kind.name}: one that may be cut in two arrives, and a run beside it hears of its own`, async () => {
        const chain = at(chains, index);
        const target = chain.destination[family];
        const often = { size: 1400, count: 10, interval: 20, timeout: 1000 };
        const [cut, longer, whole] = await measure(chain.source, kind, [
          { method: "ping", target, options: { ...often, dontFragment: false } },
          // More than the first link carries, too.
          { method: "ping", target, options: { ...often, size: 2000, dontFragment: false } },
          { method: "ping", target, options: { ...often, dontFragment: true } },
        ]);
        // In IPv6 both ends have to learn it first, which costs a probe each.
        const learning = family === 4 ? 0 : 2;
        for (const outcome of [cut, longer]) {
          expect(resultOf(outcome).statistics.received).toBeGreaterThanOrEqual(10 - learning);
        }
        const error = family === 4 ? "dest_unreachable(code=4)" : "packet_too_big(code=0)";
        expect(resultOf(whole).results).toEqual(Array(10).fill(expect.objectContaining({ error })));
      });

      test(`${kind.name}: a packet too big for the first link is not sent, and others are not held up`, async () => {
        const chain = at(chains, index);
        const target = chain.destination[family];
        const [tooBig, next] = await measure(chain.source, kind, [
          { method: "probe", target, options: { size: 2000, dontFragment: true } },
          { method: "ping", target, options: { count: 3, interval: 0, size: 100 } },
        ]);
        expect(resultOf(tooBig)).toMatchObject({
          kind: "sendError",
          error: "EMSGSIZE",
          reply: null,
        });
        expect(resultOf(next).statistics).toMatchObject({ sent: 3, received: 3, sendErrors: 0 });
      });

      test(`${kind.name}: what this host refuses to send is a result with the errno`, async () => {
        const { source } = at(chains, index);
        const names = { unreachable: "EHOSTUNREACH", prohibit: "EACCES" } as const;
        const targets = Object.keys(names).map((route, i) => {
          return { route, target: family === 4 ? `10.99.0.${i + 1}` : `fd99::${i + 1}` };
        });
        for (const { route, target } of targets) {
          await addDeadRoute(source, route as keyof typeof names, target);
        }
        const calls = targets.map(({ target }) => ({ method: "probe", target }) as const);
        const outcomes = await measure(source, kind, calls);
        for (const [i, { route }] of targets.entries()) {
          expect(resultOf(outcomes[i])).toMatchObject({
            kind: "sendError",
            error: names[route as keyof typeof names],
            rtt: null,
            reply: null,
            request: { sentPacket: null },
            sendError: { syscall: "sendmsg", code: names[route as keyof typeof names] },
          });
        }
      });
    }

    test("raw and datagram sockets give results of the same shape", async () => {
      const reachable = at(chains, 0).destination[family];
      const rejected = errors.find((error) => error.reject === "admin-prohibited");
      if (rejected === undefined) throw new Error("The table lacks it");
      const calls = [
        { method: "probe", target: reachable },
        { method: "probe", target: reachable, options: { ttl: 2 } },
        { method: "probe", target: addressOf(rejected) },
        { method: "probe", target: reachable, options: { size: 1400, dontFragment: true } },
      ] as const;
      const [raw, datagram] = await Promise.all(
        pair.map(async (kind, index) =>
          (await measure(at(chains, index).source, kind, calls)).map(resultOf),
        ),
      );
      const differences = calls.map((_, i) =>
        differencesOf(shapeOf(raw?.[i]), shapeOf(datagram?.[i])),
      );
      const inError = HIDDEN_IN_ERROR[family];
      expect(differences).toEqual(
        [HIDDEN_IN_REPLY[family], inError, inError, inError].map((paths) => [...paths]),
      );
      expect(raw?.map(({ kind }) => kind)).toEqual([
        "reply",
        "icmpError",
        "icmpError",
        "icmpError",
      ]);
      for (const i of calls.keys()) {
        expect(verdictOf(datagram?.[i])).toEqual(verdictOf(raw?.[i]));
      }
    });
  });
});

/** What does not depend on the kind of socket. */
function verdictOf(result: unknown): unknown {
  const { error, icmpError, reply } = result as {
    error: string | null;
    icmpError?: { type: number; code: number; mtu: number | null; description: string };
    reply: { addr: string; ttl: number };
  };
  const { type, code, mtu, description } = icmpError ?? {};
  return { error, type, code, mtu, description, addr: reply.addr, ttl: reply.ttl };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new RangeError(`No item ${index} of ${items.length}`);
  return item;
}
