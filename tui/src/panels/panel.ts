import type { Canvas } from "../draw/canvas.ts";
import type { Binding } from "../model/binding.ts";
import type { Field, FieldValues } from "../model/fields.ts";
import type { Session, SessionKind, SessionOptions } from "../model/session.ts";

/** What a panel may ask of the program around it. */
export interface Services {
  /** Shows a message at the bottom for a while. One line or several; safe to print. */
  notify(role: "text" | "good" | "warn" | "bad", message: string): void;
  /** Puts a text into the clipboard of the terminal (OSC 52), and says so. */
  copy(text: string, what: string): void;
  /** Something to be seen has changed. */
  redraw(): void;
  /** A choice that is kept from one start to the next, such as the columns of a table. */
  readPreference(name: string): string | undefined;
  writePreference(name: string, value: string): void;
}

/**
 * Draws one session, and holds what the user looks at in it: what is selected, how far it is
 * scrolled.
 */
export interface Panel {
  readonly session: Session;
  /** Keys of its own. */
  readonly bindings: readonly Binding[];
  /** Draws it over the whole of `canvas`, whatever size that is. */
  draw(canvas: Canvas): void;
}

/** One of the four diagnostics: its form, and how a session begins. */
export interface Tool {
  readonly kind: SessionKind;
  /** As the navigation shows it. */
  readonly title: string;
  readonly fields: readonly Field[];
  /** A line or more for an empty view: what this does and how to begin. */
  readonly introduction: readonly string[];
  /**
   * Begins a session. The values have passed the checks of their fields. May reject, e.g. for a
   * file that cannot be read.
   */
  begin(values: FieldValues, options: SessionOptions, services: Services): Panel | Promise<Panel>;
}
