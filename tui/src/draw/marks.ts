import type { Role } from "../model/role.ts";
import type { Session } from "../model/session.ts";

/** One cell that tells a state, also where there are no colours. */
export interface Mark {
  readonly text: string;
  readonly role: Role;
}

const MARKS = {
  running: { text: "●", role: "good" },
  paused: { text: "‖", role: "warn" },
  finished: { text: "✓", role: "dim" },
  stopped: { text: "■", role: "dim" },
  failed: { text: "✗", role: "bad" },
} as const satisfies Record<Session["state"], Mark>;

/** Something that is measured does not answer. */
export const DOWN: Mark = { text: "▼", role: "bad" };

/** How far a session has come, at a glance. */
export function sessionMark(session: Session, isDown: boolean): Mark {
  return isDown && session.state === "running" ? DOWN : MARKS[session.state];
}
