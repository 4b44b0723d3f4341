/**
 * The real program, with a client that notes when each probe of a ping left and what became of it,
 * and writes that into the file that LOG names when the program ends. What a program on the
 * terminal of its tests cannot be asked while it runs.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { Client, type PingOptions } from "icmpx";
import type { InitialView } from "../../../../tui/src/program/app.ts";
import { start } from "../../../../tui/src/program/start.ts";

/** Milliseconds since 1970 of each departure, and RTTs; null is a loss. */
export interface ProbeLog {
  readonly pid: number;
  readonly sentAt: number[];
  readonly rtts: (number | null)[];
}

const log: ProbeLog = { pid: process.pid, sentAt: [], rtts: [] };

class LoggedClient extends Client {
  override ping(target: string, options: PingOptions = {}): ReturnType<Client["ping"]> {
    return super.ping(target, {
      ...options,
      onResult: (result) => {
        log.sentAt.push(result.request.sentPacket?.timestamp ?? Number.NaN);
        log.rtts.push(result.reply?.rtt ?? null);
        options.onResult?.(result);
      },
    });
  }
}

const [path = "", view = "ping", target] = process.argv.slice(2);
void start({
  environment: process.env,
  initial: { view: view as InitialView["view"], ...(target === undefined ? {} : { target }) },
  createClient: () => new LoggedClient(),
}).then((code) => {
  writeFileSync(path, JSON.stringify(log));
  process.exit(code);
});
