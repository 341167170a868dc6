import { describe, expect, it } from "vitest";
import type { DocumentRow } from "../api/types";
import { attachmentState, stateOfAll } from "./attachmentState";

const document = (status: DocumentRow["status"]): DocumentRow => ({
  id: "d",
  title: "d",
  media_type: "text/plain",
  size: 1,
  scope: "user",
  status,
  passages: 0,
  pages: null,
  language: null,
  tags: [],
  reason: null,
  warning: null,
  omissions: [],
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  version: 1,
});

describe("a file that is attached to a question", () => {
  it("is uploaded, then indexed, then ready", () => {
    expect(attachmentState({}, undefined)).toBe("uploading");
    expect(attachmentState({}, document("added"))).toBe("indexing");
    expect(attachmentState({}, document("indexed"))).toBe("ready");
  });

  it("fails if it cannot be uploaded or read", () => {
    expect(attachmentState({ error: new Error("too large") }, undefined)).toBe("failed");
    expect(attachmentState({}, document("rejected"))).toBe("failed");
  });

  it("delays its question with all other files until the last is ready", () => {
    expect(stateOfAll([])).toBe("ready");
    expect(stateOfAll(["ready", "indexing"])).toBe("indexing");
    expect(stateOfAll(["ready", "indexing", "uploading"])).toBe("uploading");
    expect(stateOfAll(["ready", "uploading", "failed"])).toBe("failed");
  });
});
