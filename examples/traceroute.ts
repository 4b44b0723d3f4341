import { Client, formatHop, formatStopReason } from "icmpx";
import { print } from "./output.ts";
import { prepare, run, seconds } from "./support.ts";

const usage = `Usage: bun examples/traceroute.ts [options] [host]

Shows the routers on the way to host (8.8.8.8). The exit code is 0 if it was reached.

  -m, --max-hops N        hops to try (30)
  -c, --count N           probes to each hop (3)
  -t, --timeout SECONDS   to wait for each answer (1)
      --no-dns            show addresses without names
  -4, -6                  use IPv4 or IPv6
  -h, --help              show this`;

const letters = { "max-hops": "m", count: "c", timeout: "t" };

await run({
  usage,
  letters,
  async main({ hosts: [host = "8.8.8.8"], numbers, common }) {
    const { "max-hops": maxHops = 30, count: probes = 3, timeout = 1 } = numbers;
    using client = new Client();
    const addr = await client.resolveHost(host, { family: common.family });
    const trace = prepare(() =>
      client.traceroute(addr, { maxHops, probes, timeout: seconds(timeout), ...common }),
    );
    print(`traceroute to ${host} (${addr}), ${maxHops} hops at most`);
    for await (const hop of trace) print(formatHop(hop));

    const result = await trace;
    print(formatStopReason(result));
    return result.reached ? 0 : 1;
  },
});
