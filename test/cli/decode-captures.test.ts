import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ByteReader } from "../../src/cli/byte-reader.ts";
import { type CapturedPacket, CaptureError } from "../../src/cli/capture.ts";
import { readPcapng } from "../../src/cli/pcapng.ts";
import { internetChecksum } from "../../src/packet/index.ts";
import { fixtureNames, fixturePacket } from "../fixtures/tshark.ts";
import { fromHex, toHex } from "../support/hex.ts";
import { describeIf, requires } from "../support/requires.ts";
import { ENTRY, parseCsv, runCli } from "./fake-environment.ts";

setDefaultTimeout(60_000);

const ECHO = fromHex("4500001c87da00003e01dc560a5703020a5701010000bd90426e0001");
const ECHO_LINE = "IP 10.87.3.2 > 10.87.1.1: ICMP echo reply, id 17006, seq 1, length 8";
/** A process of Bun alone takes some 40 MB of it. */
const MAX_MEGABYTES = 100;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-captures-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("icmpx decode tells", () => {
  test("a wrong checksum of the IP header or the ICMP message, and what it should be", async () => {
    const badIp = toHex(ECHO).replace("dc56", "dc57");
    const badIcmp = toHex(ECHO).replace("bd90", "0000");
    const { code, stdout } = await runCli(["decode", badIp, badIcmp]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      `${ECHO_LINE} [bad IP checksum 0xdc57, should be 0xdc56]\n` +
        `${ECHO_LINE} [bad ICMP checksum 0x0000, should be 0xbd90]\n`,
    );
    const rows = parseCsv((await runCli(["decode", "--csv", toHex(ECHO), badIp, badIcmp])).stdout);
    expect(rows.map(({ ip_checksum, icmp_checksum }) => [ip_checksum, icmp_checksum])).toEqual([
      ["good", "good"],
      ["bad", "good"],
      ["good", "bad"],
    ]);
  });

  test("a packet that was cut, with the length that its header tells", async () => {
    const whole = toHex(ECHO).replace("4500001c", "45000054");
    const { stdout } = await runCli(["decode", "--json", whole]);
    expect(JSON.parse(stdout).packets[0]).toMatchObject({
      summary: `${ECHO_LINE.replace("length 8", "length 64")} [cut: 28 of 84 bytes] [bad IP checksum 0xdc56, should be 0xdc1e]`,
      cut: true,
      ipChecksum: "bad",
      icmpChecksum: "unverified",
    });
    const snapped = await write("snap.pcap", pcap([ECHO.subarray(0, 15)], 28));
    const { stdout: text, stderr } = await runCli(["decode", snapped]);
    expect(text).toEndWith("[cut: 15 of 28 bytes]\n");
    expect(stderr).toBe("not decoded: 1 cut IPv4\n");
    const damaged = await runCli(["decode", toHex(ECHO).replace("4500", "4f00")]);
    expect(damaged.stderr).toBe("not decoded: 1 damaged IPv4\n");
  });

  test("the interface of an extended echo request with data", async () => {
    const hex =
      "4500002c000100004001f6ccc0000201c00002022a009191000700012000dcf4000803020000000111223344";
    const { stdout } = await runCli(["decode", hex]);
    expect(stdout).toBe(
      "IP 192.0.2.1 > 192.0.2.2: ICMP extended echo request, id 7, seq 0, interface index 1, length 24\n",
    );
  });

  test("what it does not decode, by name and number", async () => {
    const ethernet = (type: string): string => `${"02".repeat(12)}${type}${"00".repeat(40)}`;
    const frames = [
      ethernet("0806"),
      ethernet("0806"),
      ethernet("8847"),
      ethernet("1234"),
      ethernet("0040"),
    ];
    const gre = `${"02".repeat(12)}0800${toHex(ip(47, "00000800"))}`;
    const vxlan = `${"02".repeat(12)}0800${toHex(ip(17, "c00012b500080000"))}`;
    const line = ["decode", "--link", "ethernet", ...frames, gre, vxlan];
    const { code, stdout, stderr } = await runCli(line);
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "[not IP: ARP (ethertype 0x0806), 54 bytes]",
      "[not IP: ARP (ethertype 0x0806), 54 bytes]",
      "[not IP: MPLS (ethertype 0x8847), 54 bytes]",
      "[not IP: ethertype 0x1234, 54 bytes]",
      "[not IP: IEEE 802.3 (a length for a type), 54 bytes]",
      "IP 10.0.0.1 > 10.0.0.2: protocol 47, length 4 [GRE tunnel, not decoded]",
      "IP 10.0.0.1:49152 > 10.0.0.2:4789: UDP, length 0 [VXLAN tunnel, not decoded]",
      "",
    ]);
    expect(stderr).toBe(
      "not decoded: 2 ARP, 1 MPLS, 1 ethertype 0x1234, 1 IEEE 802.3, 1 GRE tunnel, 1 VXLAN tunnel\n",
    );
    const { undecoded } = JSON.parse((await runCli([...line, "--json"])).stdout);
    expect(undecoded).toMatchObject({ ARP: 2, "VXLAN tunnel": 1 });
  });

  test("forged ethertypes are counted in bounded memory", async () => {
    const frames = Array.from({ length: 100 }, (_, index) =>
      fromHex(`${"02".repeat(12)}70${index.toString(16).padStart(2, "0")}`),
    );
    const { stderr } = await runCli(["decode", await write("forged.pcap", pcap(frames, 14, 1))]);
    expect(stderr).toEndWith(", 50 others\n");
  });

  test("an operand that is wrong after others keeps JSON whole", async () => {
    const { code, stdout, stderr } = await runCli(["decode", "--json", toHex(ECHO), "nonsense"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).packets).toHaveLength(1);
    expect(stderr).toContain('"nonsense" is no file');
  });

  test("a folder, and a file that may not be read", async () => {
    const { code, stderr } = await runCli(["decode", folder]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `icmpx: Cannot read ${JSON.stringify(folder)}: illegal operation on a directory (EISDIR)\n`,
    );
  });
});

