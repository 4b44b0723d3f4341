import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { type Diagnosis, remedyText } from "./diagnosis.ts";
import { entryPath } from "./entry.ts";
import { type Host, UsageError } from "./host.ts";
import { fileErrorText, isFileError } from "./input.ts";
import { shellQuoted } from "./text.ts";

const CAPABILITY = "cap_net_raw+ep";
/** Whom root becomes to see whether the capability helps: root has all of them anyway. */
const NOBODY = 65_534;
/** Bytes of Bun copied at a time. */
const COPY_STEP = 1 << 20;

/**
 * Grants CAP_NET_RAW to a Bun, this one or a copy of it, and verifies in a fresh process that it
 * helps.
 *
 * @param copyTo where to put a private copy: a file that does not exist yet, or a folder
 * @returns the path of the Bun that has it now, or undefined when that failed, which was told then
 */
export async function grant(
  host: Host,
  diagnosis: Diagnosis,
  copyTo: string | undefined,
): Promise<string | undefined> {
  const { stdout, stderr } = host;
  const { noNewPrivileges, uid } = diagnosis.process;
  if (diagnosis.obstacle !== null) {
    stderr.write(`icmpx: a capability of a file cannot help: ${diagnosis.obstacle}\n`);
    const [remedy] = diagnosis.remedies;
    if (remedy !== undefined) stderr.write(`This can:\n${remedyText(remedy)}\n`);
    return undefined;
  }
  const bun = diagnosis.bun.path;
  const path = copyTo === undefined ? bun : copyBun(bun, resolve(copyTo));
  stdout.write(`${explanation(path, copyTo !== undefined)}\n\n`);
  const command = [...(uid === 0 ? [] : ["sudo"]), "setcap", CAPABILITY, path];
  stdout.write(`$ ${command.map(shellQuoted).join(" ")}\n`);
  const { code } = await host.execute(command);
  if (code !== 0) {
    const why =
      code === undefined ? `${command[0]} is not installed` : `it ended with code ${code}`;
    stderr.write(
      `icmpx: cannot grant the capability: ${why}. Run this as root:\n  setcap ${CAPABILITY} ${shellQuoted(path)}\n`,
    );
    return undefined;
  }
  if (await verify(host, path, uid === 0)) {
    stdout.write(`Verified: a fresh process of ${path} opens raw sockets.\n`);
    if (copyTo !== undefined)
      stdout.write(
        `Run it so: ${shellQuoted(path)} ${shellQuoted(entryPath())} ping -c 3 127.0.0.1\n`,
      );
    return path;
  }
  const hint = noNewPrivileges
    ? "this process, and all that it starts, may gain no privileges (no_new_privs)"
    : "is it on a file system mounted with nosuid, or in a folder that others may not enter?";
  stderr.write(
    `icmpx: the capability is set, but a fresh process of ${path} opens no raw socket: ${hint}\n`,
  );
  return undefined;
}

/** Copies a Bun to `target`, executable by all and writable by its owner only. */
function copyBun(bun: string, target: string): string {
  const isFolder = existsSync(target) && statSync(target).isDirectory();
  const path = isFolder ? join(target, basename(bun)) : target;
  // What is there may be a program that others run: nobody expects it to gain a privilege.
  if (existsSync(path)) throw new UsageError(`Cannot copy to ${path}: it exists already`);
  try {
    copyInto(path, bun);
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new UsageError(`Cannot copy to ${path}: ${fileErrorText(error)}`);
  }
  return path;
}

/**
 * By descriptor: in a folder that somebody else may write to, the name could soon be that of
 * another file.
 */
function copyInto(path: string, bun: string): void {
  const from = openSync(bun, "r");
  try {
    const to = openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    );
    try {
      const buffer = new Uint8Array(COPY_STEP);
      for (let read = readSync(from, buffer); read > 0; read = readSync(from, buffer)) {
        writeFileSync(to, buffer.subarray(0, read));
      }
      fchmodSync(to, 0o755);
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

function explanation(path: string, isCopy: boolean): string {
  const others = isCopy
    ? "Every other Bun stays as it is. To let only a group run this one: chgrp and chmod 750, then setcap again, as a change of\nowner takes the capability away (chown(2))."
    : "With --copy-to PATH a copy of Bun gets it instead, so that not every script on this host does.";
  return [
    `This grants the capability CAP_NET_RAW (capabilities(7)) to the file`,
    `  ${path}`,
    "Anyone who may run that file can then, with any script, send packets of any kind, forged ones too, and read",
    "all packets that reach this host.",
    others,
    `It ends with \`sudo setcap -r ${shellQuoted(path)}\`, and when the file is replaced, as an upgrade of Bun does.`,
  ].join("\n");
}

/** Whether a fresh process, of somebody without privileges, opens raw sockets. */
async function verify(host: Host, path: string, isRoot: boolean): Promise<boolean> {
  const user = Number(host.env["SUDO_UID"] ?? NOBODY);
  const group = Number(host.env["SUDO_GID"] ?? NOBODY);
  const drop = isRoot
    ? ["setpriv", `--reuid=${user}`, `--regid=${group}`, "--clear-groups", "--"]
    : [];
  const { stdout } = await host.execute([...drop, path, entryPath(), "doctor", "--json"]);
  try {
    const { sockets } = JSON.parse(stdout) as Diagnosis;
    return sockets.some(({ kind, state }) => kind === "raw" && state === "open");
  } catch {
    return false;
  }
}
