import type { CliRenderer, KeyEvent } from "@opentui/core";
import type { Canvas } from "../draw/canvas.ts";
import type { Theme } from "../draw/theme.ts";
import { type InputPlace, Inputs } from "./inputs.ts";
import { Screen } from "./screen.ts";

/** What a display asks of the program, and tells it. */
export interface DisplayOptions {
  readonly theme: Theme;
  /** Draws what stays from frame to frame until everything is redrawn. */
  drawFrame(canvas: Canvas): void;
  /** Draws the rest, over it, in each frame. */
  drawContent(canvas: Canvas): void;
  /** The mouse is about to do something. */
  onUse(): void;
  /** Drawing or a click failed: the renderer would only log it. */
  onError(error: unknown): void;
  /** The text of a field was changed by typing. */
  onInput(name: string, text: string): void;
  /** A text that was pasted does not fit its field. The message is safe to print. */
  onRefused(message: string): void;
  onKey(event: KeyEvent): void;
  onResize(): void;
}

/** The terminal by way of the renderer: everything of the program that needs it loaded. */
export class Display {
  readonly #renderer: CliRenderer;
  readonly #options: DisplayOptions;
  readonly #screen: Screen;
  readonly #inputs: Inputs;

  /** @param isUtf8 whether the terminal reads UTF-8 */
  constructor(renderer: CliRenderer, options: DisplayOptions, isUtf8: boolean) {
    this.#renderer = renderer;
    this.#options = options;
    this.#screen = new Screen(renderer, options, isUtf8);
    this.#inputs = new Inputs(renderer, options);
    renderer.root.add(this.#screen);
    renderer.keyInput.on("keypress", options.onKey);
    renderer.on("resize", options.onResize);
  }

  get width(): number {
    return this.#renderer.width;
  }

  get height(): number {
    return this.#renderer.height;
  }

  set theme(theme: Theme) {
    this.#screen.theme = theme;
    this.#inputs.theme = theme;
  }

  /** Asks for a frame in which results have changed at most. */
  show(): void {
    this.#screen.requestRender();
  }

  /** Asks for a frame in which everything is redrawn. @param input where one types, if anywhere. */
  showAnew(input: InputPlace | undefined): void {
    this.#inputs.show(input);
    this.#screen.outdate();
    this.show();
  }

  /** Lets go of the renderer, which may be gone already. */
  close(): void {
    this.#renderer.keyInput.off("keypress", this.#options.onKey);
    this.#renderer.off("resize", this.#options.onResize);
  }
}
