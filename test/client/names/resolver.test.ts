import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { type ResolvedHost, Resolver } from "../../../src/client/names/resolver.ts";
import { systemResolver } from "../../../src/client/transport/platform.ts";
import { ResolveError } from "../../../src/errors.ts";
import { type Answers, FakeDns, settle } from "../../support/fake-dns.ts";
import { describeIf } from "../../support/requires.ts";

function resolverOver(dns: FakeDns): Resolver {
  return new Resolver(dns, dns);
}

async function failure(promise: Promise<ResolvedHost>): Promise<ResolveError> {
  const error = await promise.then(
    ({ address }) => new Error(`Resolved to ${address}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ResolveError) return error;
  throw error;
}

const V4 = { address: "192.0.2.7", family: 4 };
const V6 = { address: "2001:DB8:0:0::7", family: 6 };

describe("Resolver.lookup()", () => {
  const literals: [host: string, address: string, family: 4 | 6][] = [
    ["127.0.0.1", "127.0.0.1", 4],
    ["255.255.255.255", "255.255.255.255", 4],
    ["::", "::", 6],
    ["2001:0DB8::0:1", "2001:db8::1", 6],
    ["FE80::1%eth0", "fe80::1%eth0", 6],
    ["fe80::1%2", "fe80::1%2", 6],
  ];
  for (const [host, address, family] of literals) {
    test(`answers ${host} itself`, async () => {
      const dns = new FakeDns();
      expect(await resolverOver(dns).lookup(host)).toEqual({ host, address, family });
      expect(await resolverOver(dns).lookup(host, { family })).toEqual({ host, address, family });
      expect(dns.lookups).toEqual([]);
    });
  }

  test("takes the first address, canonical, in the order of the system", async () => {
    const dns = new FakeDns({ six: [V6, V4], four: [V4, V6] });
    const resolver = resolverOver(dns);
    expect(await resolver.lookup("six")).toEqual({
      host: "six",
      address: "2001:db8::7",
      family: 6,
    });
    expect(await resolver.lookup("four")).toEqual({
      host: "four",
      address: "192.0.2.7",
      family: 4,
    });
    expect(dns.lookups).toEqual([
      ["six", 0],
      ["four", 0],
    ]);
  });

  test("keeps the zone of an address that the system gave", async () => {
    const dns = new FakeDns({ printer: [{ address: "FE80:0::9%wlan0", family: 6 }] });
    expect(await resolverOver(dns).lookup("printer")).toMatchObject({
      address: "fe80::9%wlan0",
      family: 6,
    });
  });

  test("takes an address of the wanted family only, even from a system that gives others", async () => {
    const dns = new FakeDns({ both: [V6, V4], old: [V4] });
    const resolver = resolverOver(dns);
    expect((await resolver.lookup("both", { family: 4 })).address).toBe("192.0.2.7");
    expect((await resolver.lookup("both", { family: 6 })).address).toBe("2001:db8::7");
    expect(dns.lookups).toEqual([
      ["both", 4],
      ["both", 6],
    ]);
    const error = await failure(resolver.lookup("old", { family: 6 }));
    expect(error).toMatchObject({
      host: "old",
      code: "ERR_NO_ADDRESS",
      message: 'Cannot resolve "old" to an IPv6 address: it has none',
    });
  });

  test("refuses an address of the other family", async () => {
    const dns = new FakeDns();
    const error = await failure(resolverOver(dns).lookup("::1", { family: 4 }));
    expect(error.message).toBe('Cannot resolve "::1" to an IPv4 address: it is an IPv6 address');
    expect((await failure(resolverOver(dns).lookup("1.2.3.4", { family: 6 }))).code).toBe(
      "ERR_NO_ADDRESS",
    );
    expect(dns.lookups).toEqual([]);
  });

  test("passes over an IPv4 address in IPv6 form, and refuses a name that has no other, as the literal", async () => {
    const mapped = { address: "::ffff:192.0.2.7", family: 6 };
    const dns = new FakeDns({
      mixed: [mapped, { address: "2001:db8::7", family: 6 }],
      only: [mapped],
    });
    const resolver = resolverOver(dns);
    expect((await resolver.lookup("mixed")).address).toBe("2001:db8::7");
    for (const options of [{}, { family: 6 } as const]) {
      expect(await failure(resolver.lookup("only", options))).toMatchObject({
        code: "ERR_INVALID_HOST",
        message:
          'Cannot resolve "only": its address ::ffff:192.0.2.7 is an IPv4 address in IPv6 form; use 192.0.2.7',
      });
    }
    expect((await failure(resolver.lookup("::ffff:192.0.2.7"))).message).toBe(
      'Cannot resolve "::ffff:192.0.2.7": an IPv4 address in IPv6 form; use 192.0.2.7',
    );
  });

  const refused: [host: string, why: RegExp][] = [
    ["", /^Cannot resolve "": the name is empty$/],
    // getaddrinfo(3) takes each of these for an address, of some other host than meant.
    ["10.9.514", /not an IPv4 address/],
    ["127.1", /not an IPv4 address/],
    ["0x7f.1", /not an IPv4 address/],
    ["0X7F000001", /not an IPv4 address/],
    ["010.0.0.1", /not an IPv4 address/],
    ["2130706433", /not an IPv4 address/],
    ["0", /not an IPv4 address/],
    ["127.0.0.1.", /not an IPv4 address/],
    ["1.2.3.4.5", /not an IPv4 address/],
    ["256.1.1.1", /not an IPv4 address/],
    // Full-width digits, which IDNA maps to plain ones.
    ["１２７.1", /not an IPv4 address/],
    ["１２７.0.0.1", /not an IPv4 address/],
    ["fe80:::1", /not an IPv6 address/],
    ["[::1]", /not an IPv6 address/],
    ["example.test:80", /not an IPv6 address/],
    ["8.8.8.8 x", /U\+0020 cannot be part of a name$/],
    [" localhost", /U\+0020/],
    ["localhost\n", /^Cannot resolve "localhost<U\+000A>": U\+000A cannot be part of a name$/],
    ["local\0host", /U\+0000/],
    ["a\x1b[2Jb", /^Cannot resolve "a<U\+001B>\[2Jb": U\+001B/],
    ["a\u009bb", /^Cannot resolve "a<U\+009B>b": U\+009B/],
    ["a\u00a0b", /U\+00A0/],
    ["a\u2028b", /U\+2028/],
    ["10.0.0.0/8", /a network or a range of addresses, not one host; a sweep takes those$/],
    ["10.0.0.0/99", /a network or a range/],
    ["10.0.0.1-9", /a network or a range/],
    ["2001:db8::/32", /a network or a range/],
    ["2001:db8::1-2001:db8::9", /a network or a range/],
    ["example.test/8", /U\+002F/],
    ["user@host", /U\+0040/],
    ["fe80%eth0", /U\+0025/],
    [
      "\u202etset.elpmaxe",
      /^Cannot resolve "<U\+202E>tset\.elpmaxe": not an internationalized name$/,
    ],
    ["\ud800.test", /not an internationalized name/],
    ["a".repeat(254), /at most 253 characters, not 254$/],
    ["ü".repeat(5000), /^.{1,400}$/],
  ];
  for (const [host, why] of refused) {
    test(`refuses ${JSON.stringify(host).slice(0, 40)} without asking`, async () => {
      const dns = new FakeDns();
      const error = await failure(resolverOver(dns).lookup(host));
      expect(error.message).toMatch(why);
      expect(error).toMatchObject({ host, code: "ERR_INVALID_HOST", name: "ResolveError" });
      expect(dns.lookups).toEqual([]);
    });
  }

  const names = [
    "a",
    "localhost.",
    "a_b.test",
    "xn--bcher-kva.test",
    "1e3",
    "4.example",
    "0x7g",
    "-x",
    "a".repeat(253),
  ];
  for (const name of names) {
    test(`asks for ${name.slice(0, 40)} as it is`, async () => {
      const dns = new FakeDns({ [name]: [V4] });
      expect(await resolverOver(dns).lookup(name)).toEqual({
        host: name,
        address: "192.0.2.7",
        family: 4,
      });
    });
  }

  test("asks for an internationalized name in ASCII, and answers by the name given", async () => {
    const dns = new FakeDns({ "xn--bcher-kva.test": [V4] });
    expect((await resolverOver(dns).lookup("bücher.test")).host).toBe("bücher.test");
    expect(dns.lookups).toEqual([["xn--bcher-kva.test", 0]]);
  });

  test("turns a failure into a ResolveError that keeps its code and cause", async () => {
    const error = await failure(resolverOver(new FakeDns()).lookup("nowhere.test", { family: 6 }));
    expect(error.message).toBe(
      'Cannot resolve "nowhere.test" to an IPv6 address: no such name, or no such address (ENOTFOUND)',
    );
    expect(error).toMatchObject({ host: "nowhere.test", code: "ENOTFOUND" });
    expect(error.cause).toMatchObject({ message: "getaddrinfo nowhere.test", code: "ENOTFOUND" });
  });

  const codes: [thrown: unknown, code: string, message: string][] = [
    [
      Object.assign(new Error("x"), { code: "EAI_AGAIN" }),
      "EAI_AGAIN",
      "no name server answered (EAI_AGAIN)",
    ],
    [Object.assign(new Error("x"), { code: "EAI_MEMORY" }), "EAI_MEMORY", "EAI_MEMORY"],
    [new Error("no code"), "ERR_LOOKUP_FAILED", "ERR_LOOKUP_FAILED"],
    ["no error", "ERR_LOOKUP_FAILED", "ERR_LOOKUP_FAILED"],
  ];
  for (const [thrown, code, message] of codes) {
    test(`explains ${code} from ${thrown}`, async () => {
      const dns = new FakeDns();
      dns.lookup = () => Promise.reject(thrown);
      const error = await failure(resolverOver(dns).lookup("a"));
      expect(error).toMatchObject({
        code,
        cause: thrown,
        message: `Cannot resolve "a": ${message}`,
      });
    });
  }

  test("a backend that throws at once, that answers nothing, or nonsense", async () => {
    const dns = new FakeDns({ none: [], nonsense: [{ address: "127.1", family: 4 }] });
    const resolver = resolverOver(dns);
    expect((await failure(resolver.lookup("none"))).code).toBe("ERR_NO_ADDRESS");
    expect((await failure(resolver.lookup("nonsense"))).code).toBe("ERR_NO_ADDRESS");
    dns.lookup = () => {
      throw new Error("at once");
    };
    expect((await failure(resolver.lookup("a"))).code).toBe("ERR_LOOKUP_FAILED");
  });

  test("refuses what is no text", async () => {
    const error = await resolverOver(new FakeDns())
      .lookup(undefined as unknown as string)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TypeError);
  });

  test("rejects with the reason of its signal: before, and while it waits", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const aborted = AbortSignal.abort("early");
    expect(await resolver.lookup("a", { signal: aborted }).catch((reason: unknown) => reason)).toBe(
      "early",
    );
    expect(
      await resolver.lookup("::1", { signal: aborted }).catch((reason: unknown) => reason),
    ).toBe("early");
    expect(dns.lookups).toEqual([]);

    const answer = Promise.withResolvers<Answers>();
    dns.lookup = () => answer.promise;
    const controller = new AbortController();
    const waiting = resolver
      .lookup("a", { signal: controller.signal })
      .catch((reason: unknown) => reason);
    await settle();
    controller.abort("enough");
    expect(await waiting).toBe("enough");
    // A failure that nobody waits for any more is nobody's unhandled rejection.
    answer.reject(new Error("too late"));
    await new Promise(setImmediate);
  });

  test("leaves no listener on a signal", async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, listener: EventListener) => {
      listeners += 1;
      add(type, listener);
    };
    signal.removeEventListener = (type: string, listener: EventListener) => {
      listeners -= 1;
      remove(type, listener);
    };
    const resolver = resolverOver(new FakeDns({ a: [V4] }));
    const waiting = resolver.lookup("a", { signal });
    expect(listeners).toBe(1);
    await waiting;
    expect(listeners).toBe(0);
    await failure(resolver.lookup("b", { signal }));
    expect(listeners).toBe(0);
  });
});

describe("Resolver over the name service of the system", () => {
  const knowsLocalhost = /^127\.0\.0\.1\s+.*\blocalhost\b/m.test(
    existsSync("/etc/hosts") ? readFileSync("/etc/hosts", "utf8") : "",
  );
  const reason = knowsLocalhost ? undefined : "needs a line `127.0.0.1 localhost` in /etc/hosts";
  describeIf(reason, "with /etc/hosts", () => {
    test("knows localhost", async () => {
      const resolver = systemResolver();
      expect(await resolver.lookup("localhost", { family: 4 })).toEqual({
        host: "localhost",
        address: "127.0.0.1",
        family: 4,
      });
      const name = await resolver.reverse("127.0.0.1");
      expect(name).toMatch(/^[\w.-]+$/);
      expect(resolver.cachedName("127.0.0.1")).toBe(name);
    });
  });

  test("refuses what getaddrinfo(3) would take for 127.0.0.1", async () => {
    expect((await failure(systemResolver().lookup("127.1"))).code).toBe("ERR_INVALID_HOST");
  });
});
