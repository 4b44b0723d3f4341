import type { Canvas } from "../../tui/src/draw/canvas.ts";
import { EventLog } from "../../tui/src/model/event-log.ts";
import { integerField, secondsField, targetField } from "../../tui/src/model/fields.ts";
import { NO_FIGURES } from "../../tui/src/model/figures.ts";
import { RttHistory } from "../../tui/src/model/rtt-history.ts";
import type {
  Session,
  SessionKind,
  SessionOptions,
  SessionState,
  TargetRow,
} from "../../tui/src/model/session.ts";
import type { Panel, Tool } from "../../tui/src/panels/panel.ts";

/** A session that does what a test says. */
export class FakeSession implements Session {
  readonly id: number;
  readonly kind: SessionKind;
  readonly title: string;
  readonly log: EventLog = new EventLog();
  readonly options: SessionOptions;
  state: SessionState = "running";
  failure: string | null = null;
  isDown = false;

  constructor(kind: SessionKind, title: string, options: SessionOptions) {
    this.kind = kind;
    this.title = title;
    this.options = options;
    this.id = options.id;
  }

  targets(): readonly TargetRow[] {
    const { isDown, title: label } = this;
    const nothing = { address: null, figures: NO_FIGURES, history: new RttHistory(), note: "" };
    return [{ label, isDown, ...nothing }];
  }

  report(): string {
    return `report of ${this.title}`;
  }

  stop(): void {
    if (this.state === "running") this.state = "stopped";
  }
}

/** A tool whose sessions are fakes, kept in `begun`. */
export interface FakeTool extends Tool {
  readonly begun: FakeSession[];
  /** Keys that its panels were given. */
  readonly pressed: string[];
}

/** @param begin what a begin does besides; it may throw. */
export function fakeTool(
  kind: SessionKind,
  title: string,
  begin?: (target: string) => unknown,
): FakeTool {
  const begun: FakeSession[] = [];
  const pressed: string[] = [];
  return {
    kind,
    title,
    begun,
    pressed,
    introduction: [`${title} does it.`, "Type a target and press Enter."],
    fields: [
      targetField("target", "Target"),
      secondsField({ name: "interval", label: "Interval", initial: "1", least: 0.01, most: 3600 }),
      integerField({ name: "ttl", label: "TTL", initial: "64", width: 3, least: 1, most: 255 }),
    ],
    begin(values, options, services) {
      const target = values["target"] ?? "";
      const session = new FakeSession(kind, target, options);
      const panel: Panel = {
        session,
        bindings: [
          { keys: ["p"], label: "p", summary: "pause", run: () => pressed.push("p") },
          {
            keys: ["y"],
            label: "y",
            summary: "copy the report",
            run() {
              pressed.push("y");
              services.copy(session.report(), "the report");
            },
          },
          { keys: ["down", "j"], label: "↓ j", summary: "row down", run: () => pressed.push("j") },
        ],
        draw: (canvas: Canvas) => canvas.text(0, 0, `panel of ${target}`),
      };
      const done = (): Panel => {
        begun.push(session);
        return panel;
      };
      const waiting = begin?.(target);
      return waiting instanceof Promise ? waiting.then(done) : done();
    },
  };
}
