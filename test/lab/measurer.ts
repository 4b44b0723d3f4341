import { join } from "node:path";
import type { EchoResult } from "icmpx";
import type { MeasurerCall, MeasurerOutcome } from "./children/measuring.ts";
import type { Json } from "./json.ts";
import type { SocketKind } from "./kinds.ts";
import type { MethodResults } from "./measure.ts";
import { linesOf, type SimulatedLab } from "./open-lab.ts";

const CHILD = join(import.meta.dir, "children/measuring.ts");

/** Any result of any method, as JSON leaves it. */
export type AnyResult = Json<MethodResults[keyof MethodResults]>;

/** A result as `onResult` saw it, as JSON leaves it. */
export type SeenResult = Json<EchoResult>;

/**
 * A process in a lab that makes one call after the other with one kind of socket. It ends with the
 * lab.
 */
export class Measurer {
  readonly #privileged: boolean;
  readonly #process: ReturnType<SimulatedLab["start"]>;
  readonly #answers: AsyncIterator<string>;
  readonly #complaints: Promise<string>;

  constructor(lab: SimulatedLab, { privileged, as }: Pick<SocketKind, "privileged" | "as">) {
    this.#privileged = privileged;
    this.#process = lab.start(CHILD, [], { as });
    this.#answers = linesOf(this.#process.stdout);
    this.#complaints = new Response(this.#process.stderr).text();
  }

  /** Makes a call. The one before must be over. */
  async call(call: Omit<MeasurerCall, "client">): Promise<MeasurerOutcome<AnyResult, SeenResult>> {
    const whole: MeasurerCall = { client: { privileged: this.#privileged }, ...call };
    this.#process.stdin.write(`${JSON.stringify(whole)}\n`);
    this.#process.stdin.flush();
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`The measurer ended: ${await this.#complaints}`);
    return JSON.parse(value) as MeasurerOutcome<AnyResult, SeenResult>;
  }
}
