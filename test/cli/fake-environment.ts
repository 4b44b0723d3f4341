import { join } from "node:path";
import type { ClientOptions } from "icmpx";
import type { Execution, Host, Output, SignalName } from "../../src/cli/host.ts";
import { main } from "../../src/cli/main.ts";
import { Client } from "../../src/client/client.ts";
import type { Platform } from "../../src/client/transport/platform.ts";
import type { FakePlatform } from "../support/fake-platform.ts";

/** The program that package.json names, as source. */
export const ENTRY: string = join(import.meta.dir, "../../src/cli/icmpx.ts");

/** How a run of the command ended. */
export interface CliOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What surrounds a command in a test. */
export interface FakeHostOptions {
  /** Size of the terminal that stdout is. Default: stdout is a pipe. */
  readonly terminal?: { readonly columns?: number; readonly rows?: number };
  /** That of stderr. */
  readonly stderrTerminal?: { readonly columns?: number; readonly rows?: number };
  readonly env?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  /** Standard input. */
  readonly input?: readonly Uint8Array[];
  /** Called with each write to stdout. */
  readonly onWrite?: (text: string, host: FakeHost) => void;
  /** Whether standard input is a terminal, too. Default false. */
  readonly isInteractive?: boolean;
  /** Where modules are that need not be installed, by specifier. */
  readonly modules?: Readonly<Record<string, string>>;
  /** Stands for the module of every URL. */
  readonly load?: (url: string) => unknown;
  /** Stands for every program that is run in place of this one. */
  readonly become?: (command: readonly string[]) => number | undefined;
  /** Answers every question. Default no. */
  readonly confirm?: (question: string) => boolean;
  /** Stands for every program that a command starts. */
  readonly execute?: (command: readonly string[]) => Execution;
}

/** An output that keeps everything. */
class FakeOutput implements Output {
  text: string = "";
  isBusy: boolean = false;
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  readonly listeners: Set<() => void> = new Set();
  readonly #onWrite: (text: string) => void;

  constructor(terminal: FakeHostOptions["terminal"], onWrite: (text: string) => void) {
    this.isTerminal = terminal !== undefined;
    this.columns = terminal?.columns;
    this.rows = terminal?.rows;
    this.#onWrite = onWrite;
  }

  write(text: string): void {
    this.text += text;
    this.#onWrite(text);
  }

  async flush(): Promise<void> {}

  onResize(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** A host that keeps what is written, and sends signals when the test says so. */
export class FakeHost implements Host {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  readonly env: Readonly<Record<string, string>>;
  /** Every question asked. */
  readonly questions: string[] = [];
  /** Every program started. */
  readonly commands: (readonly string[])[] = [];
  /** Every program run in place of this one. */
  readonly successors: (readonly string[])[] = [];
  readonly isInteractive: boolean;
  readonly exits: number[] = [];
  readonly #options: FakeHostOptions;
  readonly #listeners = new Map<SignalName | "exit", Set<() => void>>();

  constructor(options: FakeHostOptions = {}) {
    this.#options = options;
    this.env = options.env ?? {};
    this.isInteractive = options.isInteractive ?? false;
    this.stdout = new FakeOutput(options.terminal, (text) => options.onWrite?.(text, this));
    this.stderr = new FakeOutput(options.stderrTerminal, () => {});
  }

  async createClient(options: ClientOptions): Promise<Client> {
    return new Client(options, this.#options.platform);
  }

  async *readInput(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#options.input ?? [];
  }

  onSignal(signal: SignalName, listener: () => void): () => void {
    return this.#listen(signal, listener);
  }

  onExit(listener: () => void): () => void {
    return this.#listen("exit", listener);
  }

  confirm(question: string): boolean {
    this.questions.push(question);
    return this.#options.confirm?.(question) ?? false;
  }

  async execute(command: readonly string[]): Promise<Execution> {
    this.commands.push(command);
    return this.#options.execute?.(command) ?? { code: undefined, stdout: "" };
  }

  locate(specifier: string): string | undefined {
    return this.#options.modules?.[specifier];
  }

  async load(url: string): Promise<unknown> {
    return this.#options.load?.(url);
  }

  async become(command: readonly string[]): Promise<number | undefined> {
    this.successors.push(command);
    return this.#options.become?.(command);
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  send(signal: SignalName): void {
    for (const listener of this.#listeners.get(signal) ?? []) listener();
  }

  /** Listeners that were not taken away. */
  get listenerCount(): number {
    return [...this.#listeners.values()].reduce(
      (sum, { size }) => sum + size,
      this.stdout.listeners.size,
    );
  }

  #listen(name: SignalName | "exit", listener: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }
}

/** Runs a command line in this process. Words are separated by spaces, or given one by one. */
export async function runCli(
  line: string | readonly string[],
  options: FakeHostOptions = {},
): Promise<CliOutcome & { readonly host: FakeHost }> {
  const host = new FakeHost(options);
  const args = typeof line === "string" ? line.split(" ").filter((word) => word !== "") : line;
  const code = await main(args, host);
  return { code, stdout: host.stdout.text, stderr: host.stderr.text, host };
}

/** The JSON documents of the lines of a text. */
export function parseNdjson(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The rows of a text of comma-separated values (RFC 4180), by the names in its first line. */
export function parseCsv(text: string): Record<string, string>[] {
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const fields = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g);
      return Array.from(fields, ([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain);
    });
  const [names = [], ...rows] = lines;
  for (const row of rows) {
    if (row.length !== names.length)
      throw new Error(`${row.length} fields for ${names.length} names: ${row}`);
  }
  return rows.map((row) =>
    Object.fromEntries(names.map((name, index) => [name, row[index] ?? ""])),
  );
}

/** Runs a command where nothing is real; its time passes while modules are loaded in ours. */
export async function runOn(
  fake: Pick<FakePlatform, "platform" | "clock">,
  line: string,
  options: FakeHostOptions = {},
): Promise<CliOutcome> {
  let isRunning = true;
  const outcome = runCli(line, { ...options, platform: fake.platform }).finally(() => {
    isRunning = false;
  });
  while (isRunning) {
    await Bun.sleep(1);
    await fake.clock.advance(10);
  }
  return outcome;
}
