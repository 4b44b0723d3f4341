import type { Client } from "icmpx";
import { checkFields, type FieldValues } from "../model/fields.ts";
import { messageOf, type Session, type SessionKind } from "../model/session.ts";
import type { Panel, Services, Tool } from "../panels/panel.ts";

/** What the navigation leads to. */
export type ViewName = "summary" | SessionKind;

/** One form, and the session that was begun with it. */
export interface Tab {
  /** The texts of the form as they are now, which may differ from what runs. */
  values: FieldValues;
  panel: Panel | undefined;
  /** Whether a session is about to begin. */
  isBeginning: boolean;
  /** Takes away the message that tells why the form was refused. */
  dismiss: (() => void) | undefined;
}

/** The tabs of one tool. */
export interface Deck {
  readonly tool: Tool;
  /** At least one. */
  readonly tabs: Tab[];
  /** The index of the tab that is shown. */
  active: number;
}

/** What a workspace is made with. */
export interface WorkspaceOptions {
  /** The client that all sessions probe with. */
  client(): Promise<Client>;
  readonly tools: readonly Tool[];
  readonly services: Services;
  /** The form of each tool as it was left the last time. */
  readonly initialValues: Readonly<Partial<Record<SessionKind, FieldValues>>>;
  now(): number;
  /**
   * Something other than results has changed: what there is, what is looked at, or how a session is
   * doing.
   */
  onChange(): void;
  /** The session of a tab has new results. Called often. */
  onResults(tab: Tab): void;
  /** The values of a form were used to begin a session: worth keeping. */
  onValues(kind: SessionKind, values: FieldValues): void;
  /** Shows why a session cannot begin with the form of a tab, and returns what takes that away. */
  refuse(tab: Tab, message: string): () => void;
}

/** All sessions, and which of them is looked at. Knows nothing of screens. */
export class Workspace {
  readonly decks: readonly Deck[];
  readonly #options: WorkspaceOptions;
  #view: ViewName = "ping";
  /** The form that was checked last. */
  #checked:
    | {
        readonly deck: Deck;
        readonly values: FieldValues;
        readonly problems: ReadonlyMap<string, string>;
      }
    | undefined;
  #nextId = 1;

  constructor(options: WorkspaceOptions) {
    this.#options = options;
    this.decks = options.tools.map((tool) => ({
      tool,
      tabs: [emptyTab(tool, options.initialValues[tool.kind])],
      active: 0,
    }));
  }

  get view(): ViewName {
    return this.#view;
  }

