const FIRST_CAPACITY = 256;
/** Of as many decisions one lies so far back that its sequence number has been used again. */
const MOST = 0x1_0000;

/**
 * Which probes were decided, and when, the first one first.
 *
 * By their numbers, in typed arrays: it keeps no probe alive, and no garbage collector has to look through it. So there may be
 * probes in it that have been forgotten since.
 */
export class DecidedQueue {
  #sequences: Uint16Array = new Uint16Array(FIRST_CAPACITY);
  #numbers: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  /** When (monotonic). */
  #atNs: Float64Array = new Float64Array(FIRST_CAPACITY);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get firstSequence(): number {
    return this.#sequences[this.#first] as number;
  }

  get firstNumber(): number {
    return this.#numbers[this.#first] as number;
  }

  get firstAtNs(): number {
    return this.#atNs[this.#first] as number;
  }

  push(
    { sequence, number }: { readonly sequence: number; readonly number: number },
    atNs: number,
  ): void {
    if (this.#length === this.#sequences.length) this.#makeRoom();
    const place = (this.#first + this.#length) & (this.#sequences.length - 1);
    this.#sequences[place] = sequence;
    this.#numbers[place] = number;
    this.#atNs[place] = atNs;
    this.#length += 1;
  }

  shift(): void {
    this.#first = (this.#first + 1) & (this.#sequences.length - 1);
    this.#length -= 1;
  }

  clear(): void {
    this.#length = 0;
  }

  #makeRoom(): void {
    if (this.#length === MOST) {
      this.shift();
      return;
    }
    this.#sequences = doubled(this.#sequences, this.#first);
    this.#numbers = doubled(this.#numbers, this.#first);
    this.#atNs = doubled(this.#atNs, this.#first);
    this.#first = 0;
  }
}

/** A ring that is full and begins at `first`, in an array of twice its length from its beginning on. */
function doubled<Values extends Uint16Array | Uint32Array | Float64Array>(
  ring: Values,
  first: number,
): Values {
  const copy = new (ring.constructor as new (length: number) => Values)(ring.length * 2);
  copy.set(ring.subarray(first));
  copy.set(ring.subarray(0, first), ring.length - first);
  return copy;
}
