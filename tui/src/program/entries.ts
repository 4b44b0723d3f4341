import { sessionMark } from "../draw/marks.ts";
import type { Session } from "../model/session.ts";
import type { NavigationEntry, TabEntry } from "../screen/chrome.ts";
import { isUnderWay, type ViewName, type Workspace } from "./workspace.ts";

/** Letters of a title where there is little room. */
const SHORT = 5;

/** What the navigation shows: the summary, then each tool with what its sessions do. */
export function navigationEntries(
  { decks, view, sessions }: Workspace,
  open: (view: ViewName) => void,
): NavigationEntry[] {
  const entryOf = (title: string, shortTitle: string, name: ViewName, own: readonly Session[]) => ({
    title,
    shortTitle,
    isShown: view === name,
    running: own.filter(isUnderWay).length,
    down: own.filter(({ state, isDown }) => state === "running" && isDown).length,
    open: () => open(name),
  });
  return [
    entryOf("Summary", "All", "summary", sessions),
    ...decks.map(({ tool, tabs }) => {
      const own = tabs.flatMap(({ panel }) => (panel === undefined ? [] : [panel.session]));
      return entryOf(tool.title, tool.title.slice(0, SHORT), tool.kind, own);
    }),
  ];
}

/** The tabs of the tool that is looked at, named after their sessions, or what is typed so far. */
export function tabEntries({ deck }: Workspace, open: (index: number) => void): TabEntry[] {
  const [first] = deck?.tool.fields ?? [];
  return (deck?.tabs ?? []).map(({ panel, values }, index) => {
    const session = panel?.session;
    const typed = first === undefined ? "" : values[first.name];
    return {
      title: session?.title ?? (typed || "new"),
      mark: session === undefined ? undefined : sessionMark(session, session.isDown),
      isShown: index === deck?.active,
      open: () => open(index),
    };
  });
}
