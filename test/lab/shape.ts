/**
 * A JSON value by path, e.g. `"reply.ttl"`, to the type it has there. Items of a list are alike, so
 * only the first counts.
 */
export type Shape = Readonly<Record<string, string>>;

/**
 * Tells which fields a JSON value has, at every depth, and of which types. `kind` fields tell their
 * value.
 */
export function shapeOf(value: unknown, path = ""): Shape {
  if (Array.isArray(value))
    return { [path]: "array", ...(value.length > 0 && shapeOf(value[0], `${path}[]`)) };
  if (typeof value !== "object" || value === null)
    return { [path]: value === null ? "null" : typeof value };
  const shape: Record<string, string> = {};
  for (const [key, field] of Object.entries(value)) {
    const name = path === "" ? key : `${path}.${key}`;
    if (key === "kind") shape[name] = String(field);
    else Object.assign(shape, shapeOf(field, name));
  }
  return shape;
}

/** The paths at which two shapes differ, but those that are below one where the other has null. */
export function differencesOf(a: Shape, b: Shape): string[] {
  const paths = new Set([...Object.keys(a), ...Object.keys(b)]);
  const nulls = [...paths].filter((path) => a[path] === "null" || b[path] === "null");
  return [...paths]
    .filter((path) => a[path] !== b[path] && !nulls.some((above) => path.startsWith(`${above}.`)))
    .sort();
}
