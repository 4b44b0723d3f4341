import type { Host } from "./host.ts";
import type { Values } from "./values.ts";

/** How the text of an option is read. A flag takes none. */
export type OptionKind = "flag" | "integer" | "seconds" | "byte" | "text";

/** One option of a command: the source of its parsing, its help and its completion. */
export interface Option {
  /** Its long form, without the dashes. */
  readonly name: string;
  /** Its short form. */
  readonly letter?: string;
  /** Further long forms, from the tools that people know, which help does not list. */
  readonly also?: readonly string[];
  readonly kind: OptionKind;
  /** What stands for its value in help, e.g. `"SECONDS"`. Flags have none. */
  readonly value?: string;
  /** The option of the same kind that a value is meant for, if that may be another one. */
  readonly storeAs?: (text: string) => string;
  /** Whether its value is the name of a file. */
  readonly takesFile?: boolean;
  /** The only values it takes. */
  readonly choices?: readonly string[];
  /** The least and the greatest value of a number. */
  readonly range?: readonly [least: number, greatest: number];
  /** One line. */
  readonly summary: string;
}

/** A line of a command's examples. */
export interface Example {
  readonly line: string;
  readonly summary: string;
}

/** One sub-command. */
export interface Command {
  readonly name: string;
  /** Other names of it. */
  readonly aliases: readonly string[];
  /** What stands for its operands in help, e.g. `"HOST..."`. */
  readonly operands: string;
  /** How many operands it takes. */
  readonly count: readonly [least: number, most: number];
  /** The only operands it takes. */
  readonly choices?: readonly string[];
  /** Whether operands may be names of files. */
  readonly takesFiles?: boolean;
  /** One line. */
  readonly summary: string;
  /** Paragraphs for its help. */
  readonly description: readonly string[];
  readonly options: readonly Option[];
  /**
   * Options of the tools that people know, as they are written, and what to do without them here.
   */
  readonly elsewhere?: Readonly<Record<string, string>>;
  readonly examples: readonly Example[];
  /** Does the work and gives the exit code. */
  run(values: Values, host: Host): Promise<number>;
}
