import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ByteReader } from "../../src/cli/byte-reader.ts";
import { type CapturedPacket, CaptureError } from "../../src/cli/capture.ts";
import { LinkType, unwrapFrame } from "../../src/cli/link-layer.ts";
import { isPcap, readPcap } from "../../src/cli/pcap.ts";
import { formatPacket } from "../../src/packet/index.ts";
import { fixtureNames, fixturePacket } from "../fixtures/tshark.ts";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace } from "../lab/namespaces.ts";
import { fromHex, toHex } from "../support/hex.ts";
import { describeIf } from "../support/requires.ts";
import { parseCsv, parseNdjson, runCli } from "./fake-environment.ts";

setDefaultTimeout(60_000);

const ECHO = fromHex("4500001c87da00003e01dc560a5703020a5701010000bd90426e0001");
const ECHO_LINE = "IP 10.87.3.2 > 10.87.1.1: ICMP echo reply, id 17006, seq 1, length 8";
const FIXTURES = join(import.meta.dir, "../fixtures/packets");
const SECONDS = 1_700_000_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-decode-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("icmpx decode", () => {
  test("shows bytes in hexadecimal, however they are written", async () => {
    const bare = toHex(ECHO);
    const spaced = bare.replace(/../g, "$& ");
    const colons = (bare.match(/../g) ?? []).join(":");
    const { code, stdout, stderr } = await runCli([
      "decode",
      bare,
      spaced,
      colons,
      bare.toUpperCase(),
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`${ECHO_LINE}\n`.repeat(4));
  });

  test("shows every fixture as formatPacket() does, from its commented dump", async () => {
    const names = fixtureNames();
    expect(names.length).toBeGreaterThan(40);
    const { code, stdout } = await runCli([
      "decode",
      ...names.map((name) => join(FIXTURES, `${name}.hex`)),
    ]);
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, -1)).toEqual(
      names.map((name) => formatPacket(fixturePacket(name))),
    );
  });

  test("reads standard input, be it text or a capture", async () => {
    const text = new TextEncoder().encode(`# a comment\n${toHex(ECHO)}\n`);
    expect(
      (await runCli("decode -", { input: [text.subarray(0, 2), text.subarray(2)] })).stdout,
    ).toBe(`${ECHO_LINE}\n`);
    const capture = pcapFile([ECHO], { linkType: LinkType.Raw });
    const pieces = Array.from(capture, (byte) => Uint8Array.of(byte));
    expect((await runCli("decode -", { input: pieces })).stdout).toBe(
      `2023-11-14T22:13:20.000007Z ${ECHO_LINE}\n`,
    );
  });

  test("cuts the padding of Ethernet off, and says what is no IP", async () => {
    const ethernet = `${"02".repeat(12)}0800${toHex(ECHO)}${"00".repeat(18)}`;
    const arp = `${"02".repeat(12)}0806${"00".repeat(28)}`;
    const tagged = `${"02".repeat(12)}88a800058100006486dd`;
    const { stdout } = await runCli([
      "decode",
      "--link",
      "ethernet",
      ethernet,
      arp,
      tagged,
      "0202",
    ]);
    expect(stdout.split("\n")).toEqual([
      ECHO_LINE,
      "[not IP: ARP (ethertype 0x0806), 42 bytes]",
      "[not IP, 0 bytes]",
      "[2 bytes are no Ethernet frame, 2 bytes]",
      "",
    ]);
  });

  test("--json, --ndjson and --csv hold the fields", async () => {
    const file = await write(
      "fields.pcap",
      pcapFile([ECHO, fromHex("6000")], { linkType: LinkType.Raw }),
    );
    const document = JSON.parse((await runCli(["decode", "--json", file])).stdout);
    expect(document).toMatchObject({ command: "decode" });
    expect(document.packets).toHaveLength(2);
    expect(document.packets[0]).toMatchObject({
      number: 1,
      time: "2023-11-14T22:13:20.000007Z",
      capturedLength: 28,
      summary: ECHO_LINE,
      header: { source: "10.87.3.2", destination: "10.87.1.1", ttl: 62 },
      message: { kind: "echoReply", identifier: 17006, sequence: 1 },
    });
    expect(document.packets[1]).toMatchObject({ header: null, message: null });
    const events = parseNdjson((await runCli(["decode", "--ndjson", file])).stdout);
    expect(events.slice(0, -1)).toEqual(
      document.packets.map((packet: object) => ({ event: "packet", ...packet })),
    );
    expect(events.at(-1)).toEqual({
      event: "summary",
      packets: 2,
      undecoded: { "cut IPv6": 1 },
    });
    expect(document.undecoded).toEqual({ "cut IPv6": 1 });
    const rows = parseCsv((await runCli(["decode", "--csv", file])).stdout);
    expect(rows.map(({ summary }) => summary)).toEqual(
      document.packets.map(({ summary }: { summary: string }) => summary),
    );
  });

  test("an empty capture is an empty document", async () => {
    const file = await write("empty.pcap", pcapFile([], {}));
    expect(JSON.parse((await runCli(["decode", "--json", file])).stdout).packets).toEqual([]);
  });

  test("shows what a damaged file has, and says where it ends, with exit code 2", async () => {
    const whole = pcapFile([ECHO, ECHO], { linkType: LinkType.Raw });
    const rows: [string, Uint8Array, number, RegExp][] = [
      ["cut.pcap", whole.subarray(0, -1), 1, /^icmpx: The file ends within packet 2\n$/],
      [
        "head.pcap",
        whole.subarray(0, 24 + 16 + 28 + 3),
        1,
        /^icmpx: The file ends within the header of packet 2\n$/,
      ],
      [
        "ng.pcapng",
        fromHex(`0a0d0d0a${"00".repeat(24)}`),
        0,
        /^icmpx: Block 1 is no pcapng block: the file is damaged\n$/,
      ],
      [
        "cut.gz",
        gzipSync(whole).subarray(0, -12),
        0,
        /^icmpx: The gzip file ends in the middle\n$/,
      ],
      ["bad.gz", fromHex("1f8b0800ffff"), 0, /^icmpx: The gzip file /],
      ["short.pcap", whole.subarray(0, 20), 0, /^icmpx: This is no pcap file\n$/],
      [
        "huge.pcap",
        huge(whole),
        0,
        /^icmpx: Packet 1 says it has 4294967295 bytes: the file is damaged\n$/,
      ],
    ];
    for (const [name, bytes, lines, complaint] of rows) {
      const { code, stdout, stderr } = await runCli(["decode", await write(name, bytes)]);
      expect(code).toBe(2);
      expect(stdout.split("\n")).toHaveLength(lines + 1);
      expect(stderr).toMatch(complaint);
    }
  });
});

