import { readFileSync } from "node:fs";

/** The renderer cannot be had on this system; the message tells why. */
export class RendererError extends Error {
  override name = "RendererError";

  /** @param cause what was thrown when it was loaded, or begun. */
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What the renderer finds its library for musl by, and nothing sets for it. */
const LIBC_VARIABLE = "OPENTUI_LIBC";

type Renderer = typeof import("@opentui/core");

/**
 * Loads the renderer, which must not be imported before: it then looks for the library of the wrong
 * libc on musl.
 *
 * @param load how; for tests
 * @throws {RendererError}
 */
export async function loadRenderer(
  load: () => Promise<Renderer> = () => import("@opentui/core"),
): Promise<Renderer> {
  try {
    const hasMusl =
      process.platform === "linux" && isMusl(readFileSync("/proc/self/maps", "latin1"));
    if (hasMusl) process.env[LIBC_VARIABLE] ??= "musl";
    return await load();
  } catch (error) {
    throw new RendererError(error);
  }
}

/**
 * Whether a process runs on musl, by the files that it has mapped (proc_pid_maps(5)); not by what
 * lies in `/lib`, where a glibc system may have musl, too.
 */
export function isMusl(maps: string): boolean {
  return maps.includes("/ld-musl-");
}
