// The import graph of the page's modules, from the text of their import statements.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Each module with the modules it imports. Paths are relative to the root folder. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const EXTENSIONS = ["", ".ts", ".tsx", ".d.ts"];
/**
 * Static and dynamic imports, `export from`, and mocks of tests. Only relative paths are modules of the page.
 */
const SPECIFIER = /(?:\bfrom|\bimport|\bimport\(|\bmock\()\s*"(\.[^"]+)"/g;

/** The paths of all modules in a folder, without generated declarations. */
export function modulesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"))
    .sort();
}

export function importGraph(root: string): ImportGraph {
  const files = new Set(readdirSync(root, { recursive: true, encoding: "utf8" }));
  return new Map(
    modulesIn(root).map((module) => {
      const specifiers = importsOf(readFileSync(join(root, module), "utf8"));
      return [module, specifiers.map((specifier) => resolve(files, module, specifier))];
    }),
  );
}

/** The relative paths that a source text imports. */
export function importsOf(source: string): string[] {
  return [...source.matchAll(SPECIFIER)].flatMap(([, specifier]) => specifier ?? []);
}

/** A cycle of modules, each of which imports the next one, or undefined if there is none. */
export function findCycle(graph: ImportGraph): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (module: string): string[] | undefined => {
    if (done.has(module)) return undefined;
    const start = path.indexOf(module);
    if (start !== -1) return [...path.slice(start), module];
    path.push(module);
    for (const imported of graph.get(module) ?? []) {
      const cycle = visit(imported);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(module);
    return undefined;
  };
  for (const module of graph.keys()) {
    const cycle = visit(module);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Imports of a module of a higher layer. `layers` are folders or modules, the highest first. */
export function upwardImports(graph: ImportGraph, layers: readonly string[]): string[] {
  const rank = (module: string) => layers.indexOf(module.split("/")[0] ?? module);
  return [...graph].flatMap(([module, imports]) =>
    imports
      .filter((imported) => rank(imported) < rank(module))
      .map((imported) => `${module} imports ${imported}, which is in a higher layer`),
  );
}

function resolve(files: ReadonlySet<string>, module: string, specifier: string): string {
  const path = relative(".", join(dirname(module), specifier));
  const file = EXTENSIONS.map((extension) => path + extension).find((candidate) => files.has(candidate));
  if (file === undefined || !/\.\w+$/.test(file))
    throw new Error(`${module} imports ${specifier}, which does not exist`);
  return file;
}
