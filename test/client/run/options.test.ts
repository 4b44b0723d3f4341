import { describe, expect, test } from "bun:test";
import { Client } from "../../../src/client/client.ts";
import { scene } from "../support.ts";

type Values = readonly unknown[];
type ErrorClass = typeof TypeError | typeof RangeError;

/**
 * An option: values that are fine, values out of its range, values of the wrong type, and how
 * messages tell its range.
 */
interface Row {
  readonly name: string;
  readonly good: Values;
  readonly outside: Values;
  readonly wrong: Values;
  readonly range: string;
}

const BOOLEANS = {
  good: [true, false],
  outside: [],
  wrong: [0, 1, "true", null],
  range: "true or false",
};
const MAX_MS = 2_147_483_647;

const SEND: readonly Row[] = [
  {
    name: "timeout",
    good: [0.001, 1, 1500.5, MAX_MS],
    outside: [0, -1, Number.NaN, Number.POSITIVE_INFINITY, MAX_MS + 1],
    wrong: ["1000", null, true, 5n],
    range: "a number above 0 up to 2147483647 ms",
  },
  {
    name: "family",
    good: [4, 6],
    outside: [],
    wrong: [0, 5, "4", null, Number.NaN],
    range: "4 or 6",
  },
  {
    name: "interface",
    good: ["eth0", 1, 2 ** 31 - 1],
    outside: [],
    wrong: ["", 0, -1, 1.5, 2 ** 31, Number.NaN, null, true],
    range: "the name or the index of an interface",
  },
  integers("dscp", 0, 63),
  integers("tos", 0, 255),
  { name: "dontFragment", ...BOOLEANS },
  integers("mark", 0, 4_294_967_295),
  {
    name: "privileged",
    good: ["auto", true, false],
    outside: [],
    wrong: ["yes", 1, null],
    range: '"auto" or true or false',
  },
];

const CLIENT: readonly Row[] = [
  ...SEND,
  addresses("bindAddr"),
  integers("defaultTtl", 1, 255),
  { name: "resolveDnsDefault", ...BOOLEANS },
  {
    name: "slack",
    good: [0, 0.5, 50, 100],
    outside: [-1, 100.1, Number.NaN, Number.POSITIVE_INFINITY],
    wrong: ["50", null, true],
    range: "a number from 0 to 100 ms",
  },
];

const COMMON: readonly Row[] = [
  ...SEND,
  addresses("source"),
  integers("size", 0, 65_507),
  integers("payloadSize", 0, 65_507),
  {
    name: "payload",
    good: [new Uint8Array(3), new Uint8Array(65_507), "", "text"],
    outside: [new Uint8Array(65_508), "x".repeat(65_508), "\u00e9".repeat(32_754)],
    wrong: [5, null, [1, 2], new ArrayBuffer(3), new Uint16Array(3)],
    range: "a Uint8Array or a string|at most 65507 bytes",
  },
  { name: "resolveDns", ...BOOLEANS },
  {
    name: "signal",
    good: [new AbortController().signal],
    outside: [],
    wrong: [new AbortController(), { aborted: false }, null, true],
    range: "an AbortSignal",
  },
  { name: "onResult", good: [() => {}], outside: [], wrong: ["f", null, {}], range: "a function" },
];

const TTL = integers("ttl", 1, 255);
const COUNT = orInfinity("count");
const INTERVAL: Row = {
  name: "interval",
  good: [0, 0.5, 1000, MAX_MS],
  outside: [-1, Number.NaN, Number.POSITIVE_INFINITY, MAX_MS + 1],
  wrong: ["1000", null, 5n],
  range: "a number from 0 to 2147483647 ms",
};
const HOPS: readonly Row[] = [
  integers("maxHops", 1, 255),
  integers("firstTtl", 1, 255),
  orInfinity("gapLimit"),
  {
    name: "onProvisional",
    good: [() => {}],
    outside: [],
    wrong: ["f", null, {}],
    range: "a function",
  },
];

type Call = (client: Client, options: object) => unknown;

const METHODS: readonly [name: string, call: Call, rows: readonly Row[]][] = [
  ["probe()", (client, options) => client.probe("192.0.2.1", options), [...COMMON, TTL]],
  [
    "ping()",
    (client, options) => client.ping("192.0.2.1", options),
    [...COMMON, TTL, COUNT, INTERVAL],
  ],
  [
    "multiping()",
    (client, options) => client.multiping(["192.0.2.1"], options),
    [...COMMON, TTL, COUNT, INTERVAL],
  ],
  [
    "traceroute()",
    // A first hop beyond the default of the last is a mistake of another kind.
    (client, options) => client.traceroute("192.0.2.1", roomFor(options)),
    [...COMMON, ...HOPS, integers("probes", 1, 1000), integers("concurrency", 1, 10_000)],
  ],
  [
    "mtr()",
    (client, options) => client.mtr("192.0.2.1", roomFor(options)),
    [...COMMON, ...HOPS, COUNT, INTERVAL],
  ],
  ["new Client()", (_, options) => new Client(options), CLIENT],
];

