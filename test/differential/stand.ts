import { join } from "node:path";
import type { Json } from "../lab/json.ts";
import type { SocketKind } from "../lab/kinds.ts";
import { type MethodResults, measure, resultOf } from "../lab/measure.ts";
import { Measurer, type SeenResult } from "../lab/measurer.ts";
import type { Namespace } from "../lab/namespaces.ts";
import type { SimulatedLab } from "../lab/open-lab.ts";

/** Runs a program of a few arguments into any lab. */
export const EXEC: string = join(import.meta.dir, "children/exec.ts");

/** A method of a client that measures one target. */
export type Method = "ping" | "traceroute" | "mtr";

/**
 * What a call gave, and the samples that it was made of, in the order in which they became known.
 */
export interface Ours<M extends Method> {
  readonly result: Json<MethodResults[M]>;
  readonly seen: readonly SeenResult[];
}

/** A host on which programs and clients measure the same network, one after the other. */
export interface Stand {
  /** Runs a program to its end as root; gives its standard output. Throws if it fails. */
  tool(...command: readonly string[]): Promise<string>;
  /** Makes a call on a new client with one kind of socket. Throws if it fails. */
  ours<M extends Method>(kind: SocketKind, method: M, call: OurCall): Promise<Ours<M>>;
}

/** Whom to measure, and the options. */
export interface OurCall {
  readonly target: string;
  readonly options: object;
}

/** A host in a namespace of its own. */
export function namespaceStand(namespace: Namespace): Stand {
  return {
    tool: (...command) => namespace.exec(...command),
    async ours(kind, method, call) {
      const [outcome] = await measure(namespace, kind, [{ method, ...call }]);
      return { result: resultOf(outcome), seen: outcome?.seen as readonly SeenResult[] } as never;
    },
  };
}

/** The host of a simulated internet. */
export function labStand(lab: SimulatedLab): Stand {
  const measurers = new Map<string, Measurer>();
  return {
    tool: (...command) => lab.run(EXEC, command),
    async ours(kind, method, call) {
      const measurer = measurers.get(kind.name) ?? new Measurer(lab, kind);
      measurers.set(kind.name, measurer);
      const { result, error, seen } = await measurer.call({ method, ...call });
      if (result === undefined) throw new Error(`${method} failed: ${JSON.stringify(error)}`);
      return { result, seen } as never;
    },
  };
}