describe("readPcap()", () => {
  for (const littleEndian of [true, false]) {
    for (const isNano of [true, false]) {
      test(`reads ${littleEndian ? "little" : "big"}-endian ${isNano ? "nano" : "micro"}seconds`, async () => {
        const [packet, ...rest] = await packetsOf(pcapFile([ECHO], { littleEndian, isNano }));
        expect(rest).toEqual([]);
        expect(packet?.timestampNs).toBe(BigInt(SECONDS) * 1_000_000_000n + (isNano ? 7n : 7000n));
        expect(packet?.bytes).toEqual(ECHO);
        expect([packet?.originalLength, packet?.linkType]).toEqual([
          ECHO.length + 100,
          LinkType.Ethernet,
        ]);
      });
    }
  }

  test("throws CaptureError, and nothing else, whatever the bytes", async () => {
    const whole = pcapFile([ECHO, ECHO], {});
    let state = 1;
    for (let round = 0; round < 300; round += 1) {
      const bytes = whole.slice();
      for (let change = 0; change < 3; change += 1) {
        state = (state * 48_271) % 2_147_483_647;
        bytes[state % bytes.length] = state & 0xff;
      }
      const packets = await packetsOf(bytes).catch((error: unknown) => {
        expect(error).toBeInstanceOf(CaptureError);
        return [];
      });
      for (const { linkType, bytes: frame } of packets) unwrapFrame(linkType, frame);
    }
  });

  test("isPcap() tells captures from text", () => {
    expect(isPcap(pcapFile([], {}))).toBe(true);
    expect(isPcap(fromHex("0a0d0d0a"))).toBe(false);
    expect(isPcap(new TextEncoder().encode("4500001c"))).toBe(false);
    expect(isPcap(new Uint8Array(3))).toBe(false);
  });
});

