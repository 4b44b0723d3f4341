import {
  SIZE_FIELD,
  secondsField,
  TIMEOUT_FIELD,
  TTL_FIELD,
  targetField,
} from "../model/fields.ts";
import type { Tool } from "./panel.ts";

/** Pings one host. */
export const pingTool: Tool = {
  kind: "ping",
  title: "Ping",
  fields: [
    targetField("target", "Target"),
    secondsField({ name: "interval", label: "Interval", initial: "1", least: 0.01, most: 3600 }),
    TIMEOUT_FIELD,
    TTL_FIELD,
    SIZE_FIELD,
  ],
  introduction: [
    "Pings one host: every reply in a log, round-trip times as a graph, losses at once.",
    "Give its name or address.",
  ],
  async begin(values, options, services) {
    // With the library, which the first frame does not wait for.
    const [{ PingSession }, { PingPanel }] = await Promise.all([
      import("../model/ping-session.ts"),
      import("./ping-panel.ts"),
    ]);
    const session = new PingSession(
      {
        target: (values["target"] ?? "").trim(),
        interval: 1000 * Number(values["interval"]),
        timeout: 1000 * Number(values["timeout"]),
        ttl: Number(values["ttl"]),
        size: Number(values["size"]),
      },
      options,
    );
    return new PingPanel(session, services);
  },
};
