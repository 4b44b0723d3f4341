import { type Field, SIZE_FIELD, secondsField, TIMEOUT_FIELD, TTL_FIELD } from "../model/fields.ts";
import { checkTargets, readTargets } from "../model/target-list.ts";
import type { Tool } from "./panel.ts";

/** Probes a second beyond which the screen, not the network, would be the bottleneck. */
const MOST_PER_SECOND = 5000;

const TARGETS: Field = {
  name: "targets",
  label: "Targets",
  unit: "",
  // A row of its own on most screens: lists are long.
  width: 51,
  grows: true,
  initial: "",
  placeholder: "names, addresses, 192.0.2.0/24, 192.0.2.1-9, @file",
  check: checkTargets,
};

/** Pings many hosts side by side. */
export const multipingTool: Tool = {
  kind: "multiping",
  title: "MultiPing",
  fields: [
    TARGETS,
    secondsField({ name: "interval", label: "Interval", initial: "1", least: 0.1, most: 3600 }),
    TIMEOUT_FIELD,
    TTL_FIELD,
    SIZE_FIELD,
  ],
  introduction: [
    "Pings many hosts side by side.",
    "Give their names, addresses, networks (192.0.2.0/24) or ranges (192.0.2.1-9), with spaces or commas between them.",
    "@path is a file of them; a # begins a comment there.",
  ],
  async begin(values, options, services) {
    // With the library, which the first frame does not wait for.
    const [{ MultipingSession }, { MultipingPanel }] = await Promise.all([
      import("../model/multiping-session.ts"),
      import("./multiping-panel.ts"),
    ]);
    const text = values["targets"] ?? "";
    const targets = await readTargets(text);
    const interval = 1000 * Number(values["interval"]);
    checkRate(targets.length, interval);
    const session = new MultipingSession(
      {
        text,
        targets,
        interval,
        timeout: 1000 * Number(values["timeout"]),
        ttl: Number(values["ttl"]),
        size: Number(values["size"]),
      },
      options,
    );
    return new MultipingPanel(session, services);
  },
};

function checkRate(count: number, interval: number): void {
  const perSecond = (1000 * count) / interval;
  if (perSecond <= MOST_PER_SECOND) return;
  const least = Math.ceil((10 * count) / MOST_PER_SECOND) / 10;
  throw new RangeError(
    `${count} targets every ${interval / 1000} s are ${Math.round(perSecond)} probes a second: choose an interval of at least ${least} s`,
  );
}
