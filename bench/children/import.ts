/**
 * Imports a module and says how long that took, in ms, and how many files were read for it.
 * Argument: its path.
 *
 * @module
 */
const before = Object.keys(require.cache).length;
const begun = Bun.nanoseconds();
await import(process.argv[2] ?? "");
const ms = (Bun.nanoseconds() - begun) / 1e6;
console.log(ms, Object.keys(require.cache).length - before);
