/**
 * Draws `docs/house.svg`, the picture in ARCHITECTURE.md, and prints every arrow.
 *
 * @module
 */
import { join } from "node:path";
import { readSources } from "../test/support/layers.ts";
import { drawHouse, listArrows } from "./support/house.ts";

const ROOT = join(import.meta.dir, "..");
const sources = await readSources(ROOT, "{src,examples,tui}/**/*.ts");
await Bun.write(join(ROOT, "docs/house.svg"), drawHouse(sources));
for (const line of listArrows(sources)) console.log(line);
