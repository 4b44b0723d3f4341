import type { EventLog } from "../../tui/src/model/event-log.ts";
import { multipingTool } from "../../tui/src/panels/multiping.ts";
import { MultipingPanel } from "../../tui/src/panels/multiping-panel.ts";
import type { Services } from "../../tui/src/panels/panel.ts";
import { type Scene, scene } from "../client/support.ts";
import type { FakeArrival, FakeProbe } from "../support/fake-network.ts";
import { echoReply } from "../support/fake-network.ts";
import type { FakePlatformOptions } from "../support/fake-platform.ts";
import { Grid } from "./grid.ts";

/**
 * What the `turn`-th probe (from 1 on) to an address is answered: milliseconds, null for a loss, or
 * anything else.
 */
type Answer = (probe: FakeProbe, turn: number) => number | null | readonly FakeArrival[];

/** How a multiping is staged. */
export interface MultipingSceneOptions
  extends Pick<FakePlatformOptions, "hosts" | "allowRaw" | "allowDatagram"> {
  /** By address; others answer after 5 ms. */
  readonly answers?: Readonly<Record<string, Answer>>;
  /** The form, as far as it differs from an interval of 1 s and a timeout of half of that. */
  readonly form?: Readonly<Record<string, string>>;
  readonly preferences?: Readonly<Record<string, string>>;
}

/** A multiping in a world where nothing is real. */
export interface MultipingScene extends Scene {
  readonly panel: MultipingPanel;
  readonly session: MultipingPanel["session"];
  readonly copied: string[];
  readonly preferences: Record<string, string>;
  readonly failures: string[];
  /** How often something changed. */
  changes(): number;
  draw(width: number, height: number): Grid;
  press(...keys: readonly string[]): void;
}

/** Begins a multiping of what a form says. */
export async function multipingScene(
  targets: string,
  options: MultipingSceneOptions = {},
): Promise<MultipingScene> {
  const { answers = {}, form = {}, ...platform } = options;
  const turns = new Map<string, number>();
  const setting = scene({
    ...platform,
    network: (probe) => {
      const turn = (turns.get(probe.destination) ?? 0) + 1;
      turns.set(probe.destination, turn);
      const answer = answers[probe.destination]?.(probe, turn);
      if (answer === null) return [];
      if (typeof answer === "object") return answer;
      return [echoReply(probe, { delayMs: answer ?? 5 })];
    },
  });
  const copied: string[] = [];
  const failures: string[] = [];
  const preferences: Record<string, string> = { ...options.preferences };
  let changes = 0;
  const services: Services = {
    notify() {},
    copy: (text) => copied.push(text),
    redraw() {
      changes += 1;
    },
    readPreference: (name) => preferences[name],
    writePreference(name, value) {
      preferences[name] = value;
    },
  };
  const panel = await multipingTool.begin(
    { targets, interval: "1", timeout: "0.5", ttl: "64", size: "56", ...form },
    {
      id: 7,
      client: setting.client,
      now: () => setting.clock.epochMs + setting.clock.realtimeNs() / 1e6,
      onChange: () => {
        changes += 1;
      },
      onFailure: (message) => failures.push(message),
    },
    services,
  );
  if (!(panel instanceof MultipingPanel)) throw new Error("Another panel than that of a multiping");
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
