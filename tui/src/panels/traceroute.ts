import { integerField, TIMEOUT_FIELD, targetField } from "../model/fields.ts";
import type { Tool } from "./panel.ts";

/** Finds the routers on the way to a host. */
export const tracerouteTool: Tool = {
  kind: "traceroute",
  title: "Traceroute",
  fields: [
    targetField("target", "Target"),
    integerField({
      name: "maxHops",
      label: "Max hops",
      initial: "30",
      width: 3,
      least: 1,
      most: 255,
    }),
    integerField({ name: "probes", label: "Probes", initial: "3", width: 2, least: 1, most: 10 }),
    TIMEOUT_FIELD,
    integerField({
      name: "firstTtl",
      label: "First TTL",
      initial: "1",
      width: 3,
      least: 1,
      most: 255,
    }),
  ],
  introduction: [
    "Finds the routers on the way to a host, many at once: hops appear as they answer, their names as they are known.",
    "Enter a host and press Enter. Details of a hop: Enter. Report: y.",
  ],
  async begin(values, options, services) {
    // With the library, which the first frame does not wait for.
    const [{ TracerouteSession }, { TraceroutePanel }] = await Promise.all([
      import("../model/traceroute-session.ts"),
      import("./traceroute-panel.ts"),
    ]);
    const request = {
      target: (values["target"] ?? "").trim(),
      maxHops: Number(values["maxHops"]),
      probes: Number(values["probes"]),
      timeout: Number(values["timeout"]) * 1000,
      firstTtl: Number(values["firstTtl"]),
    };
    if (request.firstTtl > request.maxHops) {
      throw new RangeError(
        `First TTL is ${request.firstTtl}: need at most Max hops (${request.maxHops})`,
      );
    }
    return new TraceroutePanel(new TracerouteSession(request, options), services);
  },
};
