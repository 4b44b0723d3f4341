import type { EventLog } from "../../tui/src/model/event-log.ts";
import { pingTool } from "../../tui/src/panels/ping.ts";
import { PingPanel } from "../../tui/src/panels/ping-panel.ts";
import { type Scene, scene } from "../client/support.ts";
import { echoReply, type FakeArrival, type FakeProbe } from "../support/fake-network.ts";
import type { FakePlatformOptions } from "../support/fake-platform.ts";
import { Grid } from "./grid.ts";

/**
 * What the `turn`-th probe (from 1 on) is answered: milliseconds, null for a loss, or anything
 * else.
 */
type Answer = (turn: number, probe: FakeProbe) => number | null | readonly FakeArrival[];

/** How a ping is staged. */
export interface PingSceneOptions
  extends Pick<
    FakePlatformOptions,
    "hosts" | "allowRaw" | "allowDatagram" | "queueLimit" | "wakeDelayMs"
  > {
  /** Default: 5 ms. */
  readonly answer?: Answer;
  /** The form, as far as it differs from what it holds at first. */
  readonly form?: Readonly<Record<string, string>>;
  readonly preferences?: Readonly<Record<string, string>>;
}

/** A ping in a world where nothing is real. It begins at midnight. */
export interface PingScene extends Scene {
  readonly panel: PingPanel;
  readonly session: PingPanel["session"];
  readonly copied: string[];
  readonly preferences: Record<string, string>;
  readonly failures: string[];
  /** How often something changed. */
  changes(): number;
  draw(width: number, height: number): Grid;
  press(...keys: readonly string[]): void;
}

/** Begins a ping as a form does. */
export async function pingScene(
  target: string,
  options: PingSceneOptions = {},
): Promise<PingScene> {
  const { answer = () => 5, form = {}, preferences: kept, ...platform } = options;
  let turn = 0;
  const setting = scene({
    ...platform,
    network: (probe) => {
      turn += 1;
      const arrivals = answer(turn, probe);
      if (arrivals === null) return [];
      return typeof arrivals === "number" ? [echoReply(probe, { delayMs: arrivals })] : arrivals;
    },
  });
  const copied: string[] = [];
  const failures: string[] = [];
  const preferences: Record<string, string> = { ...kept };
  let changes = 0;
  const onChange = (): void => {
    changes += 1;
  };
  const initial = Object.fromEntries(pingTool.fields.map((field) => [field.name, field.initial]));
  const panel = await pingTool.begin(
    { ...initial, target, ...form },
    {
      id: 7,
      client: setting.client,
      now: () => setting.clock.epochMs + setting.nowMs(),
      onChange,
      onFailure: (message) => failures.push(message),
    },
    {
      notify() {},
      copy: (text) => copied.push(text),
      redraw: onChange,
      readPreference: (name) => preferences[name],
      writePreference(name, value) {
        preferences[name] = value;
      },
    },
  );
  if (!(panel instanceof PingPanel)) throw new Error("Another panel than that of a ping");
  return {
    ...setting,
    panel,
    session: panel.session,
    copied,
    failures,
    preferences,
    changes: () => changes,
    draw: (width, height) => new Grid(width, height, (canvas) => panel.draw(canvas)),
    press(...keys) {
      for (const key of keys) {
        const binding = panel.bindings.find((each) => each.keys.includes(key));
        if (binding === undefined) throw new Error(`No binding for ${key}`);
        binding.run();
      }
    },
  };
}

/** The lines of a log from the oldest on, each with its role, without times. */
export function logLines(log: EventLog): string[] {
  return Array.from({ length: log.length }, (_, index) => {
    const entry = log.fromEnd(log.length - 1 - index);
    return `${entry?.role}: ${entry?.text.trim().replace(/ {2,}/g, "  ")}`;
  });
}
