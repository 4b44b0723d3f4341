import { Client } from "icmpx";
import { print } from "./output.ts";
import { prepare, run, seconds } from "./support.ts";

const usage = `Usage: bun examples/sweep.ts [options] [target]...

Asks every host of the targets (127.0.0.0/28) for echoes and shows who is there. A target is an address, a name, a network
such as 192.0.2.0/24, or a range such as 192.0.2.5-9. The exit code is 0 if there was anybody.

  -r, --rate N            packets a second, or Infinity (10000)
  -t, --timeout SECONDS   to wait for each answer (1)
  -n, --retries N         further probes to the silent (1)
  -4, -6                  use IPv4 or IPv6
  -h, --help              show this`;

const letters = { rate: "r", timeout: "t", retries: "n" };

await run({
  usage,
  letters,
  maxHosts: Number.POSITIVE_INFINITY,
  async main({ hosts, numbers: { rate = 10_000, timeout = 1, retries = 1 }, common: { family } }) {
    const targets = hosts.length > 0 ? hosts : ["127.0.0.0/28"];
    using client = new Client();
    const sweep = prepare(() =>
      client.sweep(targets, {
        rate,
        retries,
        timeout: seconds(timeout),
        ...(family && { family }),
      }),
    );
    for await (const { addr, target, rtt, ttl } of sweep) {
      print(
        `${target === null ? addr : `${target} (${addr})`}  ${rtt.toFixed(3)} ms  ttl ${ttl ?? "?"}`,
      );
    }
    const { hosts: count, answered, sent, duration } = await sweep;
    print(
      `\n${answered} of ${count} hosts answered; ${sent} packets in ${(duration / 1000).toFixed(2)} s`,
    );
    return answered > 0 ? 0 : 1;
  },
});
