import { describe, expect, test } from "bun:test";
import { Client } from "../../../src/client/client.ts";
import type { EchoResult } from "../../../src/client/results/results.ts";
import { echoReply, type FakeNetwork, timeExceeded } from "../../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../../support/fake-platform.ts";
import { fromHex, toHex } from "../../support/hex.ts";

// An MPLS label, then an object of a class that nobody knows; no checksum (RFC 4884 section 7).
const EXTENSIONS = fromHex("2000 0000 0008 01 01 03e81101 0008 f7 01 deadbeef");

/** What `JSON.stringify` should make of plain data in which bytes are hexadecimal. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  expect([Object.prototype, null]).toContain(Object.getPrototypeOf(value));
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

/** The places in a value where there are bytes, as paths. */
function bytesIn(value: unknown, path = ""): string[] {
  if (value instanceof Uint8Array) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) =>
    bytesIn(field, path === "" ? name : `${path}.${name}`),
  );
}

describe.each(SOCKET_KINDS)("Results from a $name socket", (kind) => {
  const network: FakeNetwork = (probe) => {
    if (probe.ttl === 1)
      return [timeExceeded(probe, { from: kind.router, extensions: EXTENSIONS })];
    return probe.ttl === 2 ? [] : [echoReply(probe)];
  };

  async function probed(outcome: EchoResult["kind"]): Promise<EchoResult> {
    const { platform, kernel, clock } = fakePlatform({ network });
    using client = new Client({ privileged: kind.privileged }, platform);
    if (outcome === "sendError") kernel.failSendsTo(kind.target, 101);
    const ttl = { icmpError: 1, timeout: 2, reply: 64, sendError: 64 }[outcome];
    const result = await clock.runUntil(client.probe(kind.target, { ttl }));
    expect(result.kind).toBe(outcome);
    return result;
  }

  const expectedBytes: Record<EchoResult["kind"], string[]> = {
    reply: [
      "reply.receivedPacket.icmpPacket.payload",
      "reply.receivedPacket.raw",
      "request.sentPacket.packet.payload",
      "request.sentPacket.raw",
    ],
    timeout: ["request.sentPacket.packet.payload", "request.sentPacket.raw"],
    icmpError: [
      "icmpError.extensions.1.payload",
      "icmpError.quote.payload",
      "reply.receivedPacket.icmpPacket.payload",
      "reply.receivedPacket.raw",
      "request.sentPacket.packet.payload",
      "request.sentPacket.raw",
    ],
    sendError: [],
  };

  const kinds: EchoResult["kind"][] = ["reply", "timeout", "icmpError", "sendError"];
  test.each(kinds)("are plain data: %s", async (outcome) => {
    const result = await probed(outcome);
    const paths = bytesIn(result)
      .filter((path) => !path.startsWith("icmpError.quote.ipHeader"))
      .toSorted();
    expect(paths).toEqual(expectedBytes[outcome]);

    const parsed: unknown = JSON.parse(JSON.stringify(result));
    expect(parsed).toEqual(plain(result));
    // JSON leaves out what is undefined and turns what is not finite into null.
    expect(Object.keys(parsed as object)).toEqual(Object.keys(result));

    const cloned = structuredClone(result);
    expect(plain(cloned)).toEqual(plain(result));
  });

  test("share no memory with one another, nor with what receives the next packet", async () => {
    const { platform, clock } = fakePlatform({ network });
    using client = new Client({ privileged: kind.privileged }, platform);
    const first = await clock.runUntil(client.probe(kind.target, { payload: "first" }));
    const before = JSON.stringify(first);
    const second = await clock.runUntil(client.probe(kind.target, { payload: "secnd" }));
    await clock.runUntil(client.probe(kind.target, { payload: "third", ttl: 1 }));
    expect(JSON.stringify(first)).toBe(before);
    const textOf = ({ reply }: EchoResult) =>
      new TextDecoder().decode(reply?.receivedPacket.icmpPacket.payload);
    expect([first, second].map(textOf)).toEqual(["first", "secnd"]);
    for (const { reply, request } of [first, second]) {
      const { buffer, length } = reply?.receivedPacket.raw ?? new Uint8Array();
      expect(buffer.byteLength).toBe(length);
      expect(request.sentPacket?.raw.buffer.byteLength).toBe(request.sentPacket?.raw.length ?? -1);
    }
  });

  test("of a ping, a traceroute and an mtr survive JSON and structuredClone", async () => {
    const { platform, clock } = fakePlatform({ network });
    using client = new Client({ privileged: kind.privileged, timeout: 100 }, platform);
    const runs = [
      await clock.runUntil(client.ping(kind.target, { count: 2 })),
      await clock.runUntil(client.traceroute(kind.target)),
      await clock.runUntil(client.mtr(kind.target, { count: 2 })),
      await clock.runUntil(client.multiping([kind.target], { count: 1 })),
    ];
    for (const run of runs) {
      const keys = Object.keys(run);
      expect(JSON.stringify(run).length).toBeGreaterThan(200);
      expect(Object.keys(JSON.parse(JSON.stringify(run)))).toEqual(keys);
      expect(Object.keys(structuredClone(run))).toEqual(keys);
    }
  });

  test("time on the scale of Date", async () => {
    const { platform, clock } = fakePlatform({ network });
    using client = new Client({ privileged: kind.privileged }, platform);
    const result = await clock.runUntil(client.probe(kind.target));
    const sentAt = result.request.sentPacket?.timestamp ?? 0;
    expect(Math.abs(sentAt - (clock.epochMs + 1000))).toBeLessThan(100);
    expect((result.reply?.receivedPacket.receivedAt ?? 0) - sentAt).toBeCloseTo(10, 3);
  });
});
