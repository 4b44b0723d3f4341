import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { QuotedChecksums } from "../../../src/client/probing/quoted-checksums.ts";
import { updateChecksum } from "../../../src/packet/checksum.ts";

const word = fc.integer({ min: 0, max: 0xffff });

/** Of IPv4: the checksum that was sent is the probe's own. */
function judge(checksums: QuotedChecksums, sent: number, quoted: number) {
  return checksums.judge({ sent, quoted, own: sent });
}

describe("QuotedChecksums", () => {
  test("takes the checksum that was sent for a proof, in both forms of zero", () => {
    const checksums = new QuotedChecksums();
    expect(judge(checksums, 0x1234, 0x1234)).toMatchObject({
      isProven: true,
      isNew: false,
      difference: 0,
    });
    expect(judge(checksums, 0, 0xffff).isProven).toBe(true);
    expect(judge(checksums, 0xffff, 0).isProven).toBe(true);
    expect(judge(checksums, 0x1234, 0x1235).isProven).toBe(false);
  });

  test("knows a NAT by the same change of two checksums, whatever it changes", () => {
    fc.assert(
      fc.property(word, word, word, word, (first, second, before, after) => {
        fc.pre(first % 0xffff !== second % 0xffff && before % 0xffff !== after % 0xffff);
        const checksums = new QuotedChecksums();
        expect(judge(checksums, first, updateChecksum(first, before, after)).isProven).toBe(false);
        const proof = judge(checksums, second, updateChecksum(second, before, after));
        expect([proof.isProven, proof.isNew]).toEqual([true, true]);
        expect(judge(checksums, first, updateChecksum(first, before, after)).isProven).toBe(true);
        expect(checksums.isProven(proof.difference)).toBe(true);
      }),
    );
  });

  test("learns nothing from any number of errors about one checksum", () => {
    const checksums = new QuotedChecksums();
    for (let round = 0; round < 3; round++)
      expect(judge(checksums, 0x1234, 0x4321).isProven).toBe(false);
  });

  test("learns nothing from errors that came to two addresses of this host: their sender chose those", () => {
    const checksums = new QuotedChecksums();
    expect(checksums.judge({ own: 0x1234, sent: 0x2000, quoted: 0x2100 }).isProven).toBe(false);
    expect(checksums.judge({ own: 0x1234, sent: 0x3000, quoted: 0x3100 }).isProven).toBe(false);
    expect(checksums.judge({ own: 0x1235, sent: 0x3001, quoted: 0x3101 }).isProven).toBe(true);
  });

  test("knows two NATs in a row", () => {
    const checksums = new QuotedChecksums();
    const quotes = [1, 2].flatMap((sent) =>
      [sent + 100, sent + 700].map((quoted) => [sent, quoted] as const),
    );
    const proofs = quotes.map(([sent, quoted]) => judge(checksums, sent, quoted).isProven);
    expect(proofs).toEqual([false, false, true, true]);
  });

  test("gives a blind sender a few chances in 65,536 at most for each packet", () => {
    const checksums = new QuotedChecksums();
    let seed = 1;
    const random = (): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed >>> 15;
    };
    let hits = 0;
    for (let packet = 0; packet < 65_536; packet++)
      hits += Number(judge(checksums, random(), random()).isProven);
    // 1 for the checksum itself and 4 for the differences that are remembered, and what chance
    // adds.
    expect(hits).toBeLessThan(20);
  });
});
