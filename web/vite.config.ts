import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Where the service runs that `npm run dev` passes accounts and API on to. */
const service = process.env.COLLOQUY_URL ?? "http://localhost:8080";
// The accounts refuse requests of another origin than their own, and the dev server has another port.
const passedOn = { target: service, changeOrigin: true, headers: { origin: service } };

/** Writes each text file once more compressed, which the service sends to whoever takes it. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  writeBundle({ dir = "" }, files) {
    for (const name of Object.keys(files).filter((file) => /\.(js|css|html|svg)$/.test(file))) {
      const path = join(dir, name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    }
  },
};

export default defineConfig({
  plugins: [react(), compressed],
  server: { proxy: { "/api/auth": passedOn, "/v1": passedOn } },
  build: { target: "es2023", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
