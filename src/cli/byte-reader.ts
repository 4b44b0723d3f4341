/** Cuts what arrives in chunks of any size into pieces of the sizes asked for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #kept: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes that were too few for the last piece asked for. */
  get rest(): number {
    return this.#kept.length;
  }

  /**
   * The next `length` bytes if they have arrived, without the turn of the event loop that waiting
   * costs.
   */
  take(length: number): Uint8Array | undefined {
    if (this.#kept.length < length) return undefined;
    const taken = this.#kept.subarray(0, length);
    this.#kept = this.#kept.subarray(length);
    return taken;
  }

  /** The next `length` bytes, or undefined when fewer are left. */
  async read(length: number): Promise<Uint8Array | undefined> {
    const all = await this.#fill(length);
    if (all.length < length) return undefined;
    this.#kept = all.subarray(length);
    return all.subarray(0, length);
  }

  /** The next bytes, at most `length`, which stay to be read. */
  async peek(length: number): Promise<Uint8Array> {
    return (await this.#fill(length)).subarray(0, length);
  }

  /** Passes over `length` bytes without keeping them; false when fewer are left. */
  async skip(length: number): Promise<boolean> {
    let left = length;
    for (;;) {
      const passed = Math.min(left, this.#kept.length);
      this.#kept = this.#kept.subarray(passed);
      left -= passed;
      if (left === 0) return true;
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#kept = value;
    }
  }

  /** What has not been read yet, as it arrives. */
  async *remaining(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (this.#kept.length > 0) yield this.#kept;
      for (;;) {
        const { done, value } = await this.#chunks.next();
        if (done) return;
        yield value;
      }
    } finally {
      await this.close();
    }
  }

  /** Lets go of where the chunks come from. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #fill(length: number): Promise<Uint8Array> {
    const parts = [this.#kept];
    let have = this.#kept.length;
    while (have < length) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      parts.push(value);
      have += value.length;
    }
    if (parts.length > 1) this.#kept = Buffer.concat(parts);
    return this.#kept;
  }
}

/** A view of all bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
