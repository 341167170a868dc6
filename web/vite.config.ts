import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The service to which `npm run dev` forwards requests to the accounts and the API. */
const service = process.env.COLLOQUY_URL ?? "http://localhost:8080";
// The account service accepts its own origin only, and the dev server has another port.
const proxy = { target: service, changeOrigin: true, headers: { origin: service } };

const MODULES = join(import.meta.dirname, "node_modules");

/** Writes a compressed copy of each text file, which the service sends to clients that accept it. */
const compression: Plugin = {
  name: "compression",
  apply: "build",
  writeBundle({ dir = "" }, files) {
    for (const name of Object.keys(files).filter((file) => /\.(js|css|svg)$/.test(file))) {
      const path = join(dir, name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    }
  },
};

export default defineConfig({
  // Addresses are relative; the service completes those in `index.html`, because only it knows its base path.
  base: "./",
  plugins: [react(), compression],
  resolve: {
    // In browsers this package parses with DOMParser, where the styles of formulas violate the Content-Security-Policy.
    alias: { "hast-util-from-html-isomorphic": join(MODULES, "hast-util-from-html-isomorphic", "index.js") },
  },
  server: { proxy: { "/api/auth": proxy, "/v1": proxy } },
  build: { target: "es2023", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  test: { include: ["src/**/*.test.{ts,tsx}", "structure/*.test.ts"], environment: "node" },
});
