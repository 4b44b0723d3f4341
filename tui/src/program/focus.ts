import type { Field } from "../model/fields.ts";

/** Who has the keyboard. */
export type Focus =
  | { readonly on: "panel" | "button" }
  | { readonly on: "field"; readonly name: string };

export const PANEL: Focus = { on: "panel" };
const BUTTON: Focus = { on: "button" };

/** Who gets it with Tab, or before: inputs, the button and the panel in a circle. */
export function focusBeside(now: Focus, fields: readonly Field[], step: 1 | -1): Focus {
  const order: readonly Focus[] = [
    ...fields.map(({ name }) => ({ on: "field", name }) as const),
    BUTTON,
    PANEL,
  ];
  const index = order.findIndex((focus) =>
    focus.on === "field" && now.on === "field" ? focus.name === now.name : focus.on === now.on,
  );
  return order[(index + step + order.length) % order.length] ?? PANEL;
}
