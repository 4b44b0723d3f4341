import { Client, formatMtr } from "icmpx";
import { LiveScreen } from "./live-screen.ts";
import { print, terminalWidth } from "./output.ts";
import { prepare, run, seconds } from "./support.ts";

const usage = `Usage: bun examples/mtr.ts [options] [host]

Measures every hop on the way to host (8.8.8.8), round after round. On a terminal the table is live.

  -c, --cycles N          rounds, or Infinity (5)
  -m, --max-hops N        hops to try (30)
  -t, --timeout SECONDS   to wait for each answer (1)
  -i, --interval SECONDS  from one round to the next (0.2)
      --no-dns            show addresses without names
  -4, -6                  use IPv4 or IPv6
  -h, --help              show this`;

const letters = { cycles: "c", "max-hops": "m", timeout: "t", interval: "i" };

await run({
  usage,
  letters,
  async main({ hosts: [host = "8.8.8.8"], numbers, common }) {
    const { cycles: count = 5, "max-hops": maxHops = 30, timeout = 1, interval = 0.2 } = numbers;
    using client = new Client();
    const mtr = prepare(() =>
      client.mtr(host, {
        count,
        maxHops,
        interval: seconds(interval),
        timeout: seconds(timeout),
        ...common,
      }),
    );
    {
      using screen = process.stdout.isTTY ? new LiveScreen() : undefined;
      screen?.draw(() => `MTR to ${host}`);
      // Without a terminal, too: nobody may await an endless mtr without reading its rounds.
      for await (const round of mtr) screen?.draw((width) => formatMtr(round, { width }));
    }

    print(formatMtr(await mtr, terminalWidth()));
    return 0;
  },
});
