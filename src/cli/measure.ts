import type { Measurement, SendOptions, StatisticsSnapshot } from "icmpx";
import { type Host, UsageError } from "./host.ts";
import type { Values } from "./values.ts";

/** What a shell reports for a program that SIGINT ended (signal(7): 128 + 2). */
const INTERRUPTED = 130;

/** How results are written. */
export type Format = "text" | "json" | "ndjson" | "csv";

/** The format asked for. @throws {UsageError} for more than one */
export function formatOf(values: Values): Format {
  const wanted = (["json", "ndjson", "csv"] as const).filter((name) => values.has(name));
  if (wanted.length > 1)
    throw new UsageError(`Options --${wanted[0]} and --${wanted[1]} exclude each other`);
  return wanted[0] ?? "text";
}

/** What the options that all commands with probes share say to the library. @throws {UsageError} */
export function sendOptions(
  values: Values,
): SendOptions & { readonly source?: string | undefined } {
  if (values.has("ipv4") && values.has("ipv6"))
    throw new UsageError("Options -4 and -6 exclude each other");
  const socket = values.text("socket") ?? "auto";
  return {
    ...(values.has("ipv4") && { family: 4 }),
    ...(values.has("ipv6") && { family: 6 }),
    tos: values.number("tos"),
    ...(socket !== "auto" && { privileged: socket === "raw" }),
    timeout: values.number("timeout"),
    mark: values.number("mark"),
    interface: values.text("interface"),
    source: values.text("source"),
  };
}

/** Whether the system refused every probe: then nobody was asked, and that is a failure. */
export function isNothingSent({
  sent,
  sendErrors,
}: Pick<StatisticsSnapshot, "sent" | "sendErrors">): boolean {
  return sent > 0 && sendErrors === sent;
}

/** How to follow a measurement. */
export interface Following<Item> {
  /** Called with each item. */
  onItem(item: Item): void;
  /** Called at SIGQUIT. */
  onInterim(): void;
  /** Called after each item: when it gives a promise, the next item waits for that. */
  onPause?(): Promise<void> | undefined;
  /** When to stop, in milliseconds from now. */
  readonly deadline?: number | undefined;
}

/**
 * Makes a measurement and carries it out. SIGINT and SIGTERM end it early, so that its result is
 * still shown; the second ends the process.
 *
 * @returns the result; undefined when it was ended before there was one
 * @throws {UsageError} for what the library refuses
 */
export async function follow<Item, Result>(
  host: Host,
  make: () => Measurement<Item, Result>,
  { onItem, onInterim, onPause, deadline }: Following<Item>,
): Promise<Result | undefined> {
  const measurement = accepted(make);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) host.exit(INTERRUPTED);
    isStopping = true;
    measurement.stop();
  };
  const forget = [
    host.onSignal("SIGINT", stop),
    host.onSignal("SIGTERM", stop),
    host.onSignal("SIGQUIT", onInterim),
  ];
  const timer = deadline === undefined ? undefined : setTimeout(() => measurement.stop(), deadline);
  try {
    for await (const item of measurement) {
      onItem(item);
      const pause = onPause?.();
      if (pause !== undefined) await pause;
    }
    return await measurement;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    for (const each of forget) each();
  }
}

/** Options of the library that have other names here. */
const OUR_NAMES: readonly (readonly [theirs: string, ours: string])[] = [
  ['"firstTtl"', "--first-ttl"],
  ['"maxHops"', "--max-ttl"],
];

function inOurNames(message: string): string {
  return OUR_NAMES.reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), message);
}

/** What `make` gives. TypeError and RangeError are how the library refuses an option. */
function accepted<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError)
      throw new UsageError(inOurNames(error.message));
    throw error;
  }
}
