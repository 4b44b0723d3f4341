import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The program that package.json names, beside this file: TypeScript in the sources, JavaScript in
 * dist.
 */
export function entryPath(): string {
  return fileURLToPath(new URL(`./icmpx${extname(import.meta.url)}`, import.meta.url));
}