for (const [method, call, rows] of METHODS) {
  describe(method, () => {
    const { client, kernel } = scene();

    for (const { name, good, outside, wrong, range } of rows) {
      test(`takes the values of ${name} that it may have, and undefined`, () => {
        for (const value of [...good, undefined]) call(client, { [name]: value });
      });

      test(`refuses other values of ${name}, naming option and range`, () => {
        const cases: readonly [Values, ErrorClass][] = [
          [outside, RangeError],
          [wrong, TypeError],
        ];
        for (const [values, errorClass] of cases) {
          for (const value of values)
            expectRefusal(() => call(client, { [name]: value }), errorClass, { name, range });
        }
      });
    }

    test("takes no option that it does not know, and lists those it does", () => {
      const known = rows.map(({ name }) => name);
      for (const name of ["timeuot", "toString", "constructor", "__proto__"]) {
        const options = Object.defineProperty({}, name, { value: undefined, enumerable: true });
        const error = thrown(() => call(client, options));
        expect(error).toBeInstanceOf(TypeError);
        expect(String(error)).toContain(`Unknown option "${name}" of ${method}: allowed are `);
        const listed = String(error).split("allowed are ")[1]?.split(", ") ?? [];
        expect(listed.toSorted()).toEqual(known.toSorted());
      }
    });

    test("takes an object of options only", () => {
      for (const options of [null, 5, "timeout", () => {}]) {
        const error = thrown(() => call(client, options as never));
        expect(error).toBeInstanceOf(TypeError);
        expect(String(error)).toContain(`Invalid options of ${method}: need an object, have `);
      }
    });

    test("opened no socket for any of this", () => {
      expect(kernel.calls).toEqual([]);
    });
  });
}

describe("options together", () => {
  const { client } = scene();

  test("size and payloadSize are one thing", () => {
    client.ping("192.0.2.1", { size: 20, payloadSize: 20 });
    expect(() => client.ping("192.0.2.1", { size: 20, payloadSize: 21 })).toThrow(
      new TypeError('Options "size" (20) and "payloadSize" (21) differ: they are the same thing'),
    );
  });

  test("a payload has its own size", () => {
    const both = new TypeError(
      'Options "payload" and "size" exclude each other: a payload has its own size',
    );
    expect(() => client.ping("192.0.2.1", { payload: "abc", size: 3 })).toThrow(both);
    expect(() => client.ping("192.0.2.1", { payload: "abc", payloadSize: 0 })).toThrow(both);
  });

  test("a source is of the wanted family", () => {
    client.ping("name", { source: "2001:db8::10", family: 6 });
    expect(() => client.ping("name", { source: "192.0.2.10", family: 6 })).toThrow(
      new TypeError('Option "source" (192.0.2.10) is not an IPv6 address, as "family" wants'),
    );
    const six = new Client({ family: 6 });
    expect(() => six.ping("name", { source: "192.0.2.10" })).toThrow(TypeError);
    six.ping("name", { source: "192.0.2.10", family: 4 });
  });

  test("firstTtl does not exceed maxHops", () => {
    for (const method of ["traceroute", "mtr"] as const) {
      client[method]("192.0.2.1", { firstTtl: 7, maxHops: 7 });
      const message = `Option "firstTtl" is 8: it must not exceed "maxHops" (7)`;
      expect(() => client[method]("192.0.2.1", { firstTtl: 8, maxHops: 7 })).toThrow(
        new RangeError(message),
      );
      expect(() => client[method]("192.0.2.1", { firstTtl: 31 })).toThrow(RangeError);
    }
  });
});

