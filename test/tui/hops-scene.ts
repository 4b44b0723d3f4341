import type { EventLog } from "../../tui/src/model/event-log.ts";
import type { MtrSession } from "../../tui/src/model/mtr-session.ts";
import type { TracerouteSession } from "../../tui/src/model/traceroute-session.ts";
import { mtrTool } from "../../tui/src/panels/mtr.ts";
import type { Panel, Services, Tool } from "../../tui/src/panels/panel.ts";
import { tracerouteTool } from "../../tui/src/panels/traceroute.ts";
import { type Scene, scene } from "../client/support.ts";
import { timeExceeded } from "../support/fake-network.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import type { FakePlatformOptions } from "../support/fake-platform.ts";
import { fromHex } from "../support/hex.ts";
import { Grid } from "./grid.ts";

export const TARGET = "198.51.100.1";

/** How an mtr or a traceroute is staged. */
export interface HopsSceneOptions extends FakePlatformOptions {
  readonly target?: string;
  /** The form, as far as it differs from the initial one. */
  readonly form?: Readonly<Record<string, string>>;
  readonly preferences?: Readonly<Record<string, string>>;
}

/** A session and its panel in a world where nothing is real. */
export interface HopsScene<S> extends Scene {
  readonly panel: Panel;
  readonly session: S;
  readonly copied: string[];
  readonly preferences: Record<string, string>;
  readonly failures: string[];
  /** How often something changed. */
  changes(): number;
  draw(width: number, height: number): Grid;
  press(...keys: readonly string[]): void;
  /** Keys that do something now. */
  keys(): string[];
}

/** Begins an mtr with a form of a target and what `options` say. */
export function mtrScene(options: HopsSceneOptions = {}): Promise<HopsScene<MtrSession>> {
  return hopsScene<MtrSession>(mtrTool, options);
}

/** Begins a traceroute with a form of a target and what `options` say. */
export function tracerouteScene(
  options: HopsSceneOptions = {},
): Promise<HopsScene<TracerouteSession>> {
  return hopsScene<TracerouteSession>(tracerouteTool, options);
}

const [R1 = "", R2 = "", , R4 = "", R5 = ""] = routers(5);
/** One MPLS label stack entry (RFC 4950): label 16001, bottom of stack, TTL 1; checksum by hand. */
const LABEL = fromHex("2000 ca0d 0008 01 01 03e81101");

/**
 * An mtr to a lossy target by a router that balances, a silent one, one with a rate limit, and one
 * with labels.
 */
export async function busyMtrScene(rounds = 60): Promise<HopsScene<MtrSession>> {
  const path = new FakePath(
    R1,
    { from: [R2, "10.0.2.5"], delays: [[2.1], [2.2], [2.6]] },
    null,
    { from: R4, delays: [[8], [], [9], [8.4]] },
    R5,
    { delays: [[15.2], [15.5], [16], [15.1], [15.9], [22], [15.2], []] },
  );
  const setting = await mtrScene({
    network: (probe) => {
      return probe.ttl === 5
        ? [timeExceeded(probe, { from: R5, delayMs: 12.3, ttl: 251, extensions: LABEL })]
        : path.network(probe);
    },
  });
  await setting.clock.advance(500);
  await setting.dns.answer(R1, "gateway.example");
  await setting.dns.answer(R4, "core4.paris.isp.example.net");
  await setting.clock.advance(rounds * 1000 - 800);
  return setting;
}

async function hopsScene<S>(tool: Tool, options: HopsSceneOptions): Promise<HopsScene<S>> {
  const { target = TARGET, form = {}, preferences: kept = {}, ...platform } = options;
  const setting = scene(platform);
  const copied: string[] = [];
  const failures: string[] = [];
  const preferences: Record<string, string> = { ...kept };
  let changes = 0;
  const services: Services = {
    notify: () => {},
    copy: (text) => void copied.push(text),
    redraw: () => {},
    readPreference: (name) => preferences[name],
    writePreference: (name, value) => {
      preferences[name] = value;
    },
  };
  const initial = Object.fromEntries(tool.fields.map((field) => [field.name, field.initial]));
  const panel = await tool.begin(
    { ...initial, target, ...form },
    {
      id: 1,
      client: setting.client,
      now: () => setting.clock.epochMs + setting.nowMs(),
      onChange: () => {
        changes += 1;
      },
      onFailure: (message) => void failures.push(message),
    },
    services,
  );
  const draw = (width: number, height: number): Grid =>
    new Grid(width, height, (canvas) => panel.draw(canvas));
  return {
    ...setting,
    panel,
    session: panel.session as S,
    copied,
    preferences,
    failures,
    changes: () => changes,
    draw,
    press(...keys) {
      for (const key of keys) {
        // Nobody presses keys before he sees something.
        draw(80, 24);
        const binding = panel.bindings.find((each) => each.keys.includes(key));
        if (binding === undefined) throw new Error(`The key ${key} does nothing`);
        binding.run();
      }
    },
    keys: () => panel.bindings.flatMap(({ keys }) => keys),
  };
}

/** The lines of a log, the oldest first, each with its role. */
export function logLines(log: EventLog): string[] {
  return Array.from({ length: log.length }, (_, index) => {
    const entry = log.fromEnd(log.length - 1 - index);
    return `${entry?.role}: ${entry?.text}`;
  });
}

/** The screen as a text that a snapshot shows well. */
export function screenText(
  setting: Pick<HopsScene<unknown>, "draw">,
  width: number,
  height: number,
): string {
  return `\n${setting.draw(width, height).text}\n`;
}
