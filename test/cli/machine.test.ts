import { describe, expect, test } from "bun:test";
import { toCsv } from "../../src/cli/machine.ts";

describe("toCsv()", () => {
  test("quotes what RFC 4180 says, and has nothing for null and undefined", () => {
    expect(toCsv(["a,b", 'say "x"', null, undefined, true, 5, " edge"])).toBe(
      '"a,b","say ""x""",,,true,5," edge"',
    );
  });

  test("makes spaces of what is invisible", () => {
    expect(toCsv(["a\nb", "\u202e\x1b[2Jc"])).toBe('a b,"  [2Jc"');
  });

  test("keeps spreadsheets from running text, and leaves numbers alone", () => {
    const fields = [
      "=1+1",
      "+1",
      "-cmd|x",
      "@SUM(A1)",
      "\t=1",
      "\r-1",
      "\uff1d1",
      'x;=HYPERLINK("y")',
      -1.5,
      "a=b-c@d",
    ];
    expect(toCsv(fields)).toBe(
      `'=1+1,'+1,'-cmd|x,'@SUM(A1)," '=1"," '-1",'\uff1d1,"x;'=HYPERLINK(""y"")",-1.5,a=b-c@d`,
    );
  });

  test("gives times to the nanosecond, without the noise of binary fractions", () => {
    expect(toCsv([0.1 + 0.2, 0.094422333984375, 1 / 3, 1_700_000_000_000, 1e-9])).toBe(
      "0.3,0.094422,0.333333,1700000000000,0",
    );
  });
});