describe("icmpx decode reads the same from", () => {
  test("pcapng and gzip, as from pcap", async () => {
    const packets = fixtureNames().map(fixturePacket);
    const plain = await runCli(["decode", await write("all.pcap", pcap(packets))]);
    expect(plain.stdout.split("\n").length).toBeGreaterThan(40);
    const texts = [
      await runCli(["decode", await write("all.pcap.gz", gzipSync(pcap(packets)))]),
      await runCli(["decode", await write("all.pcapng", pcapng(packets, true))]),
      await runCli(["decode", await write("big-endian.pcapng", pcapng(packets, false))]),
      await runCli("decode -", { input: [gzipSync(pcapng(packets, true))] }),
    ];
    for (const text of texts) expect(text).toEqual(plain);
  });

  test("a gzip file of several members", async () => {
    const hex = Buffer.from(toHex(ECHO));
    const packed = Buffer.concat(
      [hex.subarray(0, 9), hex.subarray(9)].map((part) => gzipSync(part)),
    );
    expect((await runCli("decode -", { input: [packed] })).stdout).toBe(`${ECHO_LINE}\n`);
  });
});

describe("readPcapng()", () => {
  const block = (type: number, body: Uint8Array, le = true): Uint8Array => {
    const length = 12 + body.length;
    return join32(le, type, length, body, length);
  };
  const section = (le = true): Uint8Array =>
    block(0x0a0d0d0a, join32(le, 0x1a2b3c4d, le ? 1 : 0x10000, 0xffffffff, 0xffffffff), le);
  const interfaceOf = (
    linkType: number,
    snap: number,
    options: Uint8Array = new Uint8Array(0),
  ): Uint8Array => block(1, join32(true, linkType, snap, options));

  test("reads resolutions, offsets, several interfaces, and packets without a time", async () => {
    const nano = fromHex("09000100 09000000 0e000800 0a00000000000000 00000000");
    const binary = fromHex("09000100 8a000000");
    const file = Buffer.concat([
      section(),
      interfaceOf(101, 0, nano),
      interfaceOf(228, 0, binary),
      block(5, new Uint8Array(20)),
      block(6, join32(true, 0, 0, 7, 28, 28, ECHO)),
      block(6, join32(true, 1, 0, 1536, 28, 99, ECHO)),
      block(3, join32(true, 28, ECHO)),
      block(2, join32(true, 1, 0, 1024, 28, 28, ECHO)),
    ]);
    const packets = await packetsOf(file);
    expect(
      packets.map(({ linkType, timestampNs, originalLength }) => [
        linkType,
        timestampNs,
        originalLength,
      ]),
    ).toEqual([
      [101, 10_000_000_007n, 28],
      [228, 1_500_000_000n, 99],
      [101, undefined, 28],
      [228, 1_000_000_000n, 28],
    ]);
    for (const { bytes } of packets) expect(bytes).toEqual(ECHO);
  });

  test("a section restarts, in its own byte order", async () => {
    const [first, second, ...rest] = await packetsOf(
      Buffer.concat([pcapng([ECHO], true), pcapng([ECHO], false)]),
    );
    expect(rest).toEqual([]);
    expect(second).toEqual(first as CapturedPacket);
  });

  const damaged: readonly (readonly [name: string, bytes: Uint8Array, complaint: string])[] = [
    ["no section", interfaceOf(1, 0), "This is no pcapng file"],
    ["another version", section().fill(2, 12, 13), "Cannot read pcapng of version 2: need 1"],
    ["a block cut short", section().subarray(0, -2), "The file ends within block 1"],
    [
      "an odd length",
      Buffer.concat([section(), join32(true, 1, 13)]),
      "Block 2 is no pcapng block",
    ],
    [
      "a packet of no interface",
      Buffer.concat([section(), block(6, new Uint8Array(20))]),
      "Block 2 is no",
    ],
    [
      "a packet longer than its block",
      Buffer.concat([section(), interfaceOf(1, 0), block(6, join32(true, 0, 0, 0, 64, 64, ECHO))]),
      "Block 3 is no",
    ],
    [
      "two lengths that differ",
      Buffer.concat([section(), join32(true, 5, 16, 0, 20)]),
      "Block 2 is no",
    ],
  ];
  for (const [name, bytes, complaint] of damaged) {
    test(`refuses ${name}`, async () => {
      await expect(packetsOf(bytes)).rejects.toThrow(complaint);
    });
  }

  test("throws CaptureError, and nothing else, whatever the bytes", async () => {
    const whole = pcapng([ECHO, ECHO], true);
    let state = 1;
    for (let round = 0; round < 500; round += 1) {
      const bytes = whole.slice();
      for (let change = 0; change < 3; change += 1) {
        state = (state * 48_271) % 2_147_483_647;
        bytes[state % bytes.length] = state & 0xff;
      }
      await packetsOf(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(CaptureError));
    }
  });
});

