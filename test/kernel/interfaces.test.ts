import { expect, setDefaultTimeout, test } from "bun:test";
import type { EchoResult } from "icmpx";
import type { Json } from "../lab/json.ts";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import { measure, resultOf } from "../lab/measure.ts";
import { Lab, type Namespace } from "../lab/namespaces.ts";
import { describeIf } from "../support/requires.ts";
import type { Call } from "./children/measure.ts";
import type { SweepInput, SweepReport } from "./children/sweep.ts";

setDefaultTimeout(60_000);

const DEVICE = "icx0";
const HOST = { 4: "10.89.0.1", 6: "fd89::1", linkLocal: "fe80::1:1" } as const;
const PEER = { 4: "10.89.0.2", 6: "fd89::2", linkLocal: "fe80::1:2" } as const;
/**
 * Long enough for a link that goes and comes back: it carries nothing in its first second
 * (linkwatch).
 */
const OPTIONS = { count: 80, interval: 50, timeout: 500 } as const;

/** Two hosts with one link between them, which can be made again. */
function link() {
  const lab = new Lab();
  const [a, b] = [lab.add("a"), lab.add("b")];
  const connect = async () => {
    lab.connect(
      { namespace: a, device: DEVICE, addresses: addresses(HOST) },
      { namespace: b, device: DEVICE, addresses: addresses(PEER) },
    );
    await lab.build();
  };
  return { lab, host: a, connect, cut: () => a.exec("ip", "link", "del", DEVICE) };
}

function addresses(end: typeof HOST | typeof PEER): string[] {
  return [`${end[4]}/24`, `${end[6]}/64`, `${end.linkLocal}/64`];
}

/** Packets that have left by the interface. */
async function packetsSent(host: Namespace): Promise<number> {
  const [link] = JSON.parse(await host.exec("ip", "-s", "-j", "link", "show", DEVICE));
  return link.stats64.tx.packets;
}

/** Every way to name the interface or the source, and every method that goes on for long. */
function waysOf({ family }: SocketKind): Record<string, { target: string; options: object }> {
  const ways = {
    "by interface": { target: PEER[family], options: { interface: DEVICE } },
    "from an address": { target: PEER[family], options: { source: HOST[family] } },
    "from an address by interface": {
      target: PEER[family],
      options: { source: HOST[family], interface: DEVICE },
    },
  };
  if (family === 4) return ways;
  const { linkLocal: target } = PEER;
  const { linkLocal: source } = HOST;
  return {
    ...ways,
    "to a zone": { target: `${target}%${DEVICE}`, options: {} },
    "to a link-local address by interface": { target, options: { interface: DEVICE } },
    "from a zone": { target, options: { source: `${source}%${DEVICE}` } },
    "from a link-local address to a zone": { target: `${target}%${DEVICE}`, options: { source } },
    "from a zone to a zone": {
      target: `${target}%${DEVICE}`,
      options: { source: `${source}%${DEVICE}` },
    },
  };
}

describeIf(requiresLab(), "an interface on a real kernel", () => {
  for (const kind of SOCKET_KINDS) {
    const ways = Object.entries(waysOf(kind));
    test(`${kind.name}: that is deleted and created again is used again by the same run`, async () => {
      const { lab, host, connect, cut } = link();
      await using _ = lab;
      await connect();
      const calls: Call[] = ways.flatMap(([, { target, options }]) => [
        { method: "ping", target, options: { ...OPTIONS, ...options } },
        { method: "multiping", target: [target], options: { ...OPTIONS, ...options } },
        { method: "mtr", target, options: { ...OPTIONS, ...options } },
      ]);
      const measured = measure(host, kind, calls);
      while ((await packetsSent(host)) < 15 * calls.length) await Bun.sleep(20);
      await cut();
      await Bun.sleep(200);
      await connect();
      const outcomes = await measured;
      for (const [index, call] of calls.entries()) {
        const way = `${call.method} ${ways[Math.floor(index / 3)]?.[0]}`;
        resultOf(outcomes[index]);
        const seen = [...((outcomes[index]?.seen ?? []) as readonly EchoResult[])];
        // Timeouts of the outage come to light after later answers.
        seen.sort((one, other) => one.request.number - other.request.number);
        const codes = seen.map((each): string => each.error ?? each.kind);
        expect([way, codes.slice(-10)]).toEqual([way, Array(10).fill("reply")]);
        expect([way, codes.slice(0, 5)]).toEqual([way, Array(5).fill("reply")]);
        expect(codes.some((code) => code.startsWith("E"))).toBe(true);
      }
    });

    test(`${kind.name}: that is deleted and created again is used again by the same sweep`, async () => {
      const { lab, host, connect, cut } = link();
      await using _ = lab;
      await connect();
      const times = 100;
      const sweeps = Promise.all(
        ways.map(([, { target, options }]) => {
          const input: SweepInput = {
            privileged: kind.privileged,
            targets: target,
            options: { ...options, rate: 20, retries: 0, timeout: 500 },
            times,
          };
          return host.run("sweep.ts", input, { as: kind.as });
        }),
      );
      while ((await packetsSent(host)) < 20 * ways.length) await Bun.sleep(20);
      await cut();
      await Bun.sleep(200);
      await connect();
      for (const [index, [report]] of (await sweeps).entries()) {
        const [way] = ways[index] ?? [];
        const { hosts } = report as Json<SweepReport>;
        const fates = hosts.map(({ kind, error }) => (kind === "reply" ? kind : error));
        expect([way, fates.length]).toEqual([way, times]);
        expect([way, fates.slice(-10)]).toEqual([way, Array(10).fill("reply")]);
        expect([way, fates.slice(0, 5)]).toEqual([way, Array(5).fill("reply")]);
        expect(fates.some((fate) => fate?.startsWith("E"))).toBe(true);
      }
    });

    test(`${kind.name}: may be named with target or source, and means both`, async () => {
      const { lab, host, connect } = link();
      await using _ = lab;
      await connect();
      const outcomes = await measure(
        host,
        kind,
        ways.map(([, { target, options }]): Call => ({ method: "probe", target, options })),
      );
      const results = outcomes.map((outcome) => resultOf(outcome) as { kind: string });
      expect(results.map((result) => result.kind)).toEqual(ways.map(() => "reply"));
    });

    test(`${kind.name}: limits what is sent with "dontFragment", and the error tells its MTU`, async () => {
      const { lab, host, connect } = link();
      await using _ = lab;
      await connect();
      await host.exec("ip", "link", "set", DEVICE, "mtu", "1300");
      const target = PEER[kind.family];
      const [tooLong, fitting] = await measure(host, kind, [
        { method: "probe", target, options: { size: 1400, dontFragment: true } },
        { method: "probe", target, options: { size: 1200, dontFragment: true } },
      ]);
      expect(resultOf(tooLong)).toMatchObject({
        kind: "sendError",
        error: "EMSGSIZE",
        sendError: { message: expect.stringMatching(/, mtu=1300$/) },
      });
      expect(resultOf(fitting).kind).toBe("reply");
    });

    test(`${kind.name}: a source that is not ours is named, whatever the kernel says`, async () => {
      const { lab, host, connect } = link();
      await using _ = lab;
      await connect();
      const source = kind.family === 4 ? "10.89.0.99" : "fd89::99";
      const [outcome] = await measure(host, kind, [
        { method: "probe", target: PEER[kind.family], options: { source } },
      ]);
      expect(resultOf(outcome)).toMatchObject({
        error: "EADDRNOTAVAIL",
        sendError: {
          message: expect.stringContaining(`from ${source}: this host has no such address`),
        },
      });
    });
  }
});
