/** How a notice is to be taken. */
export type NoticeRole = "text" | "good" | "warn" | "bad";

/** A message at the bottom of the screen. */
export interface Notice {
  readonly role: NoticeRole;
  /** Safe to print. */
  readonly lines: readonly string[];
}

/** How long a notice stays, in milliseconds: errors hold commands to copy. */
const STAY_MS: Readonly<Record<NoticeRole, number>> = {
  text: 4000,
  good: 4000,
  warn: 10_000,
  bad: 30_000,
};
/** More than this nobody reads; the oldest go first. */
const MOST = 3;

/** The messages that are shown at the bottom, the newest last. */
export class Notices {
  readonly #after: (ms: number, callback: () => void) => () => void;
  readonly #onChange: () => void;
  #shown: { readonly notice: Notice; readonly cancel: () => void }[] = [];

  constructor(options: {
    after(ms: number, callback: () => void): () => void;
    onChange(): void;
  }) {
    this.#after = options.after;
    this.#onChange = options.onChange;
  }

  get shown(): readonly Notice[] {
    return this.#shown.map(({ notice }) => notice);
  }

  /**
   * Shows a message for a while; the same one again instead of twice. Returns what takes it away.
   */
  add(role: NoticeRole, message: string): () => void {
    this.#drop((notice) => notice.lines.join("\n") === message);
    const notice: Notice = { role, lines: message.split("\n") };
    const remove = (): void => this.#drop((shown) => shown === notice);
    const cancel = this.#after(STAY_MS[role], remove);
    this.#shown.push({ notice, cancel });
    while (this.#shown.length > MOST) this.#shown.shift()?.cancel();
    this.#onChange();
    return remove;
  }

  /** Takes all of them away. Returns whether there were any. */
  clear(): boolean {
    const wereAny = this.#shown.length > 0;
    this.#drop(() => true);
    return wereAny;
  }

  #drop(isDropped: (notice: Notice) => boolean): void {
    const kept = this.#shown.filter(({ notice }) => !isDropped(notice));
    if (kept.length === this.#shown.length) return;
    for (const { notice, cancel } of this.#shown) if (isDropped(notice)) cancel();
    this.#shown = kept;
    this.#onChange();
  }
}
