/**
 * Measures on demand, to save starting a process each time: reads calls from standard input, one
 * JSON value a line, makes each with a new client, and prints what became of it, one line of JSON,
 * before it reads the next.
 *
 * @module
 */
import { Client, type ClientOptions, type EchoResult } from "icmpx";

/** One call. */
export interface MeasurerCall {
  readonly client: ClientOptions;
  readonly method: "probe" | "ping" | "multiping" | "traceroute" | "mtr";
  /** Addresses: a list for `multiping`. */
  readonly target: string | readonly string[];
  readonly options?: object;
}

/**
 * What became of a call: its result or its error, and what `onResult` was told meanwhile, in order.
 */
export interface MeasurerOutcome<Result, Seen> {
  readonly result?: Result;
  readonly error?: { readonly name: string; readonly message: string };
  readonly seen: readonly Seen[];
}

if (import.meta.main) {
  for await (const line of console) {
    process.stdout.write(`${JSON.stringify(await outcomeOf(JSON.parse(line) as MeasurerCall))}\n`);
  }
}

async function outcomeOf(call: MeasurerCall): Promise<MeasurerOutcome<unknown, EchoResult>> {
  const seen: EchoResult[] = [];
  try {
    await using client = new Client(call.client);
    return { result: await invoke(client, call, (result) => seen.push(result)), seen };
  } catch (thrown) {
    const { name, message } = thrown as Error;
    return { error: { name, message }, seen };
  }
}

function invoke(
  client: Client,
  { method, target, options }: MeasurerCall,
  onResult: (result: EchoResult) => void,
): PromiseLike<unknown> {
  const all = { ...options, onResult };
  return method === "multiping"
    ? client.multiping([target].flat(), all)
    : client[method](`${target}`, all);
}
