import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { main } from "../../src/cli/main.ts";
import { Tally } from "../../src/cli/tally.ts";
import { describeIf, requires } from "../support/requires.ts";
import { ENTRY, FakeHost, parseCsv, parseNdjson, runCli } from "./fake-environment.ts";

setDefaultTimeout(30_000);

const ESCAPE = "\x1b";
const COLOURED = new RegExp(`${ESCAPE}\\[3[13]m[^\\n]*icmp_seq=1[^\\n]*${ESCAPE}\\[0m\\n`);
/** Nobody answers there (icmp_echo_ignore_broadcasts), and it does not leave loopback. */
const SILENT = "127.255.255.255";

describeIf(requires.all(requires.linux(), requires.root()), "icmpx ping on loopback", () => {
  for (const host of ["127.0.0.1", "::1"]) {
    test(`${host}: a heading, a line for each answer, a summary`, async () => {
      const { code, stdout, stderr } = await runCli(`ping -c 2 -i 0.02 ${host}`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [heading, first, second, empty, ...summary] = stdout.split("\n");
      expect(heading).toBe(
        host === "::1"
          ? "PING ::1(::1) 56 data bytes"
          : `PING ${host} (${host}) 56(84) bytes of data.`,
      );
      expect(first).toMatch(
        new RegExp(`^64 bytes from ${host}: icmp_seq=1 ttl=64 time=[\\d.]+ ms$`),
      );
      expect(second).toMatch(
        new RegExp(`^64 bytes from ${host}: icmp_seq=2 ttl=64 time=[\\d.]+ ms$`),
      );
      expect(empty).toBe("");
      expect(summary[0]).toBe(`--- ${host} ping statistics ---`);
      expect(summary[1]).toMatch(/^2 packets transmitted, 2 received, 0% packet loss, time \d+ms$/);
    });
  }

  test("several hosts end in a table; one that does not exist makes the exit code 2", async () => {
    const good = await runCli("ping -c 1 127.0.0.1 ::1");
    expect(good.code).toBe(0);
    expect(good.stdout).toContain("Ping of 2 targets");
    const mixed = await runCli("ping -n -c 1 127.0.0.1 no-such-host.invalid");
    expect(mixed.code).toBe(2);
    expect(mixed.stdout).toContain("64 bytes from 127.0.0.1");
    expect(mixed.stderr).toStartWith(
      'icmpx: no-such-host.invalid: Cannot resolve "no-such-host.invalid"',
    );
  });

  test("the options that the wire shows: ttl, size, pattern, tos, interface, fragmentation", async () => {
    const line = "ping -c 1 --json -t 9 -s 20 -p c0ffee -Q 0xb8 -I lo -M do -m 7 -W 0.5 127.0.0.1";
    const { code, stdout } = await runCli(line);
    expect(code).toBe(0);
    const { command, targets } = JSON.parse(stdout);
    expect(command).toBe("ping");
    const [{ request, reply }] = targets[0].results;
    expect(request.ttl).toBe(9);
    expect(request.sentPacket.packet.payload).toBe("c0ffee".repeat(7).slice(0, 40));
    // Linux answers with the type of service that it was asked with (RFC 1122 section 3.2.2.6).
    expect(reply.receivedPacket.ipHeader.tos).toBe(0xb8);
    expect(reply.receivedPacket.ipHeader.totalLength).toBe(20 + 8 + 20);
  });

  test("-I with an address is the source, -4 and -6 choose the family, --socket the kind", async () => {
    const own = JSON.parse((await runCli("ping -c 1 --json -I 127.0.0.5 127.0.0.1")).stdout);
    expect(own.targets[0].results[0].reply.receivedPacket.ipHeader.destAddr).toBe("127.0.0.5");
    const addresses = { 4: "127.0.0.1", 6: "::1" } as const;
    for (const family of [4, 6] as const) {
      const { stdout } = await runCli(`ping -c 1 --json -${family} ${addresses[family]}`);
      expect(JSON.parse(stdout).targets[0].family).toBe(family);
      const other = await runCli(`ping -c 1 -${family} ${addresses[family === 4 ? 6 : 4]}`);
      expect(other.code).toBe(2);
      expect(other.stderr).toContain(`to an IPv${family} address`);
    }
    const raw = JSON.parse((await runCli("ping -c 1 --json --socket raw 127.0.0.1")).stdout);
    expect(raw.targets[0].results[0].reply.receivedPacket.ipHeader.ihl).toBe(5);
  });

  test("-I twice is interface and source, in either order; --source is the source alone", async () => {
    for (const line of ["-I lo -I 127.0.0.5", "-I 127.0.0.5 -I lo", "-I lo --source 127.0.0.5"]) {
      const { code, stdout } = await runCli(`ping -c 1 --json ${line} 127.0.0.1`);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).targets[0].results[0].reply.receivedPacket.ipHeader.destAddr).toBe(
        "127.0.0.5",
      );
      const nowhere = await runCli(`ping -c 1 ${line.replace("-I lo", "-I nosuch0")} 127.0.0.1`);
      expect(nowhere.stderr).toContain('"nosuch0": this host has no such interface');
    }
  });

  test("an interface that leads nowhere but to this host, and a network, are told at once", async () => {
    for (const command of ["ping -c 1 -I lo", "mtr -r -c 1 -I lo", "traceroute -i lo"]) {
      const { code, stderr } = await runCli(`${command} 192.0.2.1`);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining("interface lo leads to addresses of this host only"),
      ]);
    }
    const { code, stderr } = await runCli("ping -c 1 10.0.0.0/8");
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("a network or a range of addresses, not one host"),
    ]);
  });

  test("--ndjson is a line for each event, then one for each target", async () => {
    const { code, stdout } = await runCli("ping -c 2 -i 0.01 --ndjson 127.0.0.1 127.0.0.2");
    expect(code).toBe(0);
    const events = parseNdjson(stdout);
    expect(events.map(({ event }) => event)).toEqual([
      "result",
      "result",
      "result",
      "result",
      "summary",
      "summary",
    ]);
    expect(events.slice(4).map(({ target }) => target)).toEqual(["127.0.0.1", "127.0.0.2"]);
    for (const summary of events.slice(4))
      expect(summary["statistics"]).toMatchObject({ sent: 2, received: 2 });
  });

  test("--csv has a row for each result, failures included", async () => {
    const { stdout } = await runCli("ping -c 2 -i 0.01 --csv 127.0.0.1 no-such-host.invalid");
    const rows = parseCsv(stdout);
    const replies = rows.filter(({ kind }) => kind === "reply");
    expect(replies.map(({ number }) => number)).toEqual(["1", "2"]);
    for (const { rtt_ms, sent_at, from, duplicate } of replies) {
      expect(Number(rtt_ms)).toBeGreaterThan(0);
      expect(Math.abs(Date.parse(sent_at ?? "") - Date.now())).toBeLessThan(60_000);
      expect([from, duplicate]).toEqual(["127.0.0.1", "false"]);
    }
    expect(rows.find(({ kind }) => kind === "targetFailure")).toMatchObject({
      target: "no-such-host.invalid",
      number: "",
    });
  });

  test("-q shows the summary only, -D begins lines with the time, -f shows no answers", async () => {
    const quiet = await runCli("ping -q -c 2 -i 0.01 127.0.0.1");
    expect(quiet.stdout).not.toContain("icmp_seq");
    expect(quiet.stdout).toContain("2 packets transmitted, 2 received");
    const dated = await runCli("ping -D -c 1 127.0.0.1");
    const [, time] = /^\[(\d+\.\d{6})\] 64 bytes/m.exec(dated.stdout) ?? [];
    expect(Math.abs(Number(time) * 1000 - Date.now())).toBeLessThan(60_000);
    const begun = performance.now();
    const flood = await runCli("ping -f -c 200 127.0.0.1");
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(flood.stdout).not.toContain("icmp_seq");
    expect(flood.stdout).toContain("200 packets transmitted, 200 received");
  });

  test("-w ends in time; with -c all of them must have been answered", async () => {
    expect((await runCli("ping -w 0.2 -i 0.05 127.0.0.1")).code).toBe(0);
    const short = await runCli("ping -w 0.2 -i 0.1 -c 100 127.0.0.1");
    expect(short.code).toBe(1);
    expect(short.stdout).toContain("ping statistics");
  });

  test("exit code 1 when nobody answers", async () => {
    const { code, stdout } = await runCli(`ping -c 1 -W 0.1 ${SILENT}`);
    expect(code).toBe(1);
    expect(stdout).toContain("1 packets transmitted, 0 received, 100% packet loss, time 0ms");
  });

  test("-O tells of silence in the words of ping(8), and -f in a dot", async () => {
    const told = await runCli(`ping -O -c 1 -W 0.1 ${SILENT}`);
    expect(told.stdout).toContain("\nno answer yet for icmp_seq=1\n");
    const flood = await runCli(`ping -f -c 2 -W 0.1 ${SILENT}`);
    expect(flood.stdout).toContain("bytes of data.\n..\n---");
  });

  test("an interface that does not exist is told, with exit code 2", async () => {
    const { code, stderr } = await runCli("ping -c 1 -I nosuch0 127.0.0.1");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'icmpx: Option "interface" is "nosuch0": this host has no such interface\n',
    });
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} ends it with the summary; the second ends the process`, async () => {
      const { code, stdout, host } = await runCli("ping -i 0.01 127.0.0.1", {
        onWrite: (text, fake) => {
          if (!text.includes("icmp_seq=3 ")) return;
          fake.send(signal);
          fake.send(signal);
        },
      });
      expect(code).toBe(0);
      expect(stdout).toMatch(/\n\n--- 127\.0\.0\.1 ping statistics ---\n/);
      expect(host.exits).toEqual([130]);
      expect(host.listenerCount).toBe(0);
    });
  }

  test("SIGQUIT shows the figures so far, on stderr", async () => {
    const { stderr } = await runCli("ping -c 3 -i 0.01 127.0.0.1", {
      onWrite: (text, fake) => text.includes("icmp_seq=2 ") && fake.send("SIGQUIT"),
    });
    expect(stderr).toMatch(/^2\/2 packets, 0% loss, min\/avg\/max = ([\d.]+\/){2}[\d.]+ ms\n$/);
    const two = await runCli("ping -c 2 -i 0.05 127.0.0.1 127.0.0.2", {
      onWrite: (_, fake) => fake.send("SIGQUIT"),
    });
    expect(two.stderr).toMatch(/^127\.0\.0\.1: \d\/\d packets, 0% loss, /);
  });

  test("ended before the first answer it still has its heading, the names of its columns, and figures", async () => {
    // Its first probe is in flight when it ends.
    const text = await runCli(`ping -W 5 -w 0.2 ${SILENT}`);
    expect(text.code).toBe(1);
    expect(text.stdout).toStartWith(
      `PING ${SILENT} (${SILENT}) 56(84) bytes of data.\n\n--- ${SILENT} ping statistics`,
    );
    expect(text.stdout).toMatch(
      /\n1 packets transmitted, 0 received, 100% packet loss, time \d+ms\n/,
    );
    const csv = await runCli(`ping --csv -W 5 -w 0.2 ${SILENT}`);
    expect(csv.stdout).toMatch(/^target,address,[\w,]+\n$/);
    const host = new FakeHost();
    const timer = setInterval(() => host.send("SIGQUIT"), 20);
    await main(["ping", "-W", "5", "-w", "0.5", SILENT], host);
    clearInterval(timer);
    expect(host.stderr.text).toStartWith("no result so far\n");
  });

  test("a terminal gets colour for what is lost, unless NO_COLOR is set", async () => {
    const line = `ping -c 1 -W 0.05 ${SILENT}`;
    const coloured = await runCli(line, { terminal: { columns: 80 } });
    expect(coloured.stdout).toMatch(COLOURED);
    const plain = await runCli(line, { terminal: { columns: 80 }, env: { NO_COLOR: "1" } });
    expect(plain.stdout).not.toContain("\x1b");
    expect((await runCli(line)).stdout).not.toContain("\x1b");
  });

  test("as a process it ends quietly when its reader has gone", async () => {
    const child = Bun.spawn([process.execPath, ENTRY, "ping", "-i", "0.01", "127.0.0.1"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    expect(await child.exited).toBe(141);
    expect(await new Response(child.stderr).text()).toBe("");
  });

  test("as a process it gives all of its output, and its exit code, through a pipe", async () => {
    const child = Bun.spawn(
      [process.execPath, ENTRY, "ping", "-i", "0", "-c", "2000", "--ndjson", "127.0.0.1"],
      {
        stdout: "pipe",
      },
    );
    const events = parseNdjson(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    expect(events).toHaveLength(2001);
  });
});

describe("Tally", () => {
  test("without a result has no line", () => {
    expect(new Tally().lines(true)).toEqual([]);
  });
});
