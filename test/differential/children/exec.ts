/**
 * Runs the command of its arguments to its end, with its own standard output and error, and passes
 * SIGINT on: so that any program can be run where only Bun scripts are started.
 *
 * @module
 */
const child = Bun.spawn(process.argv.slice(2), { stdio: ["ignore", "inherit", "inherit"] });
process.on("SIGINT", () => child.kill("SIGINT"));
process.exitCode = await child.exited;
