import type { Client, ClientOptions } from "icmpx";

/** Where text goes. Writing never waits for the reader. */
export interface Output {
  readonly isTerminal: boolean;
  /** Size of the terminal in characters; undefined where there is none, or it does not tell. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  /** Whether the reader has not taken yet what was written before. */
  readonly isBusy: boolean;
  write(text: string): void;
  /** Resolves when the reader has taken everything. */
  flush(): Promise<void>;
  /**
   * Calls `listener` after each change of size, until the function that it gives back is called.
   */
  onResize(listener: () => void): () => void;
}

/** Signals that a command answers to. */
export type SignalName = "SIGINT" | "SIGTERM" | "SIGQUIT";

/** How a program ended. */
export interface Execution {
  /** undefined when it could not be started. */
  readonly code: number | undefined;
  readonly stdout: string;
}

/** What surrounds a command: the process it runs in, or a test. */
export interface Host {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Makes the client that a command probes with. */
  createClient(options: ClientOptions): Promise<Client>;
  /** Standard input, as it arrives. */
  readInput(): AsyncIterable<Uint8Array>;
  /**
   * Whether somebody sits in front of it: standard input and output are a terminal that can be
   * drawn on.
   */
  readonly isInteractive: boolean;
  /**
   * Where a module of a package is that need not be installed, as a URL; undefined when it is not.
   */
  locate(specifier: string): string | undefined;
  /** Loads a module. */
  load(url: string): Promise<unknown>;
  /** Calls `listener` at each signal, until the function that it gives back is called. */
  onSignal(signal: SignalName, listener: () => void): () => void;
  /** Calls `listener` when the process ends, until the function that it gives back is called. */
  onExit(listener: () => void): () => void;
  /** Asks a question on the terminal; anything but yes is no. */
  confirm(question: string): boolean;
  /**
   * Runs a program to its end. Its standard input is that of this process, and so is its standard
   * error unless ignored, so that it may ask for a password.
   */
  execute(command: readonly string[], stderr?: "inherit" | "ignore"): Promise<Execution>;
  /**
   * Runs a program on this terminal in place of this one, which passes signals on to it; gives its
   * exit code, or undefined.
   */
  become(command: readonly string[]): Promise<number | undefined>;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Exit codes, which are those of ping(8). */
export const ExitCode = {
  /** The target answered. */
  Answered: 0,
  /** It did not. */
  Silent: 1,
  /** Wrong use, or a failure. */
  Failed: 2,
} as const;

/** What a shell reports for a program that SIGPIPE ended (signal(7): 128 + 13). */
export const CLOSED_PIPE = 141;

/** A mistake on the command line; its message ends up as one line on stderr. */
export class UsageError extends Error {}
