/** What to fuzz, and how long. */
export interface FuzzOptions {
  /** Throws when an input shows a fault. */
  readonly target: (bytes: Uint8Array) => void;
  /** Counters of the branches that `target` takes; undefined to fuzz blindly. */
  readonly counters: Uint8Array | undefined;
  /** Inputs to begin with. */
  readonly seeds: readonly Uint8Array[];
  /** Integers worth trying. */
  readonly literals: readonly number[];
  /** Whether to go on after so many runs. */
  readonly goesOn: (runs: number) => boolean;
  /** The longest input to make, in bytes. */
  readonly maxLength: number;
  /** 32 random bits. */
  readonly random: () => number;
}

/** How it went. */
export interface FuzzReport {
  readonly runs: number;
  /** Inputs kept because each took a branch, or took it a number of times, as none before. */
  readonly corpus: readonly Uint8Array[];
  /** Branches taken at least once. */
  readonly branches: number;
  /** The first input that showed a fault, and what was thrown. */
  readonly failure: { readonly input: Uint8Array; readonly error: unknown } | undefined;
}

const MAX_CHANGES = 4;
const LATEST = 16;

/**
 * Fuzzes guided by coverage, as AFL does (Zalewski, "Technical whitepaper for afl-fuzz"): inputs
 * that reach something new are kept and changed further, so that a fault behind ten conditions is
 * found one condition at a time.
 */
export function fuzz(options: FuzzOptions): FuzzReport {
  const { target, counters, seeds, goesOn, random } = options;
  const corpus: Uint8Array[] = [];
  const seen = new Uint8Array(counters?.length ?? 0);
  const report = (runs: number, failure?: FuzzReport["failure"]): FuzzReport => {
    let branches = 0;
    for (const bits of seen) if (bits !== 0) branches += 1;
    return { runs, corpus, branches, failure };
  };
  let runs = 0;
  const isFaulty = (input: Uint8Array): FuzzReport["failure"] => {
    runs += 1;
    counters?.fill(0);
    try {
      target(input);
    } catch (error) {
      return { input, error };
    }
    if (counters !== undefined && addsTo(seen, counters)) corpus.push(input);
    return undefined;
  };
  for (const seed of seeds) {
    const failure = isFaulty(seed);
    if (failure !== undefined) return report(runs, failure);
  }
  while (goesOn(runs)) {
    const parents = corpus.length > 0 ? corpus : seeds;
    // Those that came last are the furthest from the seeds: what follows them has been tried least.
    const first = random() % 2 === 0 ? Math.max(0, parents.length - LATEST) : 0;
    const parent = parents[first + (random() % (parents.length - first))] as Uint8Array;
    const failure = isFaulty(changed(parent, parents, options));
    if (failure !== undefined) return report(runs, failure);
  }
  return report(runs);
}

/** Notes how often each branch was taken, by orders of magnitude; whether any of that is new. */
function addsTo(seen: Uint8Array, counters: Uint8Array): boolean {
  let isNew = false;
  for (let index = 0; index < counters.length; index++) {
    const count = counters[index] as number;
    if (count === 0) continue;
    const bit = 1 << (31 - Math.clz32(count));
    if (((seen[index] as number) & bit) !== 0) continue;
    seen[index] = (seen[index] as number) | bit;
    isNew = true;
  }
  return isNew;
}

function changed(
  parent: Uint8Array,
  parents: readonly Uint8Array[],
  { literals, maxLength, random }: FuzzOptions,
): Uint8Array {
  let bytes = Uint8Array.from(parent);
  for (let left = 1 + (random() % MAX_CHANGES); left > 0; left--) {
    const at = random() % (bytes.length + 1);
    const value = literals.length > 0 && random() % 2 === 0 ? pick(literals, random) : random();
    switch (random() % 8) {
      case 0:
        bytes[at] = (1 << (random() % 8)) ^ (bytes[at] ?? 0);
        break;
      case 1:
        bytes[at] = value;
        break;
      case 2:
        bytes[at] = (bytes[at] ?? 0) + (random() % 33) - 16;
        break;
      case 3:
        for (let byte = 0; byte < 2; byte++) bytes[at + byte] = value >>> (8 * (1 - byte));
        break;
      case 4:
        for (let byte = 0; byte < 4; byte++) bytes[at + byte] = value >>> (8 * (3 - byte));
        break;
      case 5:
        bytes = spliced(bytes, at, random() % 9, new Uint8Array(0));
        break;
      case 6:
        bytes = spliced(bytes, at, 0, new Uint8Array(random() % 9).fill(value));
        break;
      default: {
        const other = pick(parents, random);
        const from = random() % (other.length + 1);
        const part = other.subarray(
          from,
          from + (random() % 3 === 0 ? other.length : random() % 33),
        );
        bytes = spliced(bytes, at, random() % 2 === 0 ? part.length : 0, part);
      }
    }
  }
  return bytes.length > maxLength ? bytes.slice(0, maxLength) : bytes;
}

function spliced(
  bytes: Uint8Array,
  at: number,
  remove: number,
  insert: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const end = Math.min(bytes.length, at + remove);
  const result = new Uint8Array(bytes.length - (end - at) + insert.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(end), at + insert.length);
  return result;
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[random() % items.length] as Item;
}
