/**
 * Takes the pictures of the terminal UI in `docs/screens/`: the real program on a real terminal, in
 * a network namespace with a simulated internet. Wants root: `bun scripts/screens.ts [folder]`. In
 * a folder of one's own it leaves all views in all sizes, as text as well.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { domainToASCII } from "node:url";
import { openLab } from "../test/lab/open-lab.ts";
import type { Effect, Node, Scenario } from "../test/lab/scenario.ts";
import { Pty } from "../test/tui/pty/pty.ts";
import { screenSvg } from "./support/screen-svg.ts";

const DOCS = resolve(import.meta.dir, "../docs/screens");
/** What docs/tui.md shows. */
const SHOWN: ReadonlySet<string> = new Set([
  "ping",
  "multiping",
  "traceroute",
  "mtr",
  "mtr-detail",
  "summary",
  "mtr-80x24",
  "mtr-40x12",
]);
const PROGRAM = resolve(import.meta.dir, "../tui/src/icmpx-tui.ts");
/** Seconds for which the sessions run before the pictures are taken. */
const RUN_S = Number(process.env["SCREENS_SECONDS"] ?? 45);

/**
 * What the hosts of the tour are called, by the last number of their addresses. All of them are RFC
 * 5737's, for documents.
 */
const NAMES: Readonly<Record<string, string>> = {
  "192.0.2.1": "gateway.home.example",
  "198.51.100.1": "bras3.isp.example",
  "198.51.100.9": "core1.isp.example",
  "203.0.113.5": "ae1.fra2.transit.example",
  "203.0.113.6": "ae2.fra2.transit.example",
  "203.0.113.33": "ix-peer.ams1.example",
  "203.0.113.65": "edge4.ams1.cdn.example",
  "203.0.113.80": "www.example.net",
  "203.0.113.81": "api.example.net",
  "203.0.113.82": "backup.example.net",
  "203.0.113.83": "例え.example.net",
};

const TOUR: Scenario = {
  name: "tour",
  about:
    "A path as people meet it: labels, two branches, a silent router, a slow and a lossy host.",
  nodes: {
    gateway: router("192.0.2.1", 0.3),
    bras: { ...router("198.51.100.1", 2.4), jitter: { exponential: 0.5 } },
    core: {
      ...router("198.51.100.9", 0.9),
      extensions: {
        form: "proper",
        objects: [
          {
            kind: "mpls",
            labels: [{ label: 24_117, trafficClass: 0, bottomOfStack: true, ttl: 1 }],
          },
        ],
      },
    },
    left: router("203.0.113.5", 3.1),
    right: router("203.0.113.6", 4.4),
    hidden: { ...router("203.0.113.17", 0.8), silent: true },
    exchange: { ...router("203.0.113.33", 1.2), rateLimit: { perSecond: 3, burst: 2 } },
    edge: router("203.0.113.65", 0.7),
    www: { ...router("203.0.113.80", 0.5), effects: [lossy(0.02)], jitter: { exponential: 0.6 } },
    api: { ...router("203.0.113.81", 1.1), jitter: { uniform: 1.5 } },
    backup: { ...router("203.0.113.82", 18), effects: [outages()], jitter: { exponential: 4 } },
    wide: router("203.0.113.83", 0.4),
  },
  routes: ["www", "api", "backup", "wide"].map((to) => ({
    to,
    via: [
      "gateway",
      "bras",
      "core",
      { balance: "packet", branches: [["left"], ["right"]] },
      "hidden",
      "exchange",
      "edge",
    ],
  })),
  runs: [],
};

function router(address: string, delay: number): Node {
  const last = Number(address.split(".").at(-1));
  const net = Number(address.split(".")[0]);
  return { address: { 4: address, 6: `2001:db8:${net}::${last}` }, delay };
}

function lossy(probability: number): Effect {
  return { on: "there", pick: { random: probability }, action: { kind: "drop" } };
}

function outages(): Effect {
  return { on: "there", pick: { bursts: { enter: 0.03, leave: 0.2 } }, action: { kind: "drop" } };
}

async function main(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const home = mkdtempSync(join(tmpdir(), "icmpx-screens-"));
  try {
    await Bun.write(join(home, "hosts"), await hostsFile());
    const settings = {
      forms: {
        ping: { interval: "0.2" },
        multiping: { interval: "0.5" },
        mtr: { interval: "0.5" },
      },
    };
    await Bun.write(join(home, "icmpx", "tui.json"), JSON.stringify(settings));
    await using lab = await openLab(TOUR);
    // Names come from a file of their own: nobody answers DNS in there.
    const command = `mount --bind ${home}/hosts /etc/hosts && exec ${process.execPath} ${PROGRAM} ping www.example.net`;
    const enter = ["nsenter", "-t", String(lab.pid), "-n", "unshare", "-m", "sh", "-c", command];
    const env = { XDG_CONFIG_HOME: home, HOME: home };
    await using pty = new Pty(enter, { columns: 120, rows: 34, env });
    await takeAll(pty, folder);
    pty.type("q");
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function takeAll(pty: Pty, folder: string): Promise<void> {
  const take = async (name: string, title: string): Promise<void> => {
    await Bun.sleep(400);
    if (folder === DOCS && !SHOWN.has(name)) return;
    await Bun.write(join(folder, `${name}.svg`), screenSvg(pty.screen, title));
    if (folder !== DOCS) await Bun.write(join(folder, `${name}.txt`), `${pty.text}\n`);
    console.log(`${name}: ${title}`);
  };
  const begin = async (view: string, targets: string): Promise<void> => {
    pty.type(view);
    await Bun.sleep(300);
    pty.type(`${targets}\r`);
    await Bun.sleep(300);
  };
  await pty.until(() => pty.text.includes("www.example.net"));
  await begin(
    "3",
    "www.example.net, api.example.net, backup.example.net, 例え.example.net, 203.0.113.80/30, gone.example.net",
  );
  await begin("5", "www.example.net");
  pty.type("2t");
  await Bun.sleep(300);
  pty.type("backup.example.net\r");
  await begin("4", "www.example.net");
  await Bun.sleep(RUN_S * 1000);
  pty.type("2[");
  await take("ping", "Ping: figures, graph and log of one target");
  pty.type("3");
  await take("multiping", "MultiPing: a row for each target");
  pty.type("4");
  await take("traceroute", "Traceroute: hops as they answer");
  pty.type("5");
  await take("mtr", "MTR: rounds per hop");
  pty.type("gjjj\r");
  await take("mtr-detail", "MTR: everything about one hop");
  pty.type("\x1b");
  await Bun.sleep(300);
  pty.type("1");
  await take("summary", "Summary: all targets of all sessions");
  pty.type("?");
  await take("help", "Help: every key");
  pty.type("\x1b");
  await Bun.sleep(300);
  for (const [columns, rows] of [
    [80, 24],
    [40, 12],
  ] as const) {
    pty.resize(columns, rows);
    for (const [key, name] of ["summary", "ping", "multiping", "traceroute", "mtr"].map(
      (name, index) => [index + 1, name] as const,
    )) {
      pty.type(String(key));
      await take(`${name}-${columns}x${rows}`, `${name} on a small terminal`);
    }
  }
}

async function hostsFile(): Promise<string> {
  const own = await Bun.file("/etc/hosts").text();
  const lines = Object.entries(NAMES).map(([address, name]) => `${address} ${domainToASCII(name)}`);
  return [own.trimEnd(), ...lines, ""].join("\n");
}

await main(resolve(process.argv[2] ?? DOCS));