describe("targets", () => {
  const { client } = scene();
  const bad: Values = ["", 5, null, undefined, {}, ["192.0.2.1"]];

  test("must be texts with something in them", () => {
    for (const target of bad) {
      for (const method of ["probe", "ping", "traceroute", "mtr"] as const) {
        const error = thrown(() => client[method](target as string));
        expect(error).toBeInstanceOf(TypeError);
        expect(String(error)).toContain("Invalid target ");
        expect(String(error)).toContain("need a host name or an IP address");
      }
    }
  });

  test("of a multiping must each be one, in an iterable that is no text", () => {
    for (const target of bad) {
      expect(() => client.multiping(["192.0.2.1", target as string])).toThrow(/^Invalid target /);
    }
    for (const targets of ["192.0.2.1", 5, null, undefined, {}]) {
      const error = thrown(() => client.multiping(targets as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain("Invalid targets ");
    }
    client.multiping(new Set(["192.0.2.1"]));
  });
});

describe("defaults", () => {
  test("of ping: 4 probes, one a second, TTL 64, 56 bytes, 1 s to answer", async () => {
    const { client, kernel, outcome, sentAtMs, nowMs } = scene();
    const { results } = await outcome(client.ping("198.51.100.1"));
    expect(sentAtMs()).toEqual([0, 1000, 2000, 3000]);
    expect(kernel.sent.map(({ ttl }) => ttl)).toEqual([64, 64, 64, 64]);
    expect(kernel.sent.map(({ data }) => data.length)).toEqual([64, 64, 64, 64]);
    expect(kernel.sent.map(({ tos, mark, interfaceIndex }) => [tos, mark, interfaceIndex])).toEqual(
      Array(4).fill([0, 0, 0]),
    );
    expect(results.map(({ kind }) => kind)).toEqual(Array(4).fill("timeout"));
    // The socket settles for 1 ms before the first.
    expect(nowMs()).toBe(1 + 3000 + 1000);
  });

  test("of traceroute: 30 hops from the first on, 3 probes each, 10 silent hops at most", async () => {
    const { client, kernel, outcome } = scene();
    expect((await outcome(client.traceroute("198.51.100.1"))).hops).toHaveLength(10);
    kernel.sent.length = 0;
    const whole = await outcome(
      client.traceroute("198.51.100.1", { gapLimit: Number.POSITIVE_INFINITY }),
    );
    expect(whole.hops).toHaveLength(30);
    const ttls = Array.from({ length: 90 }, (_, index) => 1 + Math.floor(index / 3));
    expect(kernel.sent.map(({ ttl }) => ttl)).toEqual(ttls);
  });

  test("of mtr: no end, one round a second", async () => {
    const { client, clock, kernel, watch } = scene();
    const { items, ended } = watch(client.mtr("198.51.100.1", { maxHops: 1 }));
    await clock.advance(60_000);
    expect(kernel.sent).toHaveLength(60);
    expect(items).toHaveLength(59);
    client.close();
    await ended;
  });

  test("of a client hold where a method does not say", async () => {
    const { client, kernel, outcome, nowMs } = scene(
      {},
      { timeout: 200, defaultTtl: 9, dscp: 10, mark: 3, dontFragment: true },
    );
    await outcome(client.probe("198.51.100.1"));
    expect(nowMs()).toBe(201);
    await outcome(
      client.probe("198.51.100.1", { timeout: 50, ttl: 3, dscp: 0, mark: 0, dontFragment: false }),
    );
    expect(nowMs()).toBe(251);
    const fields = kernel.sent.map(({ ttl, tos, mark, dontFragment }) => ({
      ttl,
      tos,
      mark,
      dontFragment,
    }));
    expect(fields).toEqual([
      { ttl: 9, tos: 40, mark: 3, dontFragment: true },
      { ttl: 3, tos: 0, mark: 0, dontFragment: false },
    ]);
  });

  test("tos is the whole byte of dscp, of which either may be given, and the nearer one holds", async () => {
    const both = 'Options "tos" and "dscp" exclude each other: "tos" is the whole byte';
    const { client, kernel, outcome } = scene({}, { timeout: 50, dscp: 10 });
    await outcome(client.probe("198.51.100.1", { tos: 0x2e }));
    await outcome(client.sweep("198.51.100.1", { tos: 0x2f, retries: 0 }));
    expect(kernel.sent.map(({ tos }) => tos)).toEqual([0x2e, 0x2f]);
    expect(() => client.probe("198.51.100.1", { tos: 1, dscp: 1 })).toThrow(both);
    expect(() => client.sweep("198.51.100.1", { tos: 1, dscp: 1 })).toThrow(both);
    expect(() => scene({}, { tos: 1, dscp: 1 })).toThrow(both);
    client.close();
  });

  test("of a client are those of its construction", async () => {
    const options = { defaultTtl: 9 };
    const { client, kernel, outcome } = scene({}, options);
    options.defaultTtl = 0;
    await outcome(client.probe("198.51.100.1"));
    expect(kernel.sent[0]?.ttl).toBe(9);
  });
});

function integers(name: string, lowest: number, highest: number): Row {
  return {
    name,
    good: [lowest, highest, Math.floor((lowest + highest) / 2)],
    outside: [lowest - 1, highest + 1, lowest + 0.5, Number.NaN, Number.POSITIVE_INFINITY],
    wrong: [String(lowest), null, true, 5n],
    range: `an integer from ${lowest} to ${highest}`,
  };
}

function orInfinity(name: string): Row {
  return {
    name,
    good: [1, 1e9, Number.POSITIVE_INFINITY],
    outside: [0, -1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY],
    wrong: ["1", null, true],
    range: "an integer of at least 1, or Infinity",
  };
}

function addresses(name: string): Row {
  return {
    name,
    good: ["192.0.2.10", "2001:db8::10", "fe80::1%eth0"],
    outside: [],
    wrong: ["", "name", "127.1", "192.0.2.10 ", 5, null],
    range: "an IPv4 or IPv6 address",
  };
}

function roomFor(options: object): object {
  const isFirstTtl = options !== null && typeof options === "object" && "firstTtl" in options;
  return isFirstTtl ? { maxHops: 255, ...options } : options;
}

function expectRefusal(
  call: () => unknown,
  errorClass: ErrorClass,
  option: { readonly name: string; readonly range: string },
): void {
  const error = thrown(call);
  expect(error).toBeInstanceOf(errorClass);
  const message = String(error);
  expect(message).toContain(`Option "${option.name}" is `);
  expect(option.range.split("|").some((range) => message.endsWith(`: need ${range}`))).toBe(true);
}

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
