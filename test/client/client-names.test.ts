import { describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import { ClientClosedError, ResolveError } from "../../src/errors.ts";
import { scene } from "./support.ts";

const TARGET = "198.51.100.1";
const SIX = "2001:db8:1::1";
const NAME = "target.example";
const HOSTS = {
  [NAME]: [
    { address: SIX, family: 6 },
    { address: TARGET, family: 4 },
  ],
};

describe("Client names", () => {
  const valid = [
    "127.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "2001:DB8::1",
    "::ffff:192.0.2.1",
    "fe80::1%eth0",
    "fe80::1%2",
  ];
  const invalid = [
    "",
    " ",
    "127.1",
    "0x7f.1",
    "0x7f.0.0.1",
    "010.0.0.1",
    "2130706433",
    "8.8.8.8 x",
    " 8.8.8.8",
    "8.8.8.8\n",
    "8.8.8.8.",
    "8.8.8",
    "8.8.8.256",
    "1.2.3.4.5",
    "1.2.3.-4",
    "::1::",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "::g",
    "[::1]",
    "fe80::1%",
    "192.0.2.1%eth0",
    "localhost",
    "\uff11.2.3.4",
  ];

  test.each(valid)("validIp(%j) is true", (addr) => {
    expect(Client.validIp(addr)).toBe(true);
  });

  test.each(invalid)("validIp(%j) is false", (addr) => {
    expect(Client.validIp(addr)).toBe(false);
  });

  test("validIp() of what is no text is false", () => {
    for (const addr of [null, undefined, 5, {}, ["127.0.0.1"]]) {
      expect(Client.validIp(addr as string)).toBe(false);
    }
  });

  test("resolveHost() gives an address, by family of the call or else of the client", async () => {
    const { client, platform } = scene({ hosts: HOSTS });
    expect(await client.resolveHost(NAME)).toBe(SIX);
    expect(await client.resolveHost(NAME, { family: 4 })).toBe(TARGET);
    const four = new Client({ family: 4 }, platform);
    expect(await four.resolveHost(NAME)).toBe(TARGET);
    expect(await four.resolveHost(NAME, { family: 6 })).toBe(SIX);
    expect(await client.resolveHost("2001:DB8::0:1")).toBe("2001:db8::1");
  });

  test("resolveHost() rejects for a name without address, a wrong family and a wrong argument", async () => {
    const { client, failure } = scene({ hosts: HOSTS });
    expect(await failure(client.resolveHost("none.example"))).toMatchObject({
      name: "ResolveError",
      host: "none.example",
      code: "ENOTFOUND",
    });
    expect(await failure(client.resolveHost(TARGET, { family: 6 }))).toBeInstanceOf(ResolveError);
    for (const host of ["", null, 5]) {
      expect(await failure(client.resolveHost(host as string))).toBeInstanceOf(TypeError);
    }
    for (const resolveHost of [
      Client.resolveHost,
      (...given: Parameters<typeof Client.resolveHost>) => client.resolveHost(...given),
    ]) {
      for (const options of [{ family: 5 }, { family: "4" }, null, { timeout: 5 }]) {
        expect(await failure(resolveHost(TARGET, options as never))).toBeInstanceOf(TypeError);
      }
    }
  });

  test("reverseDns() gives a name or null, and a TypeError for what is no address", async () => {
    const { client, dns, failure } = scene();
    const asked = client.reverseDns(TARGET);
    await dns.answer(TARGET, NAME);
    expect(await asked).toBe(NAME);
    expect(await client.reverseDns(TARGET)).toBe(NAME);
    const nameless = client.reverseDns(SIX);
    await dns.answer(SIX, null);
    expect(await nameless).toBeNull();
    expect(dns.reverses).toEqual([TARGET, SIX]);
    for (const addr of ["", "name", "127.1", null, 5]) {
      expect(await failure(client.reverseDns(addr as string))).toBeInstanceOf(TypeError);
      expect(await failure(Client.reverseDns(addr as string))).toBeInstanceOf(TypeError);
    }
  });

  test("closing the client ends the lookups that are waited for, and refuses further ones", async () => {
    const { client, dns, failure } = scene({ hosts: HOSTS });
    dns.lookup = () => Promise.withResolvers<never>().promise;
    const failures = [client.resolveHost(NAME), client.reverseDns(TARGET)].map((lookup) =>
      failure(lookup),
    );
    client.close();
    for (const error of await Promise.all(failures))
      expect(error).toBeInstanceOf(ClientClosedError);
    expect(await failure(client.resolveHost(NAME))).toBeInstanceOf(ClientClosedError);
    expect(await failure(client.reverseDns(TARGET))).toBeInstanceOf(ClientClosedError);
    expect(dns.reverses).toEqual([TARGET]);
  });

  test("the static functions need no network for addresses", async () => {
    expect(await Client.resolveHost("2001:DB8::0:1")).toBe("2001:db8::1");
    expect(await Client.resolveHost("127.0.0.1", { family: 4 })).toBe("127.0.0.1");
    const failed = Client.resolveHost("127.0.0.1", { family: 6 }).then(
      String,
      (error: unknown) => error,
    );
    expect(await failed).toBeInstanceOf(ResolveError);
    const lax = Client.resolveHost("127.1").then(String, (error: unknown) => error);
    expect(await lax).toMatchObject({ code: "ERR_INVALID_HOST" });
  });
});
