import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace, type User } from "../lab/namespaces.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import { type CliOutcome, ENTRY, parseNdjson } from "./fake-environment.ts";

setDefaultTimeout(60_000);

describeIf(requiresLab(), "icmpx sweep behind three routers", () => {
  let chain: Chain;
  let closed: Namespace;
  const lab = new Lab();

  beforeAll(async () => {
    closed = lab.add("closed", { pingGroups: false });
    await lab.build();
    chain = await buildChain({ routers: 3 });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await chain[Symbol.asyncDispose]();
  });

  for (const as of ["root", "nobody"] as const) {
    test(`finds the living among the silent as ${as}, of both families at once`, async () => {
      const living = [...chain.hops[4], ...chain.hops[6]];
      const networks = "10.77.1.0/29 10.77.2.0/29 10.77.3.0/29 10.77.4.0/29";
      const targets = `${networks} ${chain.hops[6].join(" ")} ${chain.vacant[6]}`;
      // Our own address and those of the routers towards the target answer, too.
      const ours = ["10.77.1.1", "10.77.2.1", "10.77.3.1", "10.77.4.1"];
      const { code, stdout, stderr } = await run(
        chain.source,
        as,
        `sweep -W 0.5 --order random ${targets}`,
      );
      expect(code).toBe(1);
      expect(stdout.trimEnd().split("\n").sort()).toEqual([...living, ...ours].sort());
      // The others are silent, or unreachable if somebody asked for them within the last seconds.
      expect(stderr).toStartWith("29 hosts: 12 alive, ");
    });

    test(`tells as ${as} who said that a host cannot be reached`, async () => {
      for (const family of [4, 6] as const) {
        const [first = ""] = chain.hops[family];
        const target = chain.destination[family];
        const { code, stdout } = await run(chain.source, as, `sweep -H 1 --ndjson -A ${target}`);
        expect(code).toBe(1);
        const [host, summary] = parseNdjson(stdout);
        expect(host).toMatchObject({
          event: "host",
          kind: "icmpError",
          addr: target,
          from: first,
          attempts: 1,
        });
        expect(host?.["error"]).toBe("time_exceeded(code=0)");
        expect(summary).toMatchObject({ hosts: 1, answered: 0, icmpErrors: 1, sent: 1 });
        const text = await run(chain.source, as, `sweep -H 1 -A ${target}`);
        expect(text.stdout).toMatch(/: time exceeded, .+ \(from \S+\)\n$/);
        expect(text.stdout).toContain(first);
      }
    });
  }

  test("an address without a neighbour is unreachable when there is time to hear of it, else silent", async () => {
    const patient = await run(chain.source, "root", `sweep -A -r 0 -W 10 ${chain.vacant[4]}`);
    expect(patient.stdout).toBe(
      `${chain.vacant[4]}: destination unreachable, host unreachable (from 10.77.3.2)\n`,
    );
    const hasty = await run(chain.source, "root", `sweep -A -r 1 -W 0.1 ${chain.vacant[4]}`);
    expect([hasty.code, hasty.stdout]).toEqual([1, `${chain.vacant[4]} does not answer\n`]);
    expect(hasty.stderr).toStartWith("1 host: 0 alive, 1 silent; 2 packets in ");
  });

  test("without permission it shows the remedies, with exit code 2", async () => {
    const { code, stdout, stderr } = await run(closed, "nobody", "sweep --csv 127.0.0.1");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith(
      "icmpx: Cannot open an ICMP socket: permission denied (CAP_NET_RAW is outside the bounding set",
    );
    expect(stderr).toContain('\n  sudo sysctl -w net.ipv4.ping_group_range="65534 65534"\n');
  });
});

async function run(namespace: Namespace, as: User, line: string): Promise<CliOutcome> {
  const child = namespace.spawn([process.execPath, ENTRY, ...line.split(" ")], { as });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
