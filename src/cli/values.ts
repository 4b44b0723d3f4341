/** What was given on the command line, read by the table of the command's options. */
export class Values {
  readonly operands: readonly string[];
  readonly #known: ReadonlySet<string>;
  readonly #given: ReadonlyMap<string, string | number | true>;

  constructor(
    known: Iterable<string>,
    given: ReadonlyMap<string, string | number | true>,
    operands: readonly string[],
  ) {
    this.#known = new Set(known);
    this.#given = given;
    this.operands = operands;
  }

  /** Whether an option was given. */
  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  /** The number an option was given; seconds as the milliseconds of the library. */
  number(name: string): number | undefined {
    const value = this.#value(name);
    return typeof value === "number" ? value : undefined;
  }

  text(name: string): string | undefined {
    const value = this.#value(name);
    return typeof value === "string" ? value : undefined;
  }

  #value(name: string): string | number | true | undefined {
    if (!this.#known.has(name)) throw new Error(`No option "${name}" in the table`);
    return this.#given.get(name);
  }
}
