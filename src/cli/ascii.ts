import type { Host, Output } from "./host.ts";

/** What tables are drawn with, in as many columns of the terminal. */
const GLYPHS: Readonly<Record<string, string>> = {
  "│": "|",
  "─": "-",
  "┌": "+",
  "┬": "+",
  "┐": "+",
  "├": "+",
  "┼": "+",
  "┤": "+",
  "└": "+",
  "┴": "+",
  "┘": "+",
  "…": "~",
};

/**
 * Whether the terminal reads UTF-8, as the locale says (locale(7): LC_ALL, LC_CTYPE, LANG, the
 * first that is set). Where none is, as in containers and for cron, it does: hardly a terminal
 * reads anything else today.
 */
export function isUtf8(env: Host["env"]): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value);
  return locale === undefined || /utf-?8/i.test(locale);
}

/** `text` in ASCII, as wide as before: what has no likeness becomes `?`. */
export function toAscii(text: string): string {
  return text.replace(
    /[^\0-\x7f]/gu,
    (character) => GLYPHS[character] ?? "?".repeat(Bun.stringWidth(character)),
  );
}

/**
 * `host` with outputs that write ASCII. In another codeset the bytes of UTF-8 are not only wrong
 * letters: some are controls.
 *
 * @param isStdout false where stdout is for programs, whose formats are UTF-8 in every locale
 */
export function asciiHost(host: Host, isStdout: boolean): Host {
  const stdout = isStdout ? new AsciiOutput(host.stdout) : host.stdout;
  let stderr: Output | undefined;
  return new Proxy(host, {
    get(target, name): unknown {
      if (name === "stdout") return stdout;
      if (name === "stderr") {
        stderr ??= new AsciiOutput(target.stderr);
        return stderr;
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

class AsciiOutput implements Output {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  get isTerminal(): boolean {
    return this.#output.isTerminal;
  }

  get columns(): number | undefined {
    return this.#output.columns;
  }

  get rows(): number | undefined {
    return this.#output.rows;
  }

  get isBusy(): boolean {
    return this.#output.isBusy;
  }

  write(text: string): void {
    this.#output.write(toAscii(text));
  }

  flush(): Promise<void> {
    return this.#output.flush();
  }

  onResize(listener: () => void): () => void {
    return this.#output.onResize(listener);
  }
}
