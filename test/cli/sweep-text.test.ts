import { describe, expect, test } from "bun:test";
import type { SweepHost, SweepProgress, SweepReply, SweepResult } from "icmpx";
import { ProgressLine } from "../../src/cli/progress-line.ts";
import { hostLine, hostName, progressText, summaryLines } from "../../src/cli/sweep-text.ts";
import { FakeHost } from "./fake-environment.ts";

const REPLY: SweepReply = {
  kind: "reply",
  addr: "192.0.2.7",
  target: null,
  attempts: 1,
  error: null,
  from: "192.0.2.7",
  rtt: 0.04321,
  ttl: 61,
  corrupt: false,
  truncated: false,
};
const UNREACHABLE: SweepHost = {
  kind: "icmpError",
  addr: "192.0.2.8",
  target: null,
  attempts: 1,
  error: "destination_unreachable(code=1)",
  from: "192.0.2.254",
  type: 3,
  code: 1,
  rtt: 12,
  ttl: 60,
};

describe("hostLine()", () => {
  test.each<[host: SweepHost, line: string]>([
    [REPLY, "192.0.2.7 is alive (0.043 ms, ttl 61)"],
    [{ ...REPLY, target: "a.example" }, "a.example (192.0.2.7) is alive (0.043 ms, ttl 61)"],
    [
      { ...REPLY, ttl: null, from: "192.0.2.9", corrupt: true },
      "192.0.2.7 is alive (0.043 ms, from 192.0.2.9, corrupt)",
    ],
    [
      { ...REPLY, corrupt: true, truncated: true },
      "192.0.2.7 is alive (0.043 ms, ttl 61, truncated)",
    ],
    [UNREACHABLE, "192.0.2.8: destination unreachable, host unreachable (from 192.0.2.254)"],
    [
      { ...UNREACHABLE, addr: "2001:db8::1", from: "2001:db8::9", type: 1, code: 3 },
      "2001:db8::1: destination unreachable, address unreachable (from 2001:db8::9)",
    ],
    [
      { kind: "timeout", addr: "192.0.2.9", target: null, attempts: 2, error: "timeout" },
      "192.0.2.9 does not answer",
    ],
    [
      {
        kind: "wrongData",
        addr: "192.0.2.9",
        target: null,
        attempts: 2,
        error: "wrong_data",
        wrongData: { length: 4, truncated: true },
      },
      "192.0.2.9 answered with wrong data: truncated to 4 bytes of data",
    ],
    [
      {
        kind: "wrongData",
        addr: "192.0.2.9",
        target: "a.example",
        attempts: 2,
        error: "wrong_data",
        wrongData: { length: 56, truncated: false },
      },
      "a.example (192.0.2.9) answered with wrong data: corrupt, 56 bytes of data",
    ],
    [
      {
        kind: "sendError",
        addr: "192.0.2.9",
        target: null,
        attempts: 0,
        error: "ENETUNREACH",
        message: "No way",
      },
      "192.0.2.9: No way",
    ],
  ])("%#", (host, line) => {
    expect(hostLine(host)).toBe(line);
  });

  test("shows no name as it came that a terminal would obey", () => {
    const host = { ...REPLY, target: "a\x1b[2J.example" };
    expect(hostLine(host)).not.toContain("\x1b");
    expect(hostName(host)).not.toContain("\x1b");
    expect(hostName(host)).toStartWith("a");
  });
});