  /** The tabs that are looked at; undefined in the summary. */
  get deck(): Deck | undefined {
    return this.decks.find(({ tool }) => tool.kind === this.#view);
  }

  /** The tab that is looked at; undefined in the summary. */
  get tab(): Tab | undefined {
    const { deck } = this;
    return deck?.tabs[deck.active];
  }

  /** The sessions of all tools, in the order in which they were begun. */
  get sessions(): readonly Session[] {
    const sessions = this.decks.flatMap(({ tabs }) =>
      tabs.flatMap(({ panel }) => (panel === undefined ? [] : [panel.session])),
    );
    return sessions.sort((a, b) => a.id - b.id);
  }

  show(view: ViewName): void {
    this.#view = view;
    this.#options.onChange();
  }

  /** Looks at the tab of a session, wherever it is. */
  open(session: Session): void {
    for (const deck of this.decks) {
      const index = deck.tabs.findIndex(({ panel }) => panel?.session === session);
      if (index < 0) continue;
      deck.active = index;
      this.show(deck.tool.kind);
    }
  }

  showTab(index: number): void {
    const { deck } = this;
    if (deck === undefined) return;
    const count = deck.tabs.length;
    deck.active = ((index % count) + count) % count;
    this.#options.onChange();
  }

  /** Adds a tab with the values of the one that is shown, except for what it probes. */
  addTab(): void {
    const { deck, tab } = this;
    if (deck === undefined || tab === undefined) return;
    const [first] = deck.tool.fields;
    const values =
      first === undefined ? tab.values : { ...tab.values, [first.name]: first.initial };
    deck.tabs.push(emptyTab(deck.tool, values));
    deck.active = deck.tabs.length - 1;
    this.#options.onChange();
  }

  /**
   * Stops the session of the tab that is shown and takes the tab away. The last one is emptied
   * instead.
   */
  closeTab(): void {
    const { deck, tab } = this;
    if (deck === undefined || tab === undefined) return;
    tab.panel?.session.stop();
    deck.tabs.splice(deck.active, 1);
    if (deck.tabs.length === 0) deck.tabs.push(emptyTab(deck.tool, tab.values));
    deck.active = Math.min(deck.active, deck.tabs.length - 1);
    this.#options.onChange();
  }

  setValue(name: string, text: string): void {
    const { tab } = this;
    if (tab === undefined || tab.values[name] === text) return;
    tab.values = { ...tab.values, [name]: text };
    dismissRefusal(tab);
    this.#options.onChange();
  }

  /** What is wrong with the form that is shown, by the names of the fields. */
  problems(): ReadonlyMap<string, string> {
    const { deck, tab } = this;
    if (deck === undefined || tab === undefined) return new Map();
    const { values } = tab;
    // Asked for several times in each frame, and a list of targets may be long.
    if (this.#checked?.values !== values || this.#checked.deck !== deck) {
      this.#checked = { deck, values, problems: checkFields(deck.tool.fields, values) };
    }
    return this.#checked.problems;
  }

  /** Whether the session that is shown can be stopped. */
  get isRunning(): boolean {
    return isUnderWay(this.tab?.panel?.session);
  }

  /**
   * Begins a session with the form that is shown, in place of the one before. Returns the first
   * field that is wrong, if one is.
   */
  start(): string | undefined {
    const { deck, tab } = this;
    if (deck === undefined || tab === undefined || tab.isBeginning) return undefined;
    const [problem] = this.problems();
    if (problem !== undefined) {
      const [field, message] = problem;
      tab.dismiss = this.#options.refuse(tab, message);
      return field;
    }
    dismissRefusal(tab);
    void this.#begin(deck.tool, tab);
    return undefined;
  }

  stop(): void {
    this.tab?.panel?.session.stop();
    this.#options.onChange();
  }

  /** Stops everything. */
  close(): void {
    for (const session of this.sessions) session.stop();
  }

  async #begin(tool: Tool, tab: Tab): Promise<void> {
    const { services, now, onChange, onResults, onValues } = this.#options;
    const { values } = tab;
    const id = this.#nextId;
    this.#nextId += 1;
    const failure = (message: string): string => `${tool.title}: ${message}`;
    tab.isBeginning = true;
    onChange();
    try {
      const client = await this.#options.client();
      let panel: Panel | undefined;
      let shown: Pick<Session, "state" | "isDown"> | undefined;
      const onSession = (): void => {
        const session = panel?.session;
        const isNews =
          session === undefined ||
          session.state !== shown?.state ||
          session.isDown !== shown.isDown;
        if (isNews) {
          shown = session && { state: session.state, isDown: session.isDown };
          onChange();
        } else onResults(tab);
      };
      const onFailure = (message: string): void => services.notify("bad", failure(message));
      const options = { id, client, now, onChange: onSession, onFailure };
      panel = await tool.begin(values, options, services);
      tab.panel?.session.stop();
      tab.panel = panel;
      // It was closed while its session was about to begin.
      if (!this.decks.some(({ tabs }) => tabs.includes(tab))) panel.session.stop();
      onValues(tool.kind, values);
    } catch (error) {
      tab.dismiss = this.#options.refuse(tab, failure(messageOf(error)));
    } finally {
      tab.isBeginning = false;
      onChange();
    }
  }
}

/** Whether a session goes on by itself or may go on. */
export function isUnderWay(session: Session | undefined): boolean {
  return session?.state === "running" || session?.state === "paused";
}

function emptyTab({ fields }: Tool, values: FieldValues = {}): Tab {
  const known = fields.map(({ name, initial }) => [name, values[name] ?? initial] as const);
  return {
    values: Object.fromEntries(known),
    panel: undefined,
    isBeginning: false,
    dismiss: undefined,
  };
}

function dismissRefusal(tab: Tab): void {
  tab.dismiss?.();
  tab.dismiss = undefined;
}
