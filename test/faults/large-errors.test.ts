import { describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import type { EchoIcmpErrorResult, EchoResult } from "../../src/client/results/results.ts";
import { EXTENSION_MAX_OBJECTS } from "../../src/packet/index.ts";
import { type FakeNetwork, timeExceeded } from "../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../support/fake-platform.ts";

/** What one packet may leave behind, in bytes. */
const MAX_KEPT = 4096;
const MAX_RAW = 1280 + 60;

/** RFC 4884 structures of nearly 64 KiB, without a checksum. */
const STRUCTURES: readonly (readonly [string, Uint8Array])[] = [
  ["the smallest objects", structure("0004f700")],
  ["objects of some bytes", structure("0010f700 000102030405060708090a0b")],
  ["label stacks of one", structure("00080101 000111ff")],
  ["label stacks of fifteen", structure(`00400101 ${"000111ff".repeat(15)}`)],
  ["one label stack", structure(`ff000101 ${"000111ff".repeat(16_319)}`)],
  ["interfaces with names", structure(`00440202 40${"61".repeat(63)}`)],
];

describe("ICMP errors of 64 KiB", () => {
  for (const { name, privileged, target, router } of SOCKET_KINDS) {
    test.each(STRUCTURES)(
      `${name}, full of %s: little is looked at, and less is kept`,
      async (_name, extensions) => {
        const network: FakeNetwork = (probe) => [
          timeExceeded(probe, { from: router, delayMs: 1, extensions }),
        ];
        const { clock, platform } = fakePlatform({ network });
        await using client = new Client({ privileged }, platform);
        const probe = client.probe(target, { ttl: 1 });
        const [result] = await Promise.all([probe, clock.advance(10)]);
        const { reply, icmpError } = errorOf(result);
        expect(reply.receivedPacket.raw.length).toBeLessThanOrEqual(MAX_RAW);
        expect(keptBytes(result)).toBeLessThanOrEqual(MAX_KEPT);
        const labels = icmpError.extensions.flatMap((object) =>
          object.kind === "mpls" ? object.labels : [],
        );
        expect(icmpError.extensions.length).toBeLessThanOrEqual(EXTENSION_MAX_OBJECTS);
        expect(labels.length).toBeLessThanOrEqual(EXTENSION_MAX_OBJECTS);
        expect(icmpError.quote.sequence).toBe(result.request.sentPacket?.packet.sequence ?? -1);
      },
    );

    test(`${name}: a sweep takes them as other errors`, async () => {
      const [[, extensions] = []] = STRUCTURES;
      const network: FakeNetwork = (probe) => [
        timeExceeded(probe, { from: router, delayMs: 1, ...(extensions && { extensions }) }),
      ];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged }, platform);
      const sweep = client.sweep([target], { timeout: 100, retries: 0 });
      const [result] = await Promise.all([sweep, clock.advance(200)]);
      expect(result).toMatchObject({ icmpErrors: 1, silent: 0 });
    });
  }
});

function structure(object: string): Uint8Array {
  const bytes = new Uint8Array(65_300);
  bytes.set([0x20, 0, 0, 0]);
  Buffer.from(bytes.buffer, 4).fill(Buffer.from(object.replaceAll(" ", ""), "hex"));
  return bytes;
}

function errorOf(result: EchoResult): EchoIcmpErrorResult {
  if (result.kind !== "icmpError") throw new Error(`It is a ${result.kind}`);
  return result;
}

/** Bytes of all arrays that a value leads to; views of one buffer count once. */
function keptBytes(value: unknown): number {
  const buffers = new Set<ArrayBufferLike>();
  const visit = (each: unknown): void => {
    if (each instanceof Uint8Array) buffers.add(each.buffer);
    else if (typeof each === "object" && each !== null)
      for (const field of Object.values(each)) visit(field);
  };
  visit(value);
  let sum = 0;
  for (const { byteLength } of buffers) sum += byteLength;
  return sum;
}