describeIf(requires.command("tshark"), "icmpx decode beside tshark", () => {
  test("verdicts on checksums are those of tshark, of fixtures and of damaged ones", async () => {
    const packets = fixtureNames().flatMap((name) => {
      const packet = fixturePacket(name);
      const damaged = packet.slice();
      damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 0x5a;
      // Of less than its header tshark says nothing.
      const cut = packet.length < 60 ? packet : packet.subarray(0, -3);
      return [packet, damaged, cut];
    });
    // Longer on the wire, or tshark takes what was captured for all there was.
    const file = await write("verdicts.pcap", pcap(packets, 2000));
    const fields = ["ip.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status"];
    const options = [
      "-o",
      "ip.check_checksum:TRUE",
      "-o",
      "ip.defragment:FALSE",
      "-o",
      "ipv6.defragment:FALSE",
    ];
    const line = [
      "tshark",
      "-r",
      file,
      ...options,
      "-T",
      "fields",
      ...fields.flatMap((field) => ["-e", field]),
    ];
    // Of what stands in quotes they follow.
    const theirs = (await Bun.$`${line}`.quiet().text())
      .split("\n")
      .slice(0, -1)
      .map((row) => row.split("\t").map((cell) => VERDICTS[cell.split(",")[0] ?? ""] ?? null));
    const { packets: ours } = JSON.parse((await runCli(["decode", "--json", file])).stdout);
    expect(ours).toHaveLength(theirs.length);
    const rows = ours.map(({ summary, ipChecksum, icmpChecksum }: DecodedRow, index: number) => {
      const [ip, icmp, icmpv6] = theirs[index] ?? [];
      return {
        summary,
        ours: [ipChecksum, icmpChecksum],
        theirs: [ip ?? null, icmp ?? icmpv6 ?? null],
      };
    });
    expect(rows.filter((row: (typeof rows)[0]) => !Bun.deepEquals(row.ours, row.theirs))).toEqual(
      [],
    );
  });

  test("what editcap makes of a capture reads the same", async () => {
    const file = await write("to-convert.pcap", pcap(fixtureNames().map(fixturePacket)));
    const plain = (await runCli(["decode", file])).stdout;
    for (const [format, name] of [
      ["pcapng", "ng"],
      ["nsecpcap", "nano"],
    ] as const) {
      const converted = join(folder, name);
      await Bun.$`editcap -F ${format} ${file} ${converted}`.quiet();
      const text = (await runCli(["decode", converted])).stdout;
      expect(text.replaceAll(/(\.\d{6})000Z/g, "$1Z")).toBe(plain);
    }
  });
});

