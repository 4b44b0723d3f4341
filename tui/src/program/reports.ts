import { messageOf, type Session } from "../model/session.ts";
import type { Notices } from "../screen/notices.ts";
import { type CopyOutcome, copyNotice } from "./clipboard.ts";

/** Where reports go. */
export interface ReportOutlets {
  /** Puts a text into the clipboard. Never rejects. */
  copyText(text: string): Promise<CopyOutcome>;
  /** Writes a text into a file of its own, and tells where. */
  saveText(name: string, text: string): Promise<string>;
}

/** Hands reports out, and says what became of them. */
export class Reports {
  readonly #outlets: ReportOutlets;
  readonly #notices: Notices;

  constructor(outlets: ReportOutlets, notices: Notices) {
    this.#outlets = outlets;
    this.#notices = notices;
  }

  async save(session: Session | undefined): Promise<void> {
    if (session === undefined) {
      this.#notices.add("warn", "There is no session here to save a report of");
      return;
    }
    try {
      const path = await this.#outlets.saveText(
        `icmpx-${session.kind}-${session.title}`,
        session.report(),
      );
      this.#notices.add("good", `Saved the report in ${path}`);
    } catch (error) {
      this.#notices.add("bad", `Cannot save the report: ${messageOf(error)}`);
    }
  }

  async copy(text: string, what: string): Promise<void> {
    const [role, message] = copyNotice(await this.#outlets.copyText(text), what);
    this.#notices.add(role, message);
  }
}
