import {
  type CliRenderer,
  InputRenderable,
  InputRenderableEvents,
  RGBA,
  TextAttributes,
} from "@opentui/core";
import type { Look, Theme } from "../draw/theme.ts";
import { FIELD_LIMIT, targetsInLine } from "../model/fields.ts";
import { textWidth } from "../model/fit.ts";
import type { FieldPlace } from "./layout.ts";
import { rgbaOf } from "./screen.ts";

/** What the input is shown for. */
export interface InputPlace {
  readonly place: FieldPlace;
  /** Where the form is on the screen. */
  readonly left: number;
  readonly top: number;
  readonly value: string;
}

/**
 * The text input, laid over the field of the form that has the keyboard. The others are drawn: each
 * input costs in every frame.
 */
export class Inputs {
  readonly #renderer: CliRenderer;
  readonly #options: InputsOptions;
  #theme: Theme;
  #input: InputRenderable | undefined;
  /** The field it stands for, or stood for last. */
  #name: string | undefined;
  /** Where it is, so that it is told of changes only: each one asks for a frame. */
  #where = "";
  /** While its value is set, which it tells of as if that were typed. */
  #isPlacing = false;

  constructor(renderer: CliRenderer, options: InputsOptions) {
    this.#renderer = renderer;
    this.#options = options;
    this.#theme = options.theme;
  }

  set theme(theme: Theme) {
    this.#theme = theme;
    if (this.#input !== undefined) paint(this.#input, theme);
  }

  /** Gives the keyboard to the input of a field, or takes it away. */
  show(shown: InputPlace | undefined): void {
    if (shown === undefined) this.#hide();
    else this.#place(shown);
  }

  #hide(): void {
    const input = this.#input;
    this.#name = undefined;
    if (input === undefined || !input.visible) return;
    input.visible = false;
    input.blur();
  }

  #place({ place: { field, y, inputX, inputWidth }, left, top, value }: InputPlace): void {
    this.#input ??= this.#create(inputWidth);
    const input = this.#input;
    const isOther = field.name !== this.#name;
    const where = [left + inputX, top + y, inputWidth].join();
    if (where !== this.#where) {
      this.#where = where;
      input.left = left + inputX;
      input.top = top + y;
      input.width = inputWidth;
    }
    if (isOther) {
      this.#name = field.name;
      input.placeholder = field.placeholder;
      input.visible = true;
      input.focus();
    }
    if (!isOther && input.value === value) return;
    this.#isPlacing = true;
    input.value = value;
    this.#isPlacing = false;
    // Its beginning is what one wants to read, however narrow it is; what is typed next replaces
    // all, an arrow key keeps it.
    input.gotoLineHome();
    if (value !== "") input.setSelection(0, textWidth(value));
  }

  /** Takes the whole text or nothing: half of an address is another address. */
  #paste(input: InputRenderable, text: string): void {
    const { length } = input.getSelectedText();
    if (input.value.length - length + text.length <= FIELD_LIMIT) {
      input.insertText(text);
      return;
    }
    const limit = FIELD_LIMIT.toLocaleString("en");
    this.#options.onRefused(
      `Cannot paste ${text.length.toLocaleString("en")} characters: a field takes ${limit}. Put a longer list into a file, and enter @file`,
    );
  }

  #create(width: number): InputRenderable {
    const input = new InputRenderable(this.#renderer, {
      position: "absolute",
      zIndex: 1,
      maxLength: FIELD_LIMIT,
      onPaste: (event) => {
        event.preventDefault();
        this.#paste(input, pastedText(event.bytes));
      },
      // From the start: what is scrolled out of a narrower one stays out.
      width,
    });
    paint(input, this.#theme);
    input.on(InputRenderableEvents.INPUT, () => {
      if (this.#name !== undefined && !this.#isPlacing)
        this.#options.onInput(this.#name, input.value);
    });
    this.#renderer.root.add(input);
    return input;
  }
}

/** What the input is made with. */
export interface InputsOptions {
  readonly theme: Theme;
  /** A text does not fit the field. The message is safe to print. */
  onRefused(message: string): void;
  /** The text of a field was changed by typing. */
  onInput(name: string, text: string): void;
}

/** In one line: several lines are a list, which is read as one in a file is. */
function pastedText(bytes: Uint8Array): string {
  const lines = Bun.stripANSI(new TextDecoder().decode(bytes))
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(/\p{Cc}+/gu, " ").trim())
    .filter((line) => line !== "");
  const [line = ""] = lines;
  return lines.length > 1 ? lines.flatMap(targetsInLine).join(" ") : line;
}

function paint(input: InputRenderable, { looks, background }: Theme): void {
  const { input: look, placeholder, selected } = looks;
  const bg = look.bg ?? background;
  const text = look.fg === undefined ? RGBA.defaultForeground() : rgbaOf(look.fg);
  const behind = bg === undefined ? RGBA.defaultBackground() : rgbaOf(bg);
  input.textColor = text;
  input.focusedTextColor = text;
  input.backgroundColor = behind;
  input.focusedBackgroundColor = behind;
  input.placeholderColor =
    placeholder.fg === undefined ? RGBA.defaultForeground() : rgbaOf(placeholder.fg);
  if (selected.bg !== undefined) input.selectionBg = rgbaOf(selected.bg);
  input.attributes = attributesOf(look);
}

function attributesOf({ bold, underline, inverse }: Look): number {
  return (
    (bold ? TextAttributes.BOLD : 0) |
    (underline ? TextAttributes.UNDERLINE : 0) |
    (inverse ? TextAttributes.INVERSE : 0)
  );
}
