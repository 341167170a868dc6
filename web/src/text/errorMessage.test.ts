import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { de } from "./de";
import { en } from "./en";
import { errorMessage } from "./errorMessage";

describe("the text of an error", () => {
  it("is the service's title and detail", () => {
    expect(errorMessage(new Problem(422, { title: "Title too long", detail: "200 characters" }), en)).toBe(
      "Title too long: 200 characters",
    );
    expect(errorMessage(new Problem(409, { title: "Already answered" }), en)).toBe("Already answered");
  });

  it("says in the language of the page that a conversation is full", () => {
    const full = new Problem(409, { type: "urn:colloquy:problem:conversation-full", title: "Full" });
    expect(errorMessage(full, en)).toBe(en.failure.conversationFull);
    expect(errorMessage(full, de)).toBe(de.failure.conversationFull);
  });

  it("says in the language of the page that nothing of a quarantined conversation is lost", () => {
    const held = new Problem(503, { type: "urn:colloquy:problem:quarantined", title: "Set aside" });
    expect(errorMessage(held, en)).toBe(en.failure.quarantined);
    expect(errorMessage(held, de)).toBe(de.failure.quarantined);
  });

  it("tells a language model without an answer from a service that is away", () => {
    const without = new Problem(503, { type: "urn:colloquy:problem:model-unavailable", title: "No model" });
    expect(errorMessage(without, en)).toBe(en.failure.modelUnavailable);
    expect(errorMessage(without, de)).toBe(de.failure.modelUnavailable);
  });

  it("names the limit that is reached, and when to try again", () => {
    const limited = (limit: string, seconds: string) =>
      new Problem(429, { title: "Limit", detail: "!", limit }, seconds);
    expect(errorMessage(limited("commands", "30"), en)).toBe(
      "There were too many changes in the last minute. Please try again in 30 seconds.",
    );
    expect(errorMessage(limited("search", "7200"), de)).toBe(
      "In der letzten Minute gab es zu viele Suchen. Bitte versuchen Sie es in 2 Stunden erneut.",
    );
    expect(errorMessage(limited("documents", "30"), en)).toBe(en.failure.limits.documents);
    expect(errorMessage(limited("of_tomorrow", "600"), en)).toBe(
      `${en.failure.limit} ! Please try again in 10 minutes.`,
    );
  });

  it("is a text of the page if the service gives none", () => {
    expect(errorMessage(new Problem(500), en)).toBe(en.failure.unknown);
    expect(errorMessage(new Error("internal"), en)).toBe(en.failure.unknown);
  });

  it("tells whether the service was not reached or is unavailable", () => {
    expect(errorMessage(new TypeError("not reached"), en)).toBe(en.failure.offline);
    expect(errorMessage(new Problem(503, { title: "Store away" }), en)).toBe(en.failure.unavailable);
  });
});
