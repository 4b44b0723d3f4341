/** Up to this many samples, percentiles are exact. */
export const EXACT_SAMPLES = 1024;

/**
 * Above {@link EXACT_SAMPLES} samples, a percentile differs by at most this fraction of the exact
 * one.
 */
export const MAX_RELATIVE_ERROR = 0.005;

// A little below the promise, so that the rounding of Math.log at the edge of a bucket cannot break
// it.
const ALPHA = MAX_RELATIVE_ERROR * 0.999;
const GAMMA = (1 + ALPHA) / (1 - ALPHA);
const LOG_GAMMA = Math.log(GAMMA);

// In milliseconds: a nanosecond, and some eleven days. What lies beyond shares the outermost
// bucket.
const SMALLEST = 1e-6;
const LARGEST = 1e9;
const FIRST_BUCKET = bucketOf(SMALLEST);
const LAST_BUCKET = bucketOf(LARGEST);

const INITIAL_CAPACITY = 4;
const BUCKET_MARGIN = 32;

/**
 * Percentiles of a stream of non-negative numbers in constant memory (at most 8 KiB, then 27 KiB;
 * far less for few or similar samples).
 *
 * The definition is linear interpolation between the closest ranks (type 7 of Hyndman and Fan 1996,
 * the default of R and NumPy): of n sorted samples, percentile p is the value at the fractional
 * index (n - 1) p / 100.
 *
 * Up to 1,024 samples they are kept, sorted, and the answer is exact. After that they are counted
 * in buckets whose bounds grow by the factor (1 + a) / (1 - a), a = 0.5 %, each standing for the
 * one value that is within a of both its bounds (the idea of DDSketch, Masson et al. 2019).
 * Interpolating between two values that are each within a of the true ones stays within a, so the
 * bound holds for the result. It holds from 1 ns to 10^9 ms: what is smaller counts as that small,
 * what is larger as that large, but never outside the least and greatest sample.
 */
export class Percentiles {
  /**
   * Samples in ascending order, in the first `#count` places; undefined once they are counted in
   * buckets.
   */
  #sorted: Float64Array<ArrayBuffer> | undefined = new Float64Array(0);
  /**
   * How many samples each bucket holds, from bucket number `#offset` on. Doubles: no count
   * overflows.
   */
  #buckets: Float64Array<ArrayBuffer> = new Float64Array(0);
  #offset = 0;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** How many samples were added. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds a sample.
   *
   * @throws RangeError if it is negative or not finite.
   */
  add(sample: number): void {
    if (!(sample >= 0 && sample < Number.POSITIVE_INFINITY)) {
      throw new RangeError(
        `Cannot add a sample: need a finite number of at least 0, have ${sample}`,
      );
    }
    if (sample < this.#min) this.#min = sample;
    if (sample > this.#max) this.#max = sample;
    if (this.#sorted !== undefined && this.#count === EXACT_SAMPLES) {
      for (const earlier of this.#sorted) this.#addToBucket(earlier);
      this.#sorted = undefined;
    }
    if (this.#sorted === undefined) this.#addToBucket(sample);
    else this.#sorted = insert(this.#sorted, this.#count, sample);
    this.#count += 1;
  }

  /**
   * The value below which `percent` per cent of the samples lie; null while there is no sample.
   *
   * @throws RangeError if `percent` is not between 0 and 100.
   */
  percentile(percent: number): number | null {
    if (!(percent >= 0 && percent <= 100)) {
      throw new RangeError(`Cannot compute a percentile: need 0 to 100, have ${percent}`);
    }
    if (this.#count === 0) return null;
    const rank = ((this.#count - 1) * percent) / 100;
    const below = Math.floor(rank);
    const fraction = rank - below;
    const low = this.#at(below);
    if (fraction === 0) return low;
    return low + (this.#at(below + 1) - low) * fraction;
  }

  /** The sample at `index` of all samples in ascending order, or the value of its bucket. */
  #at(index: number): number {
    if (this.#sorted !== undefined) return this.#sorted[index] ?? this.#max;
    if (index === 0) return this.#min;
    if (index >= this.#count - 1) return this.#max;
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket += 1) {
      seen += this.#buckets[bucket] ?? 0;
      if (seen > index)
        return Math.min(Math.max(middleOf(this.#offset + bucket), this.#min), this.#max);
    }
    return this.#max;
  }

  #addToBucket(sample: number): void {
    const bucket = Math.min(Math.max(bucketOf(sample), FIRST_BUCKET), LAST_BUCKET);
    if (bucket < this.#offset || bucket >= this.#offset + this.#buckets.length) this.#cover(bucket);
    const index = bucket - this.#offset;
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
  }

  /**
   * Widens the counted range to include `bucket`, with some room, so that a drifting RTT does not
   * copy each time.
   */
  #cover(bucket: number): void {
    const empty = this.#buckets.length === 0;
    const oldFirst = empty ? bucket : this.#offset;
    const oldEnd = empty ? bucket + 1 : this.#offset + this.#buckets.length;
    const first =
      bucket < oldFirst || empty ? Math.max(bucket - BUCKET_MARGIN, FIRST_BUCKET) : oldFirst;
    const end =
      bucket >= oldEnd || empty ? Math.min(bucket + BUCKET_MARGIN, LAST_BUCKET) + 1 : oldEnd;
    const widened = new Float64Array(end - first);
    widened.set(this.#buckets, empty ? 0 : oldFirst - first);
    this.#buckets = widened;
    this.#offset = first;
  }
}

/** The bucket of a value: those above GAMMA^(i-1), up to GAMMA^i, are in bucket i. */
function bucketOf(value: number): number {
  return Math.ceil(Math.log(value) / LOG_GAMMA);
}

/** The value within ALPHA of every value in the bucket: the harmonic mean of its bounds. */
function middleOf(bucket: number): number {
  return (2 * GAMMA ** bucket) / (GAMMA + 1);
}

/**
 * Inserts `sample` where it belongs among the first `count` places; returns `sorted`, or a larger
 * copy.
 */
function insert(
  sorted: Float64Array<ArrayBuffer>,
  count: number,
  sample: number,
): Float64Array<ArrayBuffer> {
  let target = sorted;
  if (count === sorted.length) {
    target = new Float64Array(
      Math.min(Math.max(sorted.length * 2, INITIAL_CAPACITY), EXACT_SAMPLES),
    );
    target.set(sorted);
  }
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((target[middle] ?? 0) <= sample) low = middle + 1;
    else high = middle;
  }
  target.copyWithin(low + 1, low, count);
  target[low] = sample;
  return target;
}
