/**
 * The structure of the sources as one picture, drawn from their imports.
 *
 * @module
 */
import { listImports, ROOMS, roomOf, type Sources } from "../../test/support/layers.ts";

/** A box of the picture: a file or a folder that people talk of as one thing. */
interface Box {
  readonly name: string;
  /** What it is, in a few words. */
  readonly what: string;
  readonly contains: (path: string) => boolean;
}

const folder = (path: string, what: string): Box => ({
  name: path.replace(/^src\//, "").replace(/\/src\/$/, "/"),
  what,
  contains: (each) => each.startsWith(path),
});

const file = (path: string, what: string): Box => ({
  name: path.replace(/^src\//, ""),
  what,
  contains: (each) => each === path,
});

/** Every source belongs to the first of these that contains it. */
const BOXES: readonly Box[] = [
  folder("src/cli/", "the command"),
  folder("tui/src/", "the terminal UI"),
  folder("examples/", "programs to copy"),
  {
    name: "index.ts, format.ts",
    what: "the public API",
    contains: (path) => path === "src/index.ts" || path === "src/format.ts",
  },
  ...ROOMS.map(({ name, what }) => ({
    name: name === "client" ? "client.ts" : `${name}/`,
    what,
    contains: (path: string) => roomOf(path)?.name === name,
  })),
  folder("src/ffi/", "libc"),
  folder("src/packet/", "bytes to objects and back"),
  file("src/errors.ts", "every error class"),
];

/** What people's programs import by name. */
const PUBLISHED: Readonly<Record<string, string>> = {
  icmpx: "src/index.ts",
  "icmpx/format": "src/format.ts",
  "icmpx/packet": "src/packet/index.ts",
};

/** Who imports whom, by index into {@link BOXES}. */
type Arrows = ReadonlyMap<number, ReadonlySet<number>>;

function arrowsBetween(sources: Sources): Arrows {
  const arrows = new Map(BOXES.map((_, index) => [index, new Set<number>()]));
  for (const [path, source] of sources) {
    const from = boxOf(path);
    for (const { target } of listImports(path, source)) {
      const to = boxOf(PUBLISHED[target] ?? target);
      if (from !== -1 && to !== -1 && from !== to) arrows.get(from)?.add(to);
    }
  }
  return arrows;
}

function boxOf(path: string): number {
  return BOXES.findIndex(({ contains }) => contains(path));
}

/** Each box stands one floor above the highest of those that it imports. */
function floorsOf(arrows: Arrows): number[] {
  const floors: number[] = [];
  const floorOf = (box: number): number => {
    floors[box] ??= 1 + Math.max(0, ...[...(arrows.get(box) ?? [])].map(floorOf));
    return floors[box];
  };
  BOXES.forEach((_, index) => {
    floorOf(index);
  });
  return floors;
}

/** Without the arrows that a longer way implies: with all of them nobody sees anything. */
function essential(arrows: Arrows): readonly (readonly [from: number, to: number])[] {
  const reaches = (from: number, to: number): boolean =>
    [...(arrows.get(from) ?? [])].some((next) => next === to || reaches(next, to));
  return [...arrows].flatMap(([from, targets]) =>
    [...targets]
      .filter((to) => ![...targets].some((other) => other !== to && reaches(other, to)))
      .map((to) => [from, to] as const),
  );
}

const WIDTH = 1000;
const BOX_HEIGHT = 44;
const FLOOR_HEIGHT = 84;
const GAP = 16;
const FONT = "font-family='system-ui, sans-serif'";

/** The picture, as an SVG document. */
export function drawHouse(sources: Sources): string {
  const arrows = arrowsBetween(sources);
  const floors = floorsOf(arrows);
  const top = Math.max(...floors);
  const places = BOXES.map((_, index) => {
    const floor = floors[index] as number;
    const neighbours = [...floors.keys()].filter((each) => floors[each] === floor);
    const width = Math.min(300, (WIDTH - GAP) / neighbours.length - GAP);
    const all = neighbours.length * (width + GAP) - GAP;
    const x = (WIDTH - all) / 2 + neighbours.indexOf(index) * (width + GAP);
    return { x, y: GAP + (top - floor) * FLOOR_HEIGHT, width };
  });
  const lines = essential(arrows).map((arrow) => {
    const [a, b] = arrow.map((box) => places[box]);
    if (a === undefined || b === undefined) throw new Error("An arrow leads nowhere");
    // What leads past several floors goes around them.
    if (b.y - a.y > 2 * FLOOR_HEIGHT) {
      const [y1, y2] = [a.y + BOX_HEIGHT / 2, b.y + BOX_HEIGHT / 2];
      const side = Math.round(Math.max(a.x + a.width, b.x + b.width) + 120);
      const [from, to] = [Math.round(a.x + a.width), Math.round(b.x + b.width + 3)];
      return `<path d='M${from} ${y1} C${side} ${y1} ${side} ${y2} ${to} ${y2}'/>`;
    }
    const x1 = Math.round(a.x + a.width / 2);
    const x2 = Math.round(b.x + b.width / 2);
    const y1 = a.y + BOX_HEIGHT;
    return `<path d='M${x1} ${y1} C${x1} ${y1 + 30} ${x2} ${b.y - 30} ${x2} ${b.y - 3}'/>`;
  });
  const boxes = BOXES.map(({ name, what }, index) => {
    const place = places[index];
    if (place === undefined) throw new Error(`No place for ${name}`);
    const { x, y, width } = place;
    const middle = Math.round(x + width / 2);
    return [
      `<rect x='${Math.round(x)}' y='${y}' width='${Math.round(width)}' height='${BOX_HEIGHT}' rx='6'/>`,
      `<text x='${middle}' y='${y + 18}' font-weight='600' font-size='14'>${name}</text>`,
      `<text x='${middle}' y='${y + 35}' font-size='11'>${what}</text>`,
    ].join("\n");
  });
  const height = top * FLOOR_HEIGHT;
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${WIDTH} ${height}' role='img'>`,
    "<title>Who imports whom: each box only those below it</title>",
    `<rect width='${WIDTH}' height='${height}' fill='#fff'/>`,
    "<defs><marker id='tip' viewBox='0 0 8 8' refX='4' refY='4' markerWidth='7' markerHeight='7' orient='auto'>" +
      "<path d='M0 0 8 4 0 8z' fill='#789'/></marker></defs>",
    `<g fill='none' stroke='#789' marker-end='url(#tip)'>\n${lines.join("\n")}\n</g>`,
    `<g fill='#eef3f8' stroke='#456' ${FONT} text-anchor='middle'>`,
    boxes.join("\n").replaceAll("<text ", "<text fill='#123' stroke='none' "),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** Every arrow as a line of text, those that the picture leaves out as well. */
export function listArrows(sources: Sources): string[] {
  return [...arrowsBetween(sources)].map(([from, targets]) => {
    const names = [...targets].sort((a, b) => a - b).map((to) => BOXES[to]?.name);
    return `${BOXES[from]?.name} -> ${names.join(" ") || "nothing"}`;
  });
}
