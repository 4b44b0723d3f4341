import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReverseLookup } from "../../../src/client/names/reverse-lookup.ts";
import { systemRandom as random } from "../../../src/client/transport/platform.ts";
import { type Behaviour, DnsServer } from "../../support/dns-server.ts";

const MALFORMED: Behaviour = { data: Uint8Array.of(0x40, 1, 2, 3) };
const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  "17": MALFORMED,
  "18": { code: 3 },
  "19": { code: 2 },
  "20": { name: "slow.example", delay: 300 },
  "21": "silent",
};
const TIMEOUT_NS = 1e9;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "icmpx-names-"));
  write("resolv.conf", "nameserver 127.0.0.1\n");
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(file: string, text: string): void {
  writeFileSync(join(folder, file), text);
}

/** Answers with "h<last octet>.example", unless the last octet has a behaviour of its own. */
function behaviourOf(question: string): Behaviour {
  const [last = ""] = question.split(".");
  return BEHAVIOURS[last] ?? { name: `h${last}.example`, delay: 5 };
}

async function ask(
  server: DnsServer,
  ...addresses: string[]
): Promise<(string | null | undefined)[]> {
  const lookup = new ReverseLookup({ folder, port: server.port, random });
  const answers = await Promise.allSettled(
    addresses.map((address) => lookup.nameOf(address, TIMEOUT_NS)),
  );
  return answers.map((answer) => (answer.status === "fulfilled" ? answer.value : undefined));
}

