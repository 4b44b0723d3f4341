import { expect, setDefaultTimeout, test } from "bun:test";
import { main } from "../../src/cli/main.ts";
import { Resolver } from "../../src/client/names/resolver.ts";
import {
  type Platform,
  RESOLVER_CLOCK,
  systemPlatform,
} from "../../src/client/transport/platform.ts";
import { describeIf, requires } from "../support/requires.ts";
import { FakeHost, parseNdjson, runCli } from "./fake-environment.ts";

setDefaultTimeout(30_000);

describeIf(requires.all(requires.linux(), requires.root()), "signals", () => {
  test("SIGQUIT makes mtr show the report so far, and traceroute how far it is, on stderr", async () => {
    const mtr = await runCli("mtr -n -c 3 -i 0.02 --ndjson 127.0.0.1", {
      onWrite: (text, host) =>
        text.includes('"round":2') && text.includes('"event":"round"') && host.send("SIGQUIT"),
    });
    expect(parseNdjson(mtr.stdout)).toHaveLength(4);
    expect(mtr.stderr).toMatch(
      /^HOST: \S+ +Loss% .+\n {2}1\.\|-- 127\.0\.0\.1 +0\.0% +2 [^\n]+\n$/,
    );
    const trace = await runCli("traceroute -n 127.0.0.1", {
      onWrite: (text, host) => text.startsWith("traceroute to") && host.send("SIGQUIT"),
    });
    expect(trace.stderr).toBe("1 hop so far\n");
  });

  test("SIGINT ends an endless mtr with its report", async () => {
    const { code, stdout } = await runCli("mtr -n -i 0.02 --ndjson 127.0.0.1", {
      onWrite: (text, host) => text.includes('"round":5') && host.send("SIGINT"),
    });
    const events = parseNdjson(stdout);
    expect(code).toBe(0);
    expect(events.map(({ event }) => event)).toEqual([
      ...Array(events.length - 1).fill("round"),
      "summary",
    ]);
  });

  test("SIGINT before the first hop leaves the names of the columns of CSV", async () => {
    const host = new FakeHost();
    const timer = setInterval(
      () => host.listenerCount > 0 && host.exits.length === 0 && host.send("SIGINT"),
      50,
    );
    await main(["traceroute", "-n", "-w", "5", "--csv", "127.255.255.255"], host);
    clearInterval(timer);
    expect(host.stdout.text).toBe("target,ttl,probe,kind,address,name,rtt_ms,error,unverified\n");
  });

  for (const command of ["ping", "traceroute", "mtr"]) {
    test(`SIGINT while ${command} waits for a name server ends it with exit code 1`, async () => {
      const platform: Platform = {
        ...systemPlatform(),
        resolver: new Resolver(
          {
            lookup: () => {
              setTimeout(() => host.send("SIGINT"));
              return new Promise(() => {});
            },
            reverse: async () => null,
          },
          RESOLVER_CLOCK,
        ),
      };
      const host = new FakeHost({ platform });
      expect(await main([command, "slow.example"], host)).toBe(1);
      expect(host.stderr.text).toBe("");
      expect(host.listenerCount).toBe(0);
    });
  }
});
