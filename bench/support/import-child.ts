/**
 * Imports a module and says how long that took, in ms. Argument: its path.
 *
 * @module
 */
const begun = Bun.nanoseconds();
await import(process.argv[2] ?? "");
console.log((Bun.nanoseconds() - begun) / 1e6);
