import type {
  ClientOptions,
  EchoResult,
  MtrResult,
  MultipingResult,
  PingResult,
  TracerouteResult,
} from "icmpx";
import type { Call, CallOutcome } from "../kernel/children/measure.ts";
import type { Json } from "./json.ts";
import type { SocketKind } from "./kinds.ts";
import type { Namespace } from "./namespaces.ts";

/** What each method of a client resolves to, by its name. */
export interface MethodResults {
  readonly probe: EchoResult;
  readonly ping: PingResult;
  readonly multiping: MultipingResult;
  readonly traceroute: TracerouteResult;
  readonly mtr: MtrResult;
}

type Outcomes<Calls extends readonly Call[]> = {
  readonly [Index in keyof Calls]: CallOutcome<Json<MethodResults[Calls[Index]["method"]]>>;
};

/** How to call a client in another process. */
export interface MeasureOptions {
  /** Options of the client, besides `privileged`. */
  readonly client?: ClientOptions;
}

/**
 * Runs calls, all at once, on one client in a process of its own, with the kind of socket and as
 * the user that `kind` says, and gives what became of each.
 */
export async function measure<const Calls extends readonly Call[]>(
  namespace: Namespace,
  kind: Pick<SocketKind, "privileged" | "as">,
  calls: Calls,
  { client }: MeasureOptions = {},
): Promise<Outcomes<Calls>> {
  const input = { client: { privileged: kind.privileged, ...client }, calls };
  return (await namespace.run("measure.ts", input, { as: kind.as })) as unknown as Outcomes<Calls>;
}

/** The result of a call that succeeded. Throws the error of one that failed. */
export function resultOf<Result>(outcome: CallOutcome<Result> | undefined): Result {
  if (outcome === undefined) throw new Error("The child printed too little");
  if (outcome.result === undefined)
    throw new Error(`The call failed: ${JSON.stringify(outcome.error)}`);
  return outcome.result;
}

/** One call, and its result. */
export async function measureOne<const Only extends Call>(
  namespace: Namespace,
  kind: Pick<SocketKind, "privileged" | "as">,
  call: Only,
  options?: MeasureOptions,
): Promise<Json<MethodResults[Only["method"]]>> {
  const [outcome] = await measure(namespace, kind, [call], options);
  return resultOf(outcome) as Json<MethodResults[Only["method"]]>;
}