describe("unwrapFrame()", () => {
  const rows: [name: string, linkType: number, header: string][] = [
    ["raw IP", LinkType.Raw, ""],
    ["raw IPv4", LinkType.Ipv4, ""],
    ["BSD loopback", LinkType.Null, "02000000"],
    ["OpenBSD loopback", LinkType.Loop, "00000002"],
    ["Ethernet", LinkType.Ethernet, `${"02".repeat(12)}0800`],
    ["Ethernet in a VLAN", LinkType.Ethernet, `${"02".repeat(12)}810000640800`],
    ["Linux cooked", LinkType.LinuxCooked, `${"00".repeat(14)}0800`],
    ["Linux cooked v2", LinkType.LinuxCooked2, `0800${"00".repeat(18)}`],
  ];
  for (const [name, linkType, header] of rows) {
    test(`takes ${name} off`, () => {
      expect(unwrapFrame(linkType, fromHex(header + toHex(ECHO)))).toEqual({
        kind: "ip",
        packet: ECHO,
      });
    });
  }

  test("names a link type it does not know", () => {
    const name = "link type 147";
    expect(unwrapFrame(147, ECHO)).toEqual({
      kind: "other",
      name,
      description: `${name} is not known`,
    });
    expect(unwrapFrame(105, ECHO)).toMatchObject({ name: "link type 105 (IEEE 802.11)" });
    expect(unwrapFrame(LinkType.Null, ECHO.subarray(0, 3))).toMatchObject({ kind: "other" });
  });
});

describeIf(requiresLab("tcpdump"), "icmpx decode of what tcpdump wrote", () => {
  const lab = new Lab();
  let host: Namespace;
  beforeAll(async () => {
    host = lab.add("decode");
    await lab.build();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  const kinds: [name: string, ...flags: string[]][] = [
    ["Ethernet", "-i", "lo"],
    ["Linux cooked", "-i", "any", "-y", "LINUX_SLL"],
    ["Linux cooked v2", "-i", "any", "-y", "LINUX_SLL2"],
    ["nanoseconds", "-i", "lo", "--time-stamp-precision=nano"],
  ];
  for (const [name, ...flags] of kinds) {
    test(name, async () => {
      const file = join(folder, `${name.replaceAll(" ", "-")}.pcap`);
      await Bun.write(file, "");
      const capture = host.spawn([
        "tcpdump",
        "-Z",
        "root",
        "-U",
        "--immediate-mode",
        "-c",
        "4",
        ...flags,
        "-w",
        file,
        "icmp or icmp6",
      ]);
      const reader = capture.stderr.getReader();
      const decoder = new TextDecoder();
      let said = "";
      while (!said.includes("listening on")) {
        const { done, value } = await reader.read();
        if (done) throw new Error(said);
        said += decoder.decode(value);
      }
      const ping = host.spawn([
        process.execPath,
        join(import.meta.dir, "../../src/cli/icmpx.ts"),
        "ping",
        "-c",
        "2",
        "-i",
        "0.05",
        "127.0.0.1",
        "::1",
      ]);
      expect(await ping.exited).toBe(0);
      await capture.exited;
      const { code, stdout, stderr } = await runCli(["decode", file]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const lines = stdout.split("\n").slice(0, -1);
      expect(lines).toHaveLength(4);
      for (const line of lines) {
        expect(line).toMatch(
          /^\d{4}-\d\d-\d\dT[\d:]{8}\.(\d{6}|\d{9})Z IP6? \S+ > \S+: ICMP6? echo re(quest|ply), id \d+, seq \d+, length 64$/,
        );
      }
    });
  }
});

function pcapFile(
  packets: readonly Uint8Array[],
  {
    littleEndian = true,
    isNano = false,
    linkType = LinkType.Ethernet,
  }: { littleEndian?: boolean; isNano?: boolean; linkType?: number },
): Uint8Array {
  const numbers = (...values: number[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(values.length * 4));
    for (const [index, value] of values.entries()) view.setUint32(index * 4, value, littleEndian);
    return new Uint8Array(view.buffer);
  };
  const version = littleEndian ? 0x0004_0002 : 0x0002_0004;
  const header = numbers(isNano ? 0xa1b23c4d : 0xa1b2c3d4, version, 0, 0, 262_144, linkType);
  const records = packets.flatMap((packet) => [
    numbers(SECONDS, 7, packet.length, packet.length + 100),
    packet,
  ]);
  return new Uint8Array(Buffer.concat([header, ...records]));
}

function huge(whole: Uint8Array): Uint8Array {
  const bytes = whole.slice();
  bytes.fill(0xff, 24 + 8, 24 + 12);
  return bytes;
}

async function packetsOf(bytes: Uint8Array): Promise<CapturedPacket[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
  }
  return Array.fromAsync(readPcap(new ByteReader(chunks())), (packet) => ({
    ...packet,
    bytes: new Uint8Array(packet.bytes),
  }));
}

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await Bun.write(path, bytes);
  return path;
}