interface DecodedRow {
  readonly summary: string;
  readonly ipChecksum: string | null;
  readonly icmpChecksum: string | null;
}

/** As tshark numbers them; 2 and 3 are "unverified" and "not present". */
const VERDICTS: Readonly<Record<string, string>> = { "0": "bad", "1": "good", "2": "unverified" };

describeIf(requires.linux(), "icmpx decode of endless input", () => {
  const endless: readonly (readonly [name: string, command: string, complaint: RegExp])[] = [
    ["words", "yes", /Standard input holds no capture, and no bytes in hexadecimal/],
    ["zeros", "cat /dev/zero", /Standard input holds no capture/],
    ["digits", "yes 4500", /Standard input has over 131072 bytes in hexadecimal/],
    ["packed zeros", "head -c 1G /dev/zero | gzip -1", /Standard input holds no capture/],
  ];
  for (const [name, command, complaint] of endless) {
    test(`${name}: a clear error, in little memory`, async () => {
      const { code, stderr, megabytes } = await peak(`${command} 2>/dev/null | ${BUN} decode -`);
      expect(stderr).toMatch(complaint);
      expect(code).toBe(2);
      expect(megabytes).toBeWithin(20, MAX_MEGABYTES);
    });
  }

  const streams: readonly (readonly [
    name: string,
    head: Uint8Array,
    repeated: Uint8Array,
    megabytes: number,
  ])[] = [
    ["packets", pcap([]), pcap([ECHO]).subarray(24), 4],
    [
      "huge packets",
      pcap([]),
      Buffer.concat([join32(true, 0, 0, 4_000_000, 4_000_000), new Uint8Array(4_000_000)]),
      300,
    ],
    ["pcapng packets", pcapng([], true), pcapng([ECHO], true).subarray(pcapng([], true).length), 4],
    ["spaces", new Uint8Array(0), new Uint8Array(65_536).fill(0x20), 30],
  ];
  for (const [name, head, repeated, megabytes] of streams) {
    test(`${name}, ${megabytes} MB and a slow reader: little memory`, async () => {
      const begin = await write("begin", head);
      const block = await write("block", repeat(repeated, 65_536));
      const times = Math.ceil((megabytes * 1e6) / Bun.file(block).size);
      const feed = `cat ${begin}; for i in $(seq ${times}); do cat ${block}; done`;
      const slow = "(sleep 1; cat >/dev/null)";
      const outcome = await peak(`(${feed}) | ${BUN} decode - 2>&1 | ${slow}`);
      expect(outcome.megabytes).toBeWithin(20, MAX_MEGABYTES);
    });
  }
});

