import { describe, expect, test } from "bun:test";
import {
  AF_INET,
  AF_INET6,
  NDT_STATS,
  NDTA_STATS,
  NDTMSG,
  RTM_GETNEIGHTBL,
  RTM_GETQDISC,
  TC_STATS,
  TCA_STATS,
  TCMSG,
} from "../../src/ffi/constants.ts";
import { Libc } from "../../src/ffi/libc.ts";
import { dumpObjects, findAttribute } from "../../src/ffi/netlink.ts";
import { type LibcSymbols, openLibc } from "../../src/ffi/symbols.ts";
import { fromHex } from "../support/hex.ts";
import { describeIf, requires } from "../support/requires.ts";

const TABLES = { type: RTM_GETNEIGHTBL, header: Uint8Array.of(AF_INET6, 0, 0, 0) };
const NDTA_NAME = 1;

describeIf(requires.linux(), "dumpObjects() on this kernel", () => {
  const libc = new Libc(openLibc());

  test.each([
    [AF_INET, "arp_cache"],
    [AF_INET6, "ndisc_cache"],
  ])("has the table of neighbours of family %d first", (family, expected) => {
    const names: string[] = [];
    const request = { ...TABLES, header: Uint8Array.of(family, 0, 0, 0) };
    const isDone = dumpObjects(libc, request, (table) => {
      const name = findAttribute(table, NDTMSG.size, NDTA_NAME);
      if (name !== undefined) names.push(text(name));
      expect(table.getUint8(NDTMSG.family)).toBe(family);
      const stats = findAttribute(table, NDTMSG.size, NDTA_STATS);
      expect(stats?.byteLength).toBeGreaterThanOrEqual(NDT_STATS.size);
      return false;
    });
    expect([isDone, names]).toEqual([true, [expected]]);
  });

  test("comes to the end of all that there are", () => {
    let devices = 0;
    expect(
      dumpObjects(libc, { type: RTM_GETQDISC, header: new Uint8Array(TCMSG.size) }, (queue) => {
        devices += 1;
        const stats = findAttribute(queue, TCMSG.size, TCA_STATS);
        expect(stats?.byteLength).toBeGreaterThanOrEqual(TC_STATS.drops + 4);
        return true;
      }),
    ).toBe(true);
    // lo has one, if it is up.
    expect(devices).toBeGreaterThanOrEqual(0);
  });

  test("tells of a request that the kernel does not know", () => {
    const unknown = { type: RTM_GETQDISC + 2000, header: new Uint8Array(TCMSG.size) };
    expect(dumpObjects(libc, unknown, () => true)).toBe(false);
  });

  test("leaves no descriptor open", () => {
    const before = libc.symbols.socket(AF_INET, 2, 0);
    libc.symbols.close(before);
    for (let count = 0; count < 10; count++) dumpObjects(libc, TABLES, () => false);
    const after = libc.symbols.socket(AF_INET, 2, 0);
    libc.symbols.close(after);
    expect(after).toBe(before);
  });
});

describe("dumpObjects()", () => {
  /** What netlink answers, a datagram for each, and how often the descriptor was closed. */
  function answering(datagrams: readonly string[]) {
    const waiting = [...datagrams];
    const closed: number[] = [];
    const symbols = {
      socket: () => 7,
      sendto: (_fd: number, _data: Uint8Array, length: number) => length,
      recvfrom: (_fd: number, data: Uint8Array) => {
        const bytes = waiting.shift();
        if (bytes === undefined) return -1;
        data.set(fromHex(bytes));
        return fromHex(bytes).length;
      },
      close: (fd: number) => closed.push(fd),
      clock_gettime: () => 0,
    } as unknown as LibcSymbols;
    return { libc: new Libc(symbols), closed };
  }

  const DONE = "14000000 0300 0200 00000000 00000000 00000000";
  const OBJECT = "18000000 2400 0200 00000000 00000000 0102030405060708";

  test.each<[string, readonly string[], boolean, number]>([
    ["two datagrams", [OBJECT + OBJECT, OBJECT + DONE], true, 3],
    ["no object", [DONE], true, 0],
    [
      "an error",
      [`${OBJECT}24000000 0200 0000 00000000 00000000 ffffffff${"00".repeat(16)}`],
      false,
      1,
    ],
    ["no end", [OBJECT], false, 1],
    ["nothing", [], false, 0],
    ["a length below that of a header", [`0f000000${OBJECT.slice(8)}`], false, 0],
    ["a length beyond the datagram", [`19000000${OBJECT.slice(8)}`], false, 0],
    ["a header cut short", [OBJECT.replaceAll(" ", "").slice(0, 20)], false, 0],
  ])("takes %s", (_, datagrams, isDone, objects) => {
    const { libc, closed } = answering(datagrams);
    let count = 0;
    const result = dumpObjects(libc, TABLES, (object) => {
      expect(object.byteLength).toBe(8);
      count += 1;
      return true;
    });
    expect([result, count, closed]).toEqual([isDone, objects, [7]]);
  });

  test("stops when it is told to", () => {
    const { libc } = answering([OBJECT + OBJECT + OBJECT]);
    let count = 0;
    expect(dumpObjects(libc, TABLES, () => ++count < 2)).toBe(true);
    expect(count).toBe(2);
  });
});

describe("findAttribute()", () => {
  test.each<[string, string, string | undefined]>([
    ["the first of that type", "0500 0100 aa000000 0600 0700 bbcc0000 0500 0700 dd", "bbcc"],
    ["none", "0500 0100 aa000000", undefined],
    ["none where one has no length", "0000 0100 aa000000 0600 0700 bbcc", undefined],
    ["none where one goes too far", "0900 0700 aa000000", undefined],
    ["none in nothing", "", undefined],
  ])("finds %s", (_, hex, expected) => {
    const bytes = fromHex(`01020304${hex}`);
    const found = findAttribute(new DataView(bytes.buffer), 4, 7);
    const data = found && Buffer.from(found.buffer, found.byteOffset, found.byteLength);
    expect(data?.toString("hex")).toBe(expected as string);
  });
});

function text(view: DataView): string {
  return new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength - 1),
  );
}
