import { createReadStream } from "node:fs";
import { type Host, UsageError } from "./host.ts";

/** What reading and copying files fails with. */
export function isFileError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    /^E[A-Z]+$/.test(error.code)
  );
}

/**
 * Why a file could not be used, without Node's own way to say it: `no such file or directory
 * (ENOENT)`.
 */
export function fileErrorText({ message, code }: Error & { readonly code: string }): string {
  // `ENOENT: no such file or directory, open '/nonexistent'`.
  const words = /^E[A-Z]+: (.*?)(?:, \w+(?: '.*)?)?$/s.exec(message)?.[1] ?? message;
  return `${words} (${code})`;
}

/**
 * The bytes of a file, or of standard input (`-`), as they arrive.
 *
 * @throws {UsageError} naming the file and why it cannot be read
 */
export async function* readChunks(
  path: string,
  host: Host,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    // Not Bun.file(): it reads no devices, /dev/null among them (Bun 1.4.5).
    yield* path === "-" ? host.readInput() : (createReadStream(path) as AsyncIterable<Uint8Array>);
  } catch (error) {
    if (!isFileError(error)) throw error;
    const name = path === "-" ? "standard input" : JSON.stringify(path);
    throw new UsageError(`Cannot read ${name}: ${fileErrorText(error)}`);
  }
}
