import {
  integerField,
  SIZE_FIELD,
  secondsField,
  TIMEOUT_FIELD,
  targetField,
} from "../model/fields.ts";
import type { Tool } from "./panel.ts";

/** Measures every hop on the way to a host, round after round. */
export const mtrTool: Tool = {
  kind: "mtr",
  title: "MTR",
  fields: [
    targetField("target", "Target"),
    secondsField({ name: "interval", label: "Interval", initial: "1", least: 0.05, most: 3600 }),
    integerField({
      name: "maxHops",
      label: "Max hops",
      initial: "30",
      width: 3,
      least: 1,
      most: 255,
    }),
    TIMEOUT_FIELD,
    SIZE_FIELD,
  ],
  introduction: [
    "Probes every router on the way to a host, round after round: where packets are lost, and where time is.",
    "Enter a host and press Enter. Details of a hop: Enter. Columns: o. Pause: p. Report: y.",
  ],
  async begin(values, options, services) {
    // With the library, which the first frame does not wait for.
    const [{ MtrSession }, { MtrPanel }] = await Promise.all([
      import("../model/mtr-session.ts"),
      import("./mtr-panel.ts"),
    ]);
    const number = (name: string): number => Number(values[name]);
    const request = {
      target: (values["target"] ?? "").trim(),
      interval: number("interval") * 1000,
      timeout: number("timeout") * 1000,
      maxHops: number("maxHops"),
      size: number("size"),
    };
    return new MtrPanel(new MtrSession(request, options), services);
  },
};
