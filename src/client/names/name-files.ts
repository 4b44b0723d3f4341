import { canonicalAddress } from "../../packet/address.ts";

/** What a file says, read again when it has changed. */
class ConfigFile<Value> {
  readonly #path: string;
  readonly #parse: (text: string) => Value;
  #read: { readonly version: string; readonly value: Value } | undefined;

  constructor(path: string, parse: (text: string) => Value) {
    this.#path = path;
    this.#parse = parse;
  }

  get value(): Value {
    const fs = process.getBuiltinModule("node:fs");
    let version = "";
    try {
      const { ino, size, mtimeMs, mode } = fs.statSync(this.#path);
      // A pipe in its place would be waited for.
      if ((mode & fs.constants.S_IFMT) === fs.constants.S_IFREG)
        version = [ino, size, mtimeMs].join();
      if (this.#read?.version !== version) {
        const text = version === "" ? "" : fs.readFileSync(this.#path, "utf8");
        this.#read = { version, value: this.#parse(text) };
      }
    } catch {
      // There is no such file, or it may not be read: it says nothing.
      this.#read = { version: "", value: this.#parse("") };
    }
    return this.#read.value;
  }
}

/** The files that say how names are found: hosts(5), resolv.conf(5) and nsswitch.conf(5). */
export class NameFiles {
  readonly #hosts: ConfigFile<ReadonlyMap<string, string>>;
  readonly #servers: ConfigFile<readonly string[]>;
  readonly #usesDns: ConfigFile<boolean>;

  constructor(folder: string) {
    this.#hosts = new ConfigFile(`${folder}/hosts`, parseHosts);
    this.#servers = new ConfigFile(`${folder}/resolv.conf`, parseServers);
    this.#usesDns = new ConfigFile(`${folder}/nsswitch.conf`, parseUsesDns);
  }

  /** The name of an address (canonical, without a zone) in /etc/hosts. */
  hostName(address: string): string | undefined {
    return this.#hosts.value.get(address);
  }

  /**
   * The addresses of the name servers, at most three. Empty where names are not to be asked for by
   * DNS.
   */
  get servers(): readonly string[] {
    return this.#usesDns.value ? this.#servers.value : [];
  }
}

/** As many as the C library asks (MAXNS in resolv.h). */
const MAX_SERVERS = 3;
/** Without a name server in the file, it is this host (resolv.conf(5)). */
const LOCAL_SERVER = "127.0.0.1";

function parseHosts(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const words of linesOf(text)) {
    const [address, name] = words;
    const canonical =
      address === undefined ? undefined : canonicalAddress(address)?.split("%", 1)[0];
    if (canonical !== undefined && name !== undefined && !names.has(canonical))
      names.set(canonical, name);
  }
  return names;
}

function parseServers(text: string): readonly string[] {
  const servers = linesOf(text).flatMap(([keyword, address = ""]) => {
    const server = keyword === "nameserver" ? canonicalAddress(address) : undefined;
    return server === undefined ? [] : [server];
  });
  return servers.length === 0 ? [LOCAL_SERVER] : servers.slice(0, MAX_SERVERS);
}

/**
 * Without a line for hosts, the C library asks files and DNS. `resolve` is systemd-resolved, which
 * answers DNS, too.
 */
function parseUsesDns(text: string): boolean {
  const line = linesOf(text).find(([keyword]) => keyword === "hosts:");
  return line === undefined || line.includes("dns") || line.includes("resolve");
}

/**
 * The words of each line. `#` begins a comment, `;` too in resolv.conf, where alone it can stand.
 */
function linesOf(text: string): string[][] {
  return text.split("\n").map((line) =>
    line
      .replace(/[#;].*/, "")
      .split(/\s+/)
      .filter((word) => word !== ""),
  );
}
