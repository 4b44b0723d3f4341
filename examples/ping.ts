import { Client, formatEchoResult, formatPingStatistics } from "icmpx";
import { print } from "./output.ts";
import { prepare, run, seconds } from "./support.ts";

const usage = `Usage: bun examples/ping.ts [options] [host]

Asks host (8.8.8.8) for echoes. The exit code is 0 if there was any.

  -c, --count N           probes to send, or Infinity (4)
  -i, --interval SECONDS  from one probe to the next (1)
  -t, --timeout SECONDS   to wait for each answer (1)
      --no-dns            show addresses without names
  -4, -6                  use IPv4 or IPv6
  -h, --help              show this`;

const letters = { count: "c", interval: "i", timeout: "t" };

await run({
  usage,
  letters,
  async main({
    hosts: [host = "8.8.8.8"],
    numbers: { count = 4, interval = 1, timeout = 1 },
    common,
  }) {
    using client = new Client();
    const ping = prepare(() =>
      client.ping(host, {
        count,
        interval: seconds(interval),
        timeout: seconds(timeout),
        ...common,
      }),
    );
    for await (const result of ping) print(formatEchoResult(result));

    const result = await ping;
    print(`\n${formatPingStatistics(result)}`);
    return result.statistics.received > 0 ? 0 : 1;
  },
});
