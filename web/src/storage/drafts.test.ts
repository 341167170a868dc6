import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clearDrafts, readDraft, saveDraft } from "./drafts";

/** A storage of the browser, whose entries are its own properties. */
class FakeStorage {
  [key: string]: unknown;

  getItem(key: string): unknown {
    return this[key] ?? null;
  }

  setItem(key: string, value: string): void {
    this[key] = value;
  }

  removeItem(key: string): void {
    delete this[key];
  }
}

let storage: FakeStorage;

beforeEach(() => {
  storage = new FakeStorage();
  vi.stubGlobal("localStorage", storage);
});

afterEach(() => {
  clearDrafts();
  vi.unstubAllGlobals();
});

describe("a draft", () => {
  it("is kept for each user and conversation", () => {
    saveDraft("ada", "c1", "first");
    saveDraft("ada", "c2", "second");
    saveDraft("grace", "c1", "third");
    expect(readDraft("ada", "c1")).toBe("first");
    expect(readDraft("ada", "c2")).toBe("second");
    expect(readDraft("grace", "c1")).toBe("third");
    expect(readDraft("grace", "c2")).toBe("");
  });

  it("is deleted when it is blank", () => {
    saveDraft("ada", "c1", "first");
    saveDraft("ada", "c1", "  ");
    expect(readDraft("ada", "c1")).toBe("");
    expect(Object.keys(storage)).toEqual([]);
  });

  it("is kept in memory if the storage is full", () => {
    storage.setItem = () => {
      throw new Error("quota exceeded");
    };
    saveDraft("ada", "c1", "first");
    expect(readDraft("ada", "c1")).toBe("first");
  });

  it("is deleted with all others, and other data remains", () => {
    saveDraft("ada", "c1", "first");
    storage.setItem("colloquy:theme", "dark");
    clearDrafts();
    expect(readDraft("ada", "c1")).toBe("");
    expect(Object.keys(storage)).toEqual(["colloquy:theme"]);
  });
});
