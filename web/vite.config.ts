import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where the service runs that `npm run dev` passes accounts and API on to. */
const service = process.env.COLLOQUY_URL ?? "http://localhost:8080";
// The accounts refuse requests of another origin than their own, and the dev server has another port.
const passedOn = { target: service, changeOrigin: true, headers: { origin: service } };

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api/auth": passedOn, "/v1": passedOn } },
  build: { target: "es2023", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
