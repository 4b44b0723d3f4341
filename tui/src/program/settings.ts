import { isAbsolute, join } from "node:path";
import { escapeText } from "icmpx/packet";
import { FIELD_LIMIT, type FieldValues } from "../model/fields.ts";
import { OWNED_FILES, type SettingsFiles } from "./owned-files.ts";

/** How settings are kept. */
export interface SettingsOptions {
  /** Where: see `settingsPath`. */
  readonly path: string;
  /** Default: the disk. */
  readonly files?: SettingsFiles;
  /** They cannot be kept: called once, with a message that is safe to print. */
  onProblem(message: string): void;
  /**
   * Calls back in a while, unless what it returns is called before. Default: after half a second.
   */
  readonly schedule?: (callback: () => void) => () => void;
}

/** One entry that was changed: where it is in the document, and what it is now. */
interface Change {
  readonly path: readonly string[];
  readonly value: unknown;
}

type Document = Record<string, unknown>;

/** Enough for a few changes in a row to be written at once. */
const WRITE_AFTER_MS = 500;
const CONTROLS = /\p{Cc}/u;

/**
 * Where settings are kept: `icmpx/tui.json` in `$XDG_CONFIG_HOME`, which counts only if it is
 * absolute (XDG Base Directory Specification 0.8), else in `~/.config`.
 */
export function settingsPath(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  const configured = environment["XDG_CONFIG_HOME"] ?? "";
  const folder = isAbsolute(configured) ? configured : join(home, ".config");
  return join(folder, "icmpx", "tui.json");
}

/**
 * What is kept from one start to the next: theme, view, what the forms held, preferences.
 *
 * 1. Read at once when it is constructed; written half a second after a change, and by `close()`.
 * 2. A file that is missing, unreadable or malformed gives defaults. The latter two give a
 *    `problem`, too, and the file stays as it is until someone has mended it.
 * 3. Writing puts the changed entries into the file as it is by then: keys that are not ours, and
 *    what another running program has changed meanwhile, stay.
 * 4. Only regular files are read and written, and root becomes the owner of the home for that: see
 *    `OWNED_FILES`.
 * 5. A text with control characters, or longer than any form needs, is taken for missing. What
 *    comes from the network is never kept.
 */
export class SettingsStore {
  readonly #options: SettingsOptions;
  readonly #files: SettingsFiles;
  readonly #changes = new Map<string, Change>();
  readonly #document: Document;
  #problem: string | null = null;
  #cancel: (() => void) | undefined;

  constructor(options: SettingsOptions) {
    this.#options = options;
    this.#files = options.files ?? OWNED_FILES;
    this.#document = this.#read() ?? {};
  }

  /** Why the file is not used or not kept, safe to print, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The name of the theme that was chosen. */
  get theme(): string | undefined {
    return textAt(this.#document, ["theme"]);
  }

  set theme(name: string) {
    this.#change(["theme"], name);
  }

  /** The view that was open last. */
  get view(): string | undefined {
    return textAt(this.#document, ["view"]);
  }

  set view(name: string) {
    this.#change(["view"], name);
  }

  /** What the form of a tool held, as far as known. */
  formValues(tool: string): FieldValues {
    const values = recordAt(this.#document, ["forms", tool]);
    const entries = Object.keys(values).map((name) => [name, textAt(values, [name])] as const);
    return Object.fromEntries(
      entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  }

  /** Keeps what the form of a tool holds. */
  setFormValues(tool: string, values: FieldValues): void {
    for (const [name, value] of Object.entries(values)) this.#change(["forms", tool, name], value);
  }

  /** A choice, such as the columns of a table. */
  readPreference(name: string): string | undefined {
    return textAt(this.#document, ["preferences", name]);
  }

  writePreference(name: string, value: string): void {
    this.#change(["preferences", name], value);
  }

  /** Writes what is not written yet. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#changes.size > 0) this.#write();
  }

  #change(path: readonly string[], value: string): void {
    if (textAt(this.#document, path) === value) return;
    put(this.#document, { path, value });
    this.#changes.set(JSON.stringify(path), { path, value });
    this.#cancel ??= (this.#options.schedule ?? soon)(() => {
      this.#cancel = undefined;
      this.#write();
    });
  }

  #write(): void {
    const document = this.#read();
    if (document === undefined) return;
    for (const change of this.#changes.values()) put(document, change);
    try {
      this.#files.replace(this.#options.path, `${JSON.stringify(document, null, 2)}\n`);
      this.#changes.clear();
      this.#problem = null;
    } catch (error) {
      this.#fail("Cannot keep settings", error);
    }
  }

  /** The document as it is on the disk; empty when there is none, undefined when it is unusable. */
  #read(): Document | undefined {
    try {
      const document: unknown = JSON.parse(this.#files.read(this.#options.path) ?? "{}");
      if (!isRecord(document)) throw new SyntaxError("need an object in braces");
      return document;
    } catch (error) {
      const remedy = error instanceof SyntaxError ? ". Mend the file or remove it" : "";
      this.#fail("Cannot use settings", error, remedy);
      return undefined;
    }
  }

  #fail(what: string, error: unknown, remedy = ""): void {
    const isKnown = this.#problem !== null;
    const reason = error instanceof Error ? error.message : String(error);
    this.#problem = escapeText(`${what} in ${this.#options.path}: ${reason}${remedy}`);
    if (!isKnown) this.#options.onProblem(this.#problem);
  }
}

function soon(callback: () => void): () => void {
  const timer = setTimeout(callback, WRITE_AFTER_MS);
  return () => clearTimeout(timer);
}

function isRecord(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordAt(document: Document, path: readonly string[]): Document {
  let record = document;
  for (const name of path) {
    const next = record[name];
    if (!Object.hasOwn(record, name) || !isRecord(next)) return {};
    record = next;
  }
  return record;
}

/** The text there, if it is one that can be shown and typed. */
function textAt(document: Document, path: readonly string[]): string | undefined {
  const name = path.at(-1) ?? "";
  const value = recordAt(document, path.slice(0, -1))[name];
  const isUsable =
    typeof value === "string" && value.length <= FIELD_LIMIT && !CONTROLS.test(value);
  return isUsable ? value : undefined;
}

function put(document: Document, { path, value }: Change): void {
  let record = document;
  for (const name of path.slice(0, -1)) {
    const next = Object.hasOwn(record, name) ? record[name] : undefined;
    const inner: Document = isRecord(next) ? next : {};
    record[name] = inner;
    record = inner;
  }
  record[path.at(-1) ?? ""] = value;
}