describe("summaryLines()", () => {
  const nothing = {
    hosts: 0,
    sent: 0,
    answered: 0,
    silent: 0,
    wrongData: 0,
    icmpErrors: 0,
    sendErrors: 0,
    noRoom: 0,
    failed: 0,
    failures: [],
    duplicates: 0,
    late: 0,
    corrupt: 0,
    unverified: 0,
    overflows: 0,
    rtt: { min: null, mean: null, max: null },
    duration: 0,
    rate: 0,
  };
  function lines(totals: Partial<SweepResult>): string[] {
    return summaryLines({ ...nothing, ...totals } as unknown as SweepResult);
  }

  test("says what happened, and nothing of what did not", () => {
    expect(lines({})).toEqual(["0 hosts: 0 alive; 0 packets in 0.00 s (0/s)"]);
    expect(
      lines({
        hosts: 65_534,
        answered: 1234,
        silent: 64_195,
        wrongData: 5,
        icmpErrors: 90,
        sendErrors: 8,
        noRoom: 3,
        failed: 2,
        sent: 129_736,
        duration: 13_004.4,
        rate: 9998.6,
        rtt: { min: 0.02, mean: 1.5, max: 999.1234 },
        duplicates: 1,
        late: 2,
        corrupt: 3,
        unverified: 4,
        overflows: 1,
      }),
    ).toEqual([
      "65,534 hosts: 1,234 alive, 64,195 silent, 5 with wrong data, 90 unreachable, 5 not sent to, 3 without room to send to, 2 undecided, 2 failures; 129,736 packets in 13.00 s (9,999/s)",
      "rtt min/avg/max = 0.020/1.500/999.123 ms",
      "1 duplicate, 2 late, 3 corrupt, 4 unverified ICMP errors, 1 answer lost in this host's full receive queue",
    ]);
    expect(
      lines({ hosts: 1, answered: 1, sent: 1, failed: 1, overflows: 5, duplicates: 2 }),
    ).toEqual([
      "1 host: 1 alive, 1 failure; 1 packet in 0.00 s (0/s)",
      "2 duplicates, 5 answers lost in this host's full receive queue",
    ]);
  });
});

describe("progressText()", () => {
  const progress: SweepProgress = {
    total: 65_534,
    done: 1200,
    sent: 2400,
    answered: 17,
    inFlight: 90,
    rate: 9998.2,
    elapsed: 120,
    remaining: 6001,
  };
  test.each<[change: Partial<SweepProgress>, text: string]>([
    [{}, "1,200 of 65,534 hosts (1%), 17 alive, 9,998/s, 7 s left"],
    [{ total: null, remaining: null }, "1,200 hosts, 17 alive, 9,998/s"],
    [{ done: 65_533 }, "65,533 of 65,534 hosts (99%), 17 alive, 9,998/s, 7 s left"],
    [{ done: 65_534, remaining: 0 }, "65,534 of 65,534 hosts (100%), 17 alive, 9,998/s, 0 s left"],
    [{ total: 0, done: 0, remaining: null }, "0 of 0 hosts (100%), 17 alive, 9,998/s"],
    [{ remaining: 59_001 }, "1,200 of 65,534 hosts (1%), 17 alive, 9,998/s, 1:00 min left"],
    [{ remaining: 3_599_000 }, "1,200 of 65,534 hosts (1%), 17 alive, 9,998/s, 59:59 min left"],
    [{ remaining: 7_380_000 }, "1,200 of 65,534 hosts (1%), 17 alive, 9,998/s, 2:03 h left"],
  ])("%j", (change, text) => {
    expect(progressText({ ...progress, ...change })).toBe(text);
  });
});

describe("ProgressLine", () => {
  const CLEAR = "\r\x1b[K";
  const settled = () => new Promise((resolve) => setTimeout(resolve, 450));

  function hostWithTerminal(env: Readonly<Record<string, string>> = {}): FakeHost {
    const host = new FakeHost({ env });
    Object.assign(host.stderr, { isTerminal: true, columns: 20 });
    return host;
  }

  test("is drawn again and again below all others, as wide as the terminal, and taken away", async () => {
    const host = hostWithTerminal();
    let count = 0;
    {
      using line = new ProgressLine(host, () => `${++count} of a great many hosts`);
      await settled();
      expect(count).toBeGreaterThanOrEqual(1);
      expect(host.stderr.text).toStartWith(`${CLEAR}1 of a great many …`);
      const before = host.stderr.text;
      line.above(() => host.stderr.write("above\n"));
      expect(host.stderr.text).toBe(`${before}${CLEAR}above\n${CLEAR}${count} of a great many …`);
    }
    const text = host.stderr.text;
    expect(text).toEndWith(CLEAR);
    await settled();
    expect(host.stderr.text).toBe(text);
  });

  test("is not drawn where it cannot be, nor while the terminal stands still", async () => {
    const hosts = [new FakeHost(), hostWithTerminal({ TERM: "dumb" }), hostWithTerminal()];
    const [, , still] = hosts;
    if (still !== undefined) still.stderr.isBusy = true;
    {
      using lines = new DisposableStack();
      for (const host of hosts) lines.use(new ProgressLine(host, () => "1 host"));
      await settled();
    }
    expect(hosts.map(({ stderr }) => stderr.text)).toEqual(["", "", ""]);
  });
});
