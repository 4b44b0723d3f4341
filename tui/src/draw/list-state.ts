import type { Binding } from "../model/binding.ts";

/**
 * What the user looks at in a list of rows: the selected one, and the first one shown. The window
 * follows the selection until the wheel moves it away or the row moves, and again from the next key
 * or click on.
 */
export class ListState {
  #selected = 0;
  #top = 0;
  #count = 0;
  #height = 0;
  #isFollowing = true;

  /** Index of the selected row; 0 while there is none. */
  get selected(): number {
    return this.#selected;
  }

  /** Index of the first row shown. */
  get top(): number {
    return this.#top;
  }

  /**
   * Says how many rows there are and how many can be shown; the code that draws the list calls it
   * each time.
   */
  update(count: number, height: number): void {
    this.#count = Math.max(0, count);
    this.#height = Math.max(0, height);
    this.#selected = clamp(this.#selected, this.#count - 1);
    if (this.#isFollowing) {
      if (this.#selected < this.#top) this.#top = this.#selected;
      else if (this.#selected >= this.#top + this.#height)
        this.#top = this.#selected - this.#height + 1;
    }
    this.#top = clamp(this.#top, this.#count - this.#height);
  }

  /** Selects a row, and shows it. */
  select(index: number): void {
    this.#isFollowing = true;
    this.#selected = clamp(index, this.#count - 1);
  }

  /**
   * The selected row has another place, as by sorting. The window stays: who watches its top is not
   * dragged along.
   */
  moved(index: number): void {
    this.#isFollowing = false;
    this.#selected = clamp(index, this.#count - 1);
  }

  /** Selects the row `rows` further down, or up if negative. */
  move(rows: number): void {
    this.select(this.#selected + rows);
  }

  /** Moves the window, not the selection. */
  scroll(rows: number): void {
    this.#isFollowing = false;
    this.#top = clamp(this.#top + rows, this.#count - this.#height);
  }

  /** Keys of lists, those of vi among them. `changed` is called after each. */
  bindings(changed: () => void): Binding[] {
    const half = () => Math.max(1, Math.floor(this.#height / 2));
    const page = () => Math.max(1, this.#height - 1);
    const bind = (
      keys: readonly string[],
      label: string,
      summary: string,
      act: () => void,
    ): Binding => ({
      keys,
      label,
      summary,
      run() {
        act();
        changed();
      },
    });
    return [
      bind(["up", "k"], "↑ k", "row up", () => this.move(-1)),
      bind(["down", "j"], "↓ j", "row down", () => this.move(1)),
      bind(["pageup"], "PgUp", "page up", () => this.move(-page())),
      bind(["pagedown"], "PgDn", "page down", () => this.move(page())),
      bind(["ctrl-u"], "^U", "half a page up", () => this.move(-half())),
      bind(["ctrl-d"], "^D", "half a page down", () => this.move(half())),
      bind(["home", "g"], "Home g", "first row", () => this.select(0)),
      bind(["end", "G"], "End G", "last row", () => this.select(this.#count - 1)),
    ];
  }
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}
