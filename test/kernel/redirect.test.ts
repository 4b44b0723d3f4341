import { expect, setDefaultTimeout, test } from "bun:test";
import type { Family } from "../../src/packet/address.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measureOne } from "../lab/measure.ts";
import { buildTwoRouters, type TwoRouters } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

describeIf(requiresLab(), "a redirect on a real kernel", () => {
  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: is advice and ends no probe`, async () => {
      // Links of its own for each: a router sends ever fewer redirects to a host that does not heed
      // them.
      await using lan = await buildTwoRouters();
      const before = await redirectsSeen(lan, kind.family);
      const { statistics, results } = await measureOne(lan.source, kind, {
        method: "ping",
        target: lan.destination[kind.family],
        options: { count: 3, interval: 20 },
      });
      expect(statistics).toMatchObject({ sent: 3, received: 3, errors: 0, duplicates: 0 });
      expect(results.map((result) => result.kind)).toEqual(["reply", "reply", "reply"]);
      expect(await redirectsSeen(lan, kind.family)).toBeGreaterThan(before);
    });
  }
});

/**
 * How many redirects have come to the source, by its kernel's own count (proc_net_snmp: Icmp
 * InRedirects).
 */
async function redirectsSeen({ source }: TwoRouters, family: Family): Promise<number> {
  if (family === 6) {
    const counters = await source.exec("cat", "/proc/net/snmp6");
    return Number(/^Icmp6InRedirects\s+(\d+)/m.exec(counters)?.[1]);
  }
  const counters = await source.exec("cat", "/proc/net/snmp");
  const [names = [], values = []] = [...counters.matchAll(/^Icmp: (.*)$/gm)].map(([, row = ""]) =>
    row.split(" "),
  );
  return Number(values[names.indexOf("InRedirects")]);
}
