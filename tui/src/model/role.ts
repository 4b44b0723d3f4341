/** What a piece of the screen means. The theme says how that looks. */
export type Role =
  | "text"
  | "dim"
  | "title"
  | "accent"
  | "good"
  | "warn"
  | "bad"
  | "border"
  | "header"
  | "selected"
  | "button"
  | "input"
  | "placeholder"
  | "graph";
