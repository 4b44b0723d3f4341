/** What of a key press tells which key it was; the renderer's events are such. */
export interface KeyPress {
  readonly name: string;
  readonly ctrl: boolean;
  readonly meta: boolean;
  readonly shift: boolean;
}

/**
 * One name for each key, as {@link Binding} writes them: `"j"`, `"G"` (with shift), `"ctrl-d"`,
 * `"shift-tab"`, `"pagedown"`, `"?"`. Keys with Alt are `"alt-…"`.
 */
export function keyName({ name, ctrl, meta, shift }: KeyPress): string {
  const isLetter = /^[a-z]$/.test(name);
  const base = isLetter && shift && !ctrl ? name.toUpperCase() : name;
  const withShift = shift && (!isLetter || ctrl) && base.length > 1 ? `shift-${base}` : base;
  return `${meta ? "alt-" : ""}${ctrl ? "ctrl-" : ""}${ALIASES[withShift] ?? withShift}`;
}

/** Keys that the renderer knows by other names than people. */
const ALIASES: Readonly<Record<string, string>> = {
  return: "enter",
  kpenter: "enter",
  linefeed: "enter",
};
