import type { Session } from "../model/session.ts";

/** How old this knowledge may be, in milliseconds: asking thousands of targets in each frame would cost. */
const AGE_MS = 1000;

/** In which sessions something does not answer. */
export class DownSessions {
  #down: ReadonlySet<Session> = new Set();
  #atMs = Number.NEGATIVE_INFINITY;

  has(session: Session): boolean {
    return this.#down.has(session);
  }

  /** Looks again, unless it did so lately. */
  refresh(sessions: readonly Session[], nowMs: number): void {
    if (nowMs - this.#atMs < AGE_MS) return;
    this.#atMs = nowMs;
    const isDown = (session: Session): boolean =>
      session.state === "running" && session.targets().some((target) => target.isDown);
    this.#down = new Set(sessions.filter(isDown));
  }
}