describe("ReverseLookup", () => {
  test("a malformed answer is the failure of that one name only", async () => {
    using server = await DnsServer.open(behaviourOf);
    const addresses = [30, 31, 17, 32, 33, 34].map((last) => `10.9.0.${last}`);
    expect(await ask(server, ...addresses)).toEqual([
      "h30.example",
      "h31.example",
      undefined,
      "h32.example",
      "h33.example",
      "h34.example",
    ]);
  });

  test("tells that there is no name from not knowing it", async () => {
    using server = await DnsServer.open(behaviourOf);
    const addresses = [18, 19, 20, 21].map((last) => `10.9.0.${last}`);
    expect(await ask(server, ...addresses)).toEqual([null, undefined, "slow.example", undefined]);
  });

  test("says what went wrong at which server", async () => {
    using server = await DnsServer.open(behaviourOf);
    const lookup = new ReverseLookup({ folder, port: server.port, random });
    expect(lookup.nameOf("10.9.0.19", TIMEOUT_NS)).rejects.toThrow(
      "Cannot find the name of 10.9.0.19: 127.0.0.1: code 2, 127.0.0.1: code 2",
    );
    expect(lookup.nameOf("10.9.0.17", TIMEOUT_NS)).rejects.toThrow("127.0.0.1: malformed");
  });

  test("asks the next server when one is dead, refuses or is silent, and takes no longer than it may", async () => {
    using silent = await DnsServer.open(() => "silent", { hostname: "127.0.0.2" });
    using refusing = await DnsServer.open(() => ({ code: 5 }), {
      hostname: "127.0.0.3",
      port: silent.port,
    });
    using server = await DnsServer.open(behaviourOf, { hostname: "127.0.0.4", port: silent.port });
    write("resolv.conf", "nameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.4\n");
    expect(await ask(server, "10.9.0.30")).toEqual(["h30.example"]);
    expect([silent, refusing, server].map(({ asked }) => asked.length)).toEqual([1, 1, 1]);
    write("resolv.conf", "nameserver 127.0.0.2\noptions timeout:30 attempts:9\n");
    const startMs = performance.now();
    expect(await ask(server, "10.9.0.30")).toEqual([undefined]);
    expect(performance.now() - startMs).toBeWithin(900, 2500);
    write("resolv.conf", "nameserver 127.0.0.5\nnameserver 127.0.0.4\n");
    expect(await ask(server, "10.9.0.31")).toEqual(["h31.example"]);
  });

  test("asks the first three servers, or this host if none is named", async () => {
    using server = await DnsServer.open(behaviourOf);
    const named = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"].map(
      (each) => `nameserver ${each}`,
    );
    write("resolv.conf", named.join("\n"));
    expect(await ask(server, "10.9.0.30")).toEqual([undefined]);
    write("resolv.conf", "# nameserver 127.0.0.9\nsearch example\n");
    expect(await ask(server, "10.9.0.30")).toEqual(["h30.example"]);
    rmSync(join(folder, "resolv.conf"));
    expect(await ask(server, "10.9.0.30")).toEqual(["h30.example"]);
  });

  test("takes names from /etc/hosts before it asks, and reads that again when it has changed", async () => {
    using server = await DnsServer.open(behaviourOf);
    const lookup = new ReverseLookup({ folder, port: server.port, random });
    const names = (...addresses: string[]) =>
      Promise.all(addresses.map((address) => lookup.nameOf(address, TIMEOUT_NS)));
    expect(await names("10.9.0.30")).toEqual(["h30.example"]);
    write(
      "hosts",
      [
        "# 10.9.0.31 comment",
        "10.9.0.30\trouter.example router # the first name is the name",
        "10.9.0.30 another.example",
        "2001:DB8:0::1 six.example",
        "fe80::1%eth0 scoped.example",
        "nonsense",
        "10.9.0.32",
        "",
      ].join("\n"),
    );
    expect(await names("10.9.0.30", "2001:db8::1", "fe80::1", "10.9.0.31", "10.9.0.32")).toEqual([
      "router.example",
      "six.example",
      "scoped.example",
      "h31.example",
      "h32.example",
    ]);
    write("hosts", "10.9.0.30 changed.example\n");
    utimesSync(join(folder, "hosts"), 1, 1);
    expect(await names("10.9.0.30")).toEqual(["changed.example"]);
    rmSync(join(folder, "hosts"));
    expect(await names("10.9.0.30")).toEqual(["h30.example"]);
  });

  test("asks by DNS only where the system does (nsswitch.conf)", async () => {
    using server = await DnsServer.open(behaviourOf);
    write("hosts", "10.9.0.30 router.example\n");
    write("nsswitch.conf", "passwd: files dns\nhosts: files mymachines\n");
    expect(await ask(server, "10.9.0.30", "10.9.0.31")).toEqual(["router.example", null]);
    expect(server.asked).toEqual([]);
    for (const hosts of [
      "files dns",
      "files mdns4_minimal [NOTFOUND=return] resolve",
      "dns files",
    ]) {
      write("nsswitch.conf", `hosts: ${hosts}\n`);
      expect(await ask(server, "10.9.0.31")).toEqual(["h31.example"]);
    }
  });

  test("asks for IPv6 addresses nibble by nibble, and servers by IPv6", async () => {
    using server = await DnsServer.open(behaviourOf, { hostname: "::1" });
    write("resolv.conf", "nameserver ::1\n");
    expect(await ask(server, "2001:db8::e")).toEqual(["he.example"]);
    expect(server.asked[0]).toStartWith("e.0.0.0.");
    expect(server.asked[0]).toEndWith(".8.b.d.0.1.0.0.2.ip6.arpa");
  });

  test("ignores answers from elsewhere and to other questions", async () => {
    using server = await DnsServer.open(() => ({
      bytes: (query) =>
        Uint8Array.from(query, (byte, index) =>
          index === 1 ? byte ^ 1 : index === 2 ? byte | 0x80 : byte,
        ),
    }));
    expect(await ask(server, "10.9.0.30")).toEqual([undefined]);
  });

  test("leaves no socket behind", async () => {
    using server = await DnsServer.open(behaviourOf);
    const count = () =>
      Array.from(new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false })).length;
    const before = count();
    await ask(server, ...[17, 18, 19, 21, 30].map((last) => `10.9.0.${last}`));
    expect(count()).toBe(before);
  });
});
