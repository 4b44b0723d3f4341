import { Client, formatEchoResult, formatMultiping } from "icmpx";
import { print, terminalWidth } from "./output.ts";
import { prepare, run, seconds } from "./support.ts";

const usage = `Usage: bun examples/multiping.ts [options] [host]...

Asks all hosts (1.1.1.1 8.8.8.8) for echoes, side by side. The exit code is 0 if each of them sent any.

  -c, --count N           probes to send to each, or Infinity (4)
  -i, --interval SECONDS  from one probe to the next to the same host (1)
  -t, --timeout SECONDS   to wait for each answer (1)
      --no-dns            show addresses without names
  -4, -6                  use IPv4 or IPv6
  -h, --help              show this`;

const letters = { count: "c", interval: "i", timeout: "t" };

await run({
  usage,
  letters,
  maxHosts: Number.POSITIVE_INFINITY,
  async main({ hosts, numbers: { count = 4, interval = 1, timeout = 1 }, common }) {
    const targets = hosts.length > 0 ? hosts : ["1.1.1.1", "8.8.8.8"];
    using client = new Client();
    const multiping = prepare(() =>
      client.multiping(targets, {
        count,
        interval: seconds(interval),
        timeout: seconds(timeout),
        ...common,
      }),
    );
    for await (const result of multiping) print(formatEchoResult(result));

    const result = await multiping;
    print(`\n${formatMultiping(result, terminalWidth())}`);
    return result.targets.every(({ statistics }) => statistics.received > 0) ? 0 : 1;
  },
});
