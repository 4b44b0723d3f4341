import { join } from "node:path";
import type { User } from "./namespaces.ts";
import type { Scenario } from "./scenario.ts";
import type { SimulatorCommand } from "./simulator.ts";
import type { Truth } from "./truth.ts";

const SIMULATOR = join(import.meta.dir, "simulator.ts");

/**
 * A user with no capability and no way to gain one. In a user namespace there is but one user:
 * root, without capabilities.
 */
const WITHOUT_CAPABILITIES = [
  "--clear-groups",
  "--bounding-set=-all",
  "--inh-caps=-all",
  "--ambient-caps=-all",
  "--no-new-privs",
  "--",
];
const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", ...WITHOUT_CAPABILITIES];
const AS_POWERLESS_ROOT = [
  "setpriv",
  ...WITHOUT_CAPABILITIES.filter((flag) => flag !== "--clear-groups"),
];

/** How to open a lab. */
export interface LabOptions {
  /**
   * Whether to make a user namespace too (`unshare -Ur`), inside which an ordinary user is root.
   * Default: unless root already. /dev/net/tun must be open to that user.
   */
  readonly userNamespace?: boolean;
}

/** How to run a program in a lab. */
export interface RunOptions {
  /** Default root. */
  readonly as?: User;
}

type Piped = Bun.Subprocess<"pipe", "pipe", "pipe">;

/**
 * Opens a network namespace without a name, whose only way out is a TUN device behind which
 * `scenario` is simulated. Any number of labs may be open at once: they do not see each other.
 * Everything ends with disposal, or with this process.
 */
export async function openLab(scenario: Scenario, options: LabOptions = {}): Promise<SimulatedLab> {
  const hasUserNamespace = options.userNamespace ?? process.getuid?.() !== 0;
  const lab = new SimulatedLab(hasUserNamespace);
  try {
    await lab.load(scenario);
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
  return lab;
}

/** A simulated internet, and a host in it on which programs run. */
export class SimulatedLab implements AsyncDisposable {
  readonly #hasUserNamespace: boolean;
  readonly #simulator: Piped;
  readonly #answers: AsyncIterator<string>;
  readonly #complaints: Promise<string>;
  readonly #children = new Set<Piped>();
  #last: Promise<unknown>;

  constructor(hasUserNamespace: boolean) {
    this.#hasUserNamespace = hasUserNamespace;
    const unshare = ["unshare", hasUserNamespace ? "-Urn" : "-n"];
    this.#simulator = start([...unshare, process.execPath, SIMULATOR]);
    this.#answers = linesOf(this.#simulator.stdout);
    this.#complaints = new Response(this.#simulator.stderr).text();
    // It says once that it is ready.
    this.#last = this.#nextAnswer();
    this.#last.catch(() => {});
  }

  /** The process whose network namespace the lab is. */
  get pid(): number {
    return this.#simulator.pid;
  }

  /** Replaces what is simulated, and forgets what has happened. */
  async load(scenario: Scenario): Promise<void> {
    await this.#command({ load: scenario });
  }

  /** What the simulator has done since its scenario was loaded. */
  async truth(): Promise<Truth> {
    return (await this.#command({ tell: "truth" })) as Truth;
  }

  /** Starts a command on the host of the lab. It ends with the lab at the latest. */
  spawn(command: readonly string[], { as = "root" }: RunOptions = {}): Piped {
    const { pid } = this.#simulator;
    const enter = this.#hasUserNamespace
      ? ["nsenter", "-t", `${pid}`, "-U", "-n", "--preserve-credentials"]
      : ["nsenter", "-t", `${pid}`, "-n"];
    const weak = this.#hasUserNamespace ? AS_POWERLESS_ROOT : AS_NOBODY;
    const child = start([...enter, ...(as === "nobody" ? weak : []), ...command]);
    this.#children.add(child);
    child.exited.then(() => this.#children.delete(child));
    return child;
  }

  /** Starts a script with Bun on the host of the lab. It ends with the lab at the latest. */
  start(program: string, args: readonly string[] = [], options: RunOptions = {}): Piped {
    return this.spawn([process.execPath, program, ...args], options);
  }

  /**
   * Runs a script with Bun to its end; gives its standard output. Throws, with what it said, if it
   * fails.
   */
  run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    return this.exec([process.execPath, program, ...args], options);
  }

  /**
   * Runs a command to its end; gives its standard output. Throws, with what it said, if it fails.
   */
  async exec(command: readonly string[], options: RunOptions = {}): Promise<string> {
    const child = this.spawn(command, options);
    child.stdin.end();
    const [output, complaint, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code !== 0)
      throw new Error(
        `${command.join(" ")} failed (${child.signalCode ?? code}): ${complaint || output}`,
      );
    return output;
  }

  /** Ends everything in the lab, and the lab. Never fails half-way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#children, this.#simulator];
    for (const child of all) child.kill("SIGKILL");
    await Promise.all(all.map((child) => child.exited));
  }

  /** Commands are answered in order: each waits for the one before. */
  #command(command: SimulatorCommand): Promise<unknown> {
    const answer = this.#last.then(() => {
      this.#simulator.stdin.write(`${JSON.stringify(command)}\n`);
      this.#simulator.stdin.flush();
      return this.#nextAnswer();
    });
    this.#last = answer;
    answer.catch(() => {});
    return answer;
  }

  async #nextAnswer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`The simulator ended: ${await this.#complaints}`);
    return JSON.parse(value);
  }
}

/** The lines of a stream, as they come. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function start(command: string[]): Piped {
  return Bun.spawn(command, {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    // nobody has no home to keep a cache in.
    env: { ...process.env, HOME: "/tmp", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0", NO_COLOR: "1" },
  });
}
