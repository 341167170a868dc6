// Rules of the page's structure.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findCycle, importGraph, importsOf, modulesIn, upwardImports } from "./imports.ts";

const WEB = join(import.meta.dirname, "..");
const SOURCES = join(WEB, "src");

/**
 * The folders of `src`. A module may import modules of its own folder and of the folders below it
 * in this list.
 */
const LAYERS = [
  "main.tsx",
  "app",
  "conversation",
  "conversation-list",
  "documents",
  "settings",
  "instructions",
  "audit",
  "usage",
  "account",
  "stream",
  "ui",
  "text",
  "storage",
  "api",
];

const MAX_LINES = 320;
const FOLDERS = ["src", "e2e", "figures", "structure", "public"];
const GENERATED = new Set(["src/api/schema.d.ts"]);

describe("the modules of the page", () => {
  const graph = importGraph(SOURCES);

  it("do not import each other in a cycle", () => {
    expect(findCycle(graph)?.join(" → ")).toBeUndefined();
  });

  it("import only modules of the same or a lower layer", () => {
    expect(upwardImports(graph, LAYERS)).toEqual([]);
  });

  it("belong to a layer each", () => {
    expect([...new Set(modulesIn(SOURCES).map((module) => module.split("/")[0]))].sort()).toEqual([...LAYERS].sort());
  });
});

describe("the files of the page", () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(WEB, folder), { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
  ).filter((path) => /\.(tsx?|js|css)$/.test(path) && !GENERATED.has(path));

  it(`have at most ${MAX_LINES} lines`, () => {
    const lineCounts = files.map((path) => ({
      path,
      lines: readFileSync(join(WEB, path), "utf8").split("\n").length - 1,
    }));
    expect(lineCounts.length).toBeGreaterThan(100);
    expect(lineCounts.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });
});

describe("the components of the page", () => {
  it("read keys by `keyOf`, which knows input methods", () => {
    const readers = modulesIn(SOURCES).filter((module) =>
      /\bkey [!=]== "|\.isComposing\b|\.keyCode\b/.test(readFileSync(join(SOURCES, module), "utf8")),
    );
    expect(readers).toEqual(["ui/Dialog.tsx", "ui/keys.ts"]);
  });
});

describe("the check of the import graph", () => {
  it("reads static, type, side-effect and dynamic imports", () => {
    const source = `
      import { a } from "./a";
      import type { B } from "../b";
      import {
        c,
      } from "./c";
      import "./d.css";
      export { e } from "./e";
      import react from "react";
      const F = lazy(() => import("./f"));
    `;
    expect(importsOf(source)).toEqual(["./a", "../b", "./c", "./d.css", "./e", "./f"]);
  });

  it("finds a cycle", () => {
    const graph = new Map([
      ["a.ts", ["b.ts"]],
      ["b.ts", ["c.ts"]],
      ["c.ts", ["d.ts", "b.ts"]],
      ["d.ts", []],
    ]);
    expect(findCycle(graph)).toEqual(["b.ts", "c.ts", "b.ts"]);
    graph.set("c.ts", ["d.ts"]);
    expect(findCycle(graph)).toBeUndefined();
  });

  it("finds an import of a higher layer", () => {
    const graph = new Map([
      ["app/page.ts", ["api/client.ts"]],
      ["api/client.ts", ["app/page.ts", "api/ids.ts"]],
    ]);
    expect(upwardImports(graph, ["app", "api"])).toEqual([
      "api/client.ts imports app/page.ts, which is in a higher layer",
    ]);
  });
});
