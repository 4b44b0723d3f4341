/** A key that does something, outside of inputs. The help overlay is made of these. */
export interface Binding {
  /**
   * Names as the renderer gives them, e.g. "p", "up", "pagedown"; a letter in upper case is with
   * shift.
   */
  readonly keys: readonly string[];
  /** How help and hints write them, e.g. "p" or "↑ k". */
  readonly label: string;
  /** What it does, in two or three words, e.g. "pause". */
  readonly summary: string;
  run(): void;
}
