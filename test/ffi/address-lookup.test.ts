import { describe, expect, test } from "bun:test";
import {
  type AddressLookup,
  type LookupAnswer,
  openAddressLookups,
} from "../../src/ffi/address-lookup.ts";
import { describeIf } from "../support/requires.ts";

const start = openAddressLookups();

async function answerOf(lookup: AddressLookup | undefined): Promise<LookupAnswer> {
  if (lookup === undefined) throw new Error("There is no thread for it");
  for (;;) {
    const answer = lookup.poll();
    if (answer !== undefined) return answer;
    await Bun.sleep(1);
  }
}

describeIf(
  start === undefined ? "needs a libc with getaddrinfo_a(3)" : undefined,
  "openAddressLookups()",
  () => {
    test.each([
      ["127.0.0.1", 0, { addresses: ["127.0.0.1"] }],
      ["127.0.0.1", 4, { addresses: ["127.0.0.1"] }],
      ["127.0.0.1", 6, { code: "ENOTFOUND" }],
      ["2001:db8::1", 0, { addresses: ["2001:db8::1"] }],
      ["2001:db8::1", 4, { code: "ENOTFOUND" }],
      ["fe80::1%1", 6, { addresses: ["fe80::1%1"] }],
    ] as const)("%s, family %d", async (host, family, expected) => {
      expect(await answerOf(start?.(host, family))).toEqual(expected);
    });

    test("keeps many at a time apart", async () => {
      const hosts = Array.from({ length: 300 }, (_, index) => `127.0.${index >> 8}.${index & 255}`);
      const lookups = hosts.map((host) => start?.(host, 0));
      expect(await Promise.all(lookups.map(answerOf))).toEqual(
        hosts.map((host) => ({ addresses: [host] })),
      );
    });
  },
);

describe("openAddressLookups() elsewhere", () => {
  test("gives nothing on platforms other than Linux", async () => {
    const script = `
      Object.defineProperty(process, "platform", { value: "darwin" });
      const { openAddressLookups } = await import(${JSON.stringify(`${import.meta.dir}/../../src/ffi/address-lookup.ts`)});
      console.log(openAddressLookups());`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    expect(await child.stdout.text()).toBe("undefined\n");
  });
});
