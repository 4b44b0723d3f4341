/**
 * Makes the calls it is told on one client, all at once, and prints what became of each: one line
 * of JSON a call, in their order.
 *
 * @module
 */
import { Client, type ClientOptions, type EchoResult } from "icmpx";

/** One call of a method of Client. */
export interface Call {
  readonly method: "probe" | "ping" | "multiping" | "traceroute" | "mtr";
  /** A list for `multiping`. */
  readonly target: string | readonly string[];
  readonly options?: object;
}

/**
 * What became of a call: its result or its error, and what `onResult` was told meanwhile, in order.
 */
export interface CallOutcome<Result> {
  readonly result?: Result;
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string };
  readonly seen: readonly unknown[];
}

interface Input {
  readonly client: ClientOptions;
  readonly calls: readonly Call[];
}

const { client: options, calls } = JSON.parse(process.argv[2] ?? "{}") as Input;
await using client = new Client(options);
const outcomes = await Promise.all(calls.map(outcomeOf));
process.stdout.write(outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(""));

async function outcomeOf(call: Call): Promise<CallOutcome<unknown>> {
  const seen: EchoResult[] = [];
  try {
    return { result: await invoke(call, (result) => seen.push(result)), seen };
  } catch (thrown) {
    const { name, message, code } = thrown as Error & { code?: string };
    return { error: { name, message, ...(code !== undefined && { code }) }, seen };
  }
}

function invoke(
  { method, target, options }: Call,
  onResult: (result: EchoResult) => void,
): PromiseLike<unknown> {
  if (method === "multiping") return client.multiping([target].flat(), { ...options, onResult });
  const host = String(target);
  return client[method](host, { ...options, onResult });
}
