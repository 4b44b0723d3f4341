import { describe, expect, test } from "bun:test";
import type { EchoResult } from "../../../src/client/results/results.ts";
import {
  decidesProbe,
  decidingTypes,
  errorLabel,
  isDecisive,
  isTransit,
} from "../../../src/client/results/verdicts.ts";
import { DECIDES } from "../../support/deciding-codes.ts";

const BYTES = Array.from({ length: 256 }, (_, value) => value);

describe.each([4, 6] as const)("decidesProbe() of IPv%i", (family) => {
  test("says of each of the 65,536 types and codes what the RFCs do", () => {
    for (const type of BYTES) {
      const deciding = BYTES.filter((code) => decidesProbe(family, type, code));
      expect([type, deciding]).toEqual([
        type,
        BYTES.filter((code) => DECIDES[family][type]?.(code)),
      ]);
      expect(decidingTypes(family).includes(type)).toBe(deciding.length > 0);
      for (const code of deciding)
        expect(errorLabel(family, type, code)).not.toStartWith("icmp_type");
    }
  });
});

describe("isDecisive()", () => {
  const table: [late: boolean, duplicate: boolean, decisive: boolean][] = [
    [false, false, true],
    [true, false, false],
    [false, true, false],
    [true, true, false],
  ];
  test.each(table)("late %p, duplicate %p: %p", (late, duplicate, decisive) => {
    expect(isDecisive({ late, duplicate } as EchoResult)).toBe(decisive);
  });
});

describe("isTransit()", () => {
  test.each([
    ["time_exceeded(code=0)", true],
    ["time_exceeded(code=1)", false],
    ["dest_unreachable(code=0)", false],
    ["timeout", false],
    [null, false],
  ] as const)("%p: %p", (error, transit) => {
    expect(isTransit({ error })).toBe(transit);
  });
});
