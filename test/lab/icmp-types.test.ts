import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Family } from "../../src/packet/address.ts";
import type { SweepInput, SweepReport } from "../kernel/children/sweep.ts";
import { DECIDES } from "../support/deciding-codes.ts";
import { describeIf } from "../support/requires.ts";
import type { Json } from "./json.ts";
import { SOCKET_KINDS, type SocketKind } from "./kinds.ts";
import type { MethodResults } from "./measure.ts";
import { Measurer } from "./measurer.ts";
import { openLab, type SimulatedLab } from "./open-lab.ts";
import { requiresSimulator } from "./requires-simulator.ts";
import type { IcmpCode, Node, Route, Scenario } from "./scenario.ts";

setDefaultTimeout(60_000);

const SWEEP = join(import.meta.dir, "../kernel/children/sweep.ts");
const FORGER = { 4: "10.20.0.66", 6: "fd20::66" } as const;

/**
 * Every type with code 0, and the codes around all that are assigned for types that quote a packet.
 */
const MESSAGES: Readonly<Record<Family, readonly IcmpCode[]>> = {
  4: [
    ...types(),
    ...codes(3, 20),
    ...codes(4, 2),
    ...codes(5, 5),
    ...codes(11, 3),
    ...codes(12, 5),
  ],
  6: [
    ...types(),
    ...codes(1, 12),
    ...codes(2, 2),
    ...codes(3, 3),
    ...codes(4, 13),
    ...codes(137, 2),
  ],
};
const COUNT = Math.max(MESSAGES[4].length, MESSAGES[6].length);

function types(): IcmpCode[] {
  return Array.from({ length: 256 }, (_, type) => ({ type, code: 0 }));
}

function codes(type: number, count: number): IcmpCode[] {
  return [...Array.from({ length: count - 1 }, (_, index) => index + 1), 255].map((code) => ({
    type,
    code,
  }));
}

/** Many targets. Each answers, but a message of the type and code that is its turn comes first. */
function scenarioOf(): Scenario {
  const nodes: Record<string, Node> = {};
  const routes: Route[] = [];
  for (let index = 0; index < COUNT; index++) {
    const message = (family: Family): IcmpCode =>
      MESSAGES[family][index % MESSAGES[family].length] as IcmpCode;
    const error = { 4: message(4), 6: message(6) };
    nodes[`t${index}`] = {
      address: {
        4: `10.20.${1 + (index >> 8)}.${index & 0xff}`,
        6: `fd20::1:${index.toString(16)}`,
      },
      delay: 50,
      // Far enough ahead that a read of the error queue and then of replies cannot come upon the
      // reply first.
      effects: [
        { on: "own", action: { kind: "forge", what: "error", from: FORGER, error, lead: 50 } },
      ],
    };
    routes.push({ to: `t${index}`, via: [] });
  }
  return { name: "icmp-types", about: "ICMP messages of all types.", nodes, routes, runs: [] };
}

const SCENARIO = scenarioOf();

/** What became of each target: `[type, code, verdict]`. */
type Verdicts = readonly (readonly [type: number, code: number, verdict: string])[];

function expected(family: Family): Verdicts {
  return MESSAGES[family].map(({ type, code }) => {
    const decides = DECIDES[family][type]?.(code) ?? false;
    return [type, code, decides ? `${type}/${code} from ${FORGER[family]}` : "reply"];
  });
}

function verdicts(family: Family, of: (addr: string) => string): Verdicts {
  return MESSAGES[family].map(({ type, code }, index) => [
    type,
    code,
    of(addressOf(family, index)),
  ]);
}

function addressOf(family: Family, index: number): string {
  return SCENARIO.nodes[`t${index}`]?.address[family] ?? "";
}

describeIf(requiresSimulator(), "ICMP messages of every type that quote a probe", () => {
  let lab: SimulatedLab;
  beforeAll(async () => {
    lab = await openLab(SCENARIO);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    const targets = MESSAGES[kind.family].map((_, index) => addressOf(kind.family, index));

    // Where fragments are allowed, "too big" is an error like others.
    test.each([undefined, false])(
      `${kind.name}: those that decide a probe do, all others are advice, DF %p`,
      async (dontFragment) => {
        await lab.load(SCENARIO);
        const { result } = await new Measurer(lab, kind).call({
          method: "multiping",
          target: targets,
          options: { count: 1, timeout: 3000, dontFragment },
        });
        const multiping = result as Json<MethodResults["multiping"]>;
        const results = new Map(multiping.targets.map(({ target, results }) => [target, results]));
        const seen = verdicts(kind.family, (addr) => {
          const [first, ...others] = results.get(addr) ?? [];
          if (first?.kind !== "icmpError")
            return `${first?.kind}${others.length > 0 ? " and more" : ""}`;
          const { type, code } = first.icmpError;
          return `${type}/${code} from ${first.reply.addr}`;
        });
        expect(seen).toEqual(expected(kind.family));
      },
    );

    test.each([undefined, false])(
      `${kind.name}: a sweep judges them alike, DF %p`,
      async (dontFragment) => {
        await lab.load(SCENARIO);
        const { hosts, totals } = await sweep(lab, kind, { targets, dontFragment });
        const byAddress = new Map(hosts.map((host) => ["addr" in host ? host.addr : "", host]));
        const seen = verdicts(kind.family, (addr) => {
          const host = byAddress.get(addr);
          return host?.kind === "icmpError"
            ? `${host.type}/${host.code} from ${host.from}`
            : `${host?.kind}`;
        });
        expect(seen).toEqual(expected(kind.family));
        expect(totals.silent).toBe(0);
      },
    );
  }
});

async function sweep(
  lab: SimulatedLab,
  { privileged, as }: SocketKind,
  {
    targets,
    dontFragment,
  }: { readonly targets: readonly string[]; readonly dontFragment: boolean | undefined },
): Promise<Json<SweepReport>> {
  const input: SweepInput = { privileged, targets, options: { timeout: 3000, dontFragment } };
  return JSON.parse(await lab.run(SWEEP, [JSON.stringify(input)], { as })) as Json<SweepReport>;
}