const BUN = `${process.execPath} --preload ${join(import.meta.dir, "children/peak.ts")} ${ENTRY}`;

/** Runs a script with {@link BUN} in it, and tells the most memory that it had. */
async function peak(script: string) {
  const PEAK_FILE = join(folder, "peak");
  const env = { ...process.env, PEAK_FILE };
  const child = Bun.spawn(["sh", "-c", script], { stdout: "ignore", stderr: "pipe", env });
  const stderr = await new Response(child.stderr).text();
  const code = await child.exited;
  return { code, stderr, megabytes: Number(await Bun.file(PEAK_FILE).text()) / 1000 };
}

/** Bytes, and numbers of 32 bits. */
function join32(littleEndian: boolean, ...parts: readonly (number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part !== "number") return part;
      const bytes = Buffer.alloc(4);
      if (littleEndian) bytes.writeUInt32LE(part);
      else bytes.writeUInt32BE(part);
      return bytes;
    }),
  );
}

/** @param wireLength of each packet; by default what was captured */
function pcap(packets: readonly Uint8Array[], wireLength?: number, linkType = 101): Uint8Array {
  const records = packets.map((packet) =>
    join32(true, 1_700_000_000, 7, packet.length, wireLength ?? packet.length, packet),
  );
  return Buffer.concat([
    join32(true, 0xa1b2c3d4, 0x0004_0002, 0, 0, 262_144, linkType),
    ...records,
  ]);
}

/** The same in one section, with blocks that hold no packet between. */
function pcapng(packets: readonly Uint8Array[], littleEndian: boolean): Uint8Array {
  const join = (...parts: readonly (number | Uint8Array)[]) => join32(littleEndian, ...parts);
  const block = (type: number, body: Uint8Array): Buffer => {
    const padded = Buffer.concat([body, new Uint8Array(-body.length & 3)]);
    return join(type, 12 + padded.length, padded, 12 + padded.length);
  };
  const time = 1_700_000_000_000_007n;
  const records = packets.map((packet) =>
    block(
      6,
      join(
        0,
        Number(time >> 32n),
        Number(time & 0xffff_ffffn),
        packet.length,
        packet.length,
        packet,
      ),
    ),
  );
  const version = littleEndian ? 1 : 0x0001_0000;
  return Buffer.concat([
    block(0x0a0d0d0a, join(0x1a2b3c4d, version, 0xffff_ffff, 0xffff_ffff)),
    block(1, join(littleEndian ? 101 : 101 * 0x1_0000, 262_144)),
    block(0x0bad, new Uint8Array(40)),
    ...records,
  ]);
}

/** An IPv4 packet around a payload in hexadecimal. */
function ip(protocol: number, payload: string): Uint8Array {
  const header = fromHex(`450000000000000040000000 0a000001 0a000002`);
  const bytes = Uint8Array.from([...header, ...fromHex(payload)]);
  bytes[3] = bytes.length;
  bytes[9] = protocol;
  const checksum = internetChecksum(bytes.subarray(0, 20));
  bytes[10] = checksum >> 8;
  bytes[11] = checksum & 0xff;
  return bytes;
}

function repeat(bytes: Uint8Array, least: number): Uint8Array {
  return Buffer.concat(Array.from({ length: Math.ceil(least / bytes.length) }, () => bytes));
}

async function packetsOf(bytes: Uint8Array): Promise<CapturedPacket[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
  }
  return Array.fromAsync(readPcapng(new ByteReader(chunks())), (packet) => ({
    ...packet,
    bytes: new Uint8Array(packet.bytes),
  }));
}

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await Bun.write(path, bytes);
  return path;
}
