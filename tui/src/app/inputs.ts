import {
  CliRenderEvents,
  type CliRenderer,
  InputRenderable,
  InputRenderableEvents,
  RenderableEvents,
  RGBA,
  TextAttributes,
} from "@opentui/core";
import type { Look, Theme } from "../draw/theme.ts";
import type { FieldValues } from "../model/fields.ts";
import type { FieldPlace } from "./layout.ts";

/** Longer than any target or list of targets that one types; a longer list belongs into a file. */
const MOST_LETTERS = 4096;

/** An input of the pool, and the field it stands for at the moment. */
interface Slot {
  readonly input: InputRenderable;
  name: string | undefined;
  /** Where it is, so that it is told of changes only: each one asks for a frame. */
  place: string;
  /** Whether it was put elsewhere since the last frame. */
  isMoved: boolean;
  /** What is to be selected once it is drawn, unless it was changed meanwhile. */
  selected: string | undefined;
}

/** The text inputs of the form that is shown, laid over the screen. */
export class Inputs {
  readonly #renderer: CliRenderer;
  readonly #options: InputsOptions;
  readonly #slots: Slot[] = [];
  #theme: Theme;
  /** While values are set, which an input tells of as if they were typed. */
  #isPlacing = false;

  constructor(renderer: CliRenderer, options: InputsOptions) {
    this.#renderer = renderer;
    this.#options = options;
    this.#theme = options.theme;
  }

  set theme(theme: Theme) {
    this.#theme = theme;
    for (const { input } of this.#slots) paint(input, theme);
  }

  /** Shows inputs for `places`, whose coordinates count from `left` and `top`, and hides the others. */
  place(places: readonly FieldPlace[], left: number, top: number, values: FieldValues): void {
    for (const [index, place] of places.entries()) {
      const { field } = place;
      const slot = this.#slotFor(index, place);
      const { input } = slot;
      const where = [left + place.inputX, top + place.y, place.inputWidth].join();
      if (slot.name !== field.name || slot.place !== where) {
        slot.name = field.name;
        slot.place = where;
        input.placeholder = field.placeholder;
        input.left = left + place.inputX;
        input.top = top + place.y;
        input.width = place.inputWidth;
        this.#moved(slot);
      }
      if (!input.visible) {
        input.visible = true;
        this.#moved(slot);
      }
      const value = values[field.name] ?? "";
      if (input.value === value) continue;
      this.#isPlacing = true;
      input.value = value;
      this.#isPlacing = false;
      slot.selected = value;
      // Its beginning is what one wants to read, however narrow it is.
      input.gotoLineHome();
    }
    for (const slot of this.#slots.slice(places.length)) {
      slot.name = undefined;
      if (slot.input.visible) slot.input.visible = false;
    }
  }

  /** Gives the keyboard to the input of a field, or takes it from all of them. */
  focus(name: string | undefined): void {
    for (const slot of this.#slots) {
      const { input } = slot;
      if (slot.name === undefined || slot.name !== name) {
        slot.selected = undefined;
        if (!input.focused) continue;
        input.blur();
        input.gotoLineHome();
        continue;
      }
      if (!input.focused) {
        input.focus();
        slot.selected = input.value;
      }
      this.#select(slot);
    }
  }

  /** What is typed next replaces what is there; an arrow key keeps it. */
  #select(slot: Slot): void {
    const { input, selected, isMoved } = slot;
    // The renderer selects by places on the screen: those of before may be the places of others.
    if (selected === undefined || isMoved) return;
    slot.selected = undefined;
    if (input.focused && input.value === selected) input.selectAll();
  }

  #moved(slot: Slot): void {
    if (this.#slots.every(({ isMoved }) => !isMoved))
      this.#renderer.once(CliRenderEvents.FRAME, this.#onFrame);
    slot.isMoved = true;
  }

  readonly #onFrame = (): void => {
    for (const slot of this.#slots) {
      slot.isMoved = false;
      this.#select(slot);
    }
  };

  #slotFor(index: number, { inputWidth }: FieldPlace): Slot {
    const existing = this.#slots[index];
    if (existing !== undefined) return existing;
    const input = new InputRenderable(this.#renderer, {
      position: "absolute",
      zIndex: 1,
      maxLength: MOST_LETTERS,
      onPaste(event) {
        event.preventDefault();
        input.insertText(pastedText(event.bytes));
      },
      // From the start: what is scrolled out of a narrower one stays out.
      width: inputWidth,
    });
    paint(input, this.#theme);
    const slot: Slot = { input, name: undefined, place: "", isMoved: false, selected: undefined };
    input.on(InputRenderableEvents.INPUT, () => {
      if (slot.name !== undefined && !this.#isPlacing) this.#options.onInput(slot.name, input.value);
    });
    // By the mouse.
    input.on(RenderableEvents.FOCUSED, () => {
      if (slot.name !== undefined) this.#options.onFocus(slot.name);
    });
    this.#slots.push(slot);
    this.#renderer.root.add(input);
    return slot;
  }
}

/** What inputs are made with. */
export interface InputsOptions {
  readonly theme: Theme;
  /** The text of a field was changed by typing. */
  onInput(name: string, text: string): void;
  /** A field got the keyboard. */
  onFocus(name: string): void;
}

/** In one line: a list with a target in each line is a list. */
function pastedText(bytes: Uint8Array): string {
  return Bun.stripANSI(new TextDecoder().decode(bytes))
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim();
}

function paint(input: InputRenderable, { looks, background }: Theme): void {
  const { input: look, dim, selected } = looks;
  const bg = look.bg ?? background;
  const text = look.fg === undefined ? RGBA.defaultForeground() : RGBA.fromHex(look.fg);
  const behind = bg === undefined ? RGBA.defaultBackground() : RGBA.fromHex(bg);
  input.textColor = text;
  input.focusedTextColor = text;
  input.backgroundColor = behind;
  input.focusedBackgroundColor = behind;
  input.placeholderColor = dim.fg === undefined ? RGBA.defaultForeground() : RGBA.fromHex(dim.fg);
  if (selected.bg !== undefined) input.selectionBg = selected.bg;
  input.attributes = attributesOf(look);
}

function attributesOf({ bold, underline, inverse }: Look): number {
  return (
    (bold ? TextAttributes.BOLD : 0) |
    (underline ? TextAttributes.UNDERLINE : 0) |
    (inverse ? TextAttributes.INVERSE : 0)
  );
}
