import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** What settings need of a file system. */
export interface SettingsFiles {
  /** The text of a file, or null when there is none. Throws when it cannot be read. */
  read(path: string): string | null;
  /** Puts a file there in one step, so that nobody ever finds half of it. Makes its folders. */
  replace(path: string, text: string): void;
}

/** Far more than settings take. */
const SIZE_LIMIT = 1 << 20;
/**
 * Whom files seem to belong to whose owner has no number in this user namespace
 * (user_namespaces(7)).
 */
const UNMAPPED = 65_534;
const UID_MAP = "/proc/self/uid_map";
const READING = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const CREATING = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * The disk, for files that live in somebody's home.
 *
 * 1. Only regular files are read: a FIFO or a device would keep the program waiting.
 * 2. A new file is created under a name that nobody can guess, and then renamed: nothing that is
 *    there already, a link included, is ever written to.
 * 3. Root takes on the identity of the owner of the home for as long as a file takes (`sudo` keeps
 *    HOME on many systems). Whatever that user has put in the way then leads nowhere that the user
 *    could not go anyway, and what is written belongs to the user.
 */
export const OWNED_FILES: SettingsFiles = {
  read: (path) => asOwner(path, () => read(path)),
  replace: (path, text) => asOwner(path, () => replace(path, text)),
};

function read(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, READING);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const found = fstatSync(fd);
    // Reading a folder fails with a reason of its own.
    if (!found.isFile() && !found.isDirectory()) throw new Error("it is not a regular file");
    if (found.size > SIZE_LIMIT) throw new Error(`${found.size} bytes, need at most ${SIZE_LIMIT}`);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function replace(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const target = followed(path);
  const draft = `${target}.${crypto.randomUUID()}.tmp`;
  const fd = openSync(draft, CREATING, 0o600);
  try {
    try {
      writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The file behind a link: people keep their settings in repositories, and link to them. */
function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}

/**
 * Runs `action` with the effective user, group and groups of the owner of the home that `path` is
 * in.
 */
function asOwner<Result>(path: string, action: () => Result): Result {
  const owner = process.geteuid?.() === 0 ? strangerAbove(path) : undefined;
  if (owner === undefined) return action();
  const groups = process.getgroups?.() ?? [];
  const group = process.getegid?.() ?? 0;
  try {
    process.setgroups?.([owner.gid]);
    process.setegid?.(owner.gid);
    process.seteuid?.(owner.uid);
    return action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(group);
    process.setgroups?.(groups);
  }
}

/**
 * The topmost of the folders and links that lead to `path` which is not root's: its owner decides
 * on all below it.
 */
function strangerAbove(path: string): Stats | undefined {
  let real: string | undefined;
  let stranger: Stats | undefined;
  for (let place = path; ; place = dirname(place)) {
    const stats = lstatSync(place, { throwIfNoEntry: false });
    if (stats !== undefined && isStranger(stats)) stranger = stats;
    if (stats !== undefined) real ??= realPath(place);
    if (place === dirname(place)) break;
  }
  return stranger ?? (real === undefined || real === path ? undefined : strangerAbove(real));
}

/** In a user namespace, who has no number there is nobody's: nobody can take on that identity. */
function isStranger({ uid }: Stats): boolean {
  return (
    uid !== 0 &&
    !(uid === UNMAPPED && !/^\s*0\s+0\s+4294967295$/m.test(readFileSync(UID_MAP, "utf8")))
  );
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // A link that leads nowhere; the folder it is in may tell.
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
