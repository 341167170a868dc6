import { describe, expect, it } from "vitest";
import { applyEvent, applyEvents } from "./applyEvent";
import {
  applyAll,
  asked,
  CREATED_AT,
  completed,
  delta,
  ids,
  message,
  question,
  reasoning,
  source,
  sources,
  started,
  summary,
} from "./testMessages";
import { accept, ask, merge } from "./transcript";
import { answerInProgress, isPending } from "./transcriptEntry";

describe("an answer in progress", () => {
  it("replaces the pending answer, shows its sources, grows, and ends as the completed message", () => {
    const begun = applyAll(asked(), started(), sources());
    expect(begun.some(isPending)).toBe(false);
    expect(begun[1]?.sources).toEqual([source]);
    const growing = applyAll(begun, delta(0, "Be"), delta(2, "cause"));
    expect(summary(growing)[1]).toEqual(["a", "streaming", "Because"]);
    const whole = applyAll(growing, completed("Because."));
    expect(summary(whole)[1]).toEqual(["a", "completed", "Because."]);
    expect(answerInProgress(whole)).toBeUndefined();
  });

  it("counts offsets in bytes", () => {
    const growing = applyAll(asked(), started(), delta(0, "Käse 🧀"), delta(10, " isst"), delta(15, " man"));
    expect(growing[1]?.message.text).toBe("Käse 🧀 isst man");
  });

  it("does not change when events are repeated", () => {
    const once = applyAll(asked(), started(), delta(0, "für "), delta(5, "alle"));
    expect(applyAll(once, started(), delta(0, "für "), delta(5, "alle"), delta(0, "für "))).toEqual(once);
    expect(applyAll(once, delta(2, "\u00a4\u00a4"))[1]?.message.text).toBe("für alle");
  });

  it("grows when its whole text is repeated with more", () => {
    const once = applyAll(asked(), started(), delta(0, "für "), delta(5, "alle"));
    expect(applyAll(once, started(), delta(0, "für alle Z"))[1]?.message.text).toBe("für alle Z");
  });

  it("reports missing text and does not show text after a gap", () => {
    const begun = applyAll(asked(), started(), delta(0, "one "));
    const { transcript, missing } = applyEvent(begun, delta(9, "three"));
    expect(missing).toBe("text");
    expect(transcript[1]?.message.text).toBe("one ");
  });
});

describe("an attempt to answer", () => {
  it("keeps the text that it continues", () => {
    const old = applyAll(asked(), started(), sources(), delta(0, "für alle"));
    const continued = applyAll(old, started(2, 5), delta(5, "viele", 2));
    expect(continued[1]?.message.text).toBe("für viele");
    expect(continued[1]?.sources).toEqual([source]);
  });

  it("keeps the reasoning apart from the text", () => {
    const thinking = applyAll(asked(), started(), reasoning(0, "Ist es "), reasoning(7, "so?"), delta(0, "Ja."));
    expect(thinking[1]?.message).toMatchObject({ reasoning: "Ist es so?", text: "Ja." });
    expect(applyEvent(thinking, reasoning(20, "?")).missing).toBe("text");
    expect(applyAll(thinking, started(2))[1]?.message).toMatchObject({ reasoning: "", text: "" });
  });

  it("is replaced by a new attempt and ignores late events of the old one", () => {
    const old = applyAll(asked(), started(), delta(0, "old words"));
    const restarted = applyAll(old, started(2), delta(9, " late", 1), delta(0, "new", 2));
    expect(restarted[1]?.message.text).toBe("new");
    expect(restarted[1]?.sources).toEqual([]);
    expect(applyAll(old, delta(0, "new", 2))[1]?.message.text).toBe("new");
  });

  it("does not change after it has ended", () => {
    const whole = applyAll(asked(), started(), completed("Whole."));
    expect(applyAll(whole, delta(0, "x"), started(2), delta(0, "y", 2))).toEqual(whole);
  });

  it("may end without a start event", () => {
    expect(summary(applyAll(asked(), completed("Whole.")))).toEqual([
      ["q", "completed", "Why?"],
      ["a", "completed", "Whole."],
    ]);
  });

  it("replaces an older answer to the same question", () => {
    const answered = merge([], [question, message({ id: "old", text: "Old." })]);
    expect(ids(applyAll(answered, started(), delta(0, "New")))).toEqual(["q", "a"]);
  });

  it("may start before the service accepts the question", () => {
    const sending = ask([], { questionId: "q", text: "Why?", createdAt: CREATED_AT });
    const accepted = accept(applyAll(sending, started(), delta(0, "Be")), "q");
    expect(summary(accepted)[1]).toEqual(["a", "streaming", "Be"]);
  });
});

describe("a message of another device", () => {
  it("is appended to its parent", () => {
    const other = applyAll([], { event: "question", data: question }, started(), delta(0, "Hi"));
    expect(summary(other)).toEqual([
      ["q", "completed", "Why?"],
      ["a", "streaming", "Hi"],
    ]);
  });

  it("requires a fetch if its parent is missing", () => {
    expect(applyEvent([], started()).missing).toBe("parent");
    expect(applyEvent([], delta(0, "x")).missing).toBe("parent");
  });

  it("requires a fetch if it belongs to another branch", () => {
    const answered = merge([], [question, message({ id: "a", siblings: ["a"] }), message({ id: "b", parent_id: "a" })]);
    const other = message({ id: "q9", role: "user", text: "Else?", parent_id: "a" });
    expect(applyEvent(answered, { event: "question", data: other }).missing).toBe("parent");
  });
});

describe("a batch of events", () => {
  it("is applied in order and reports what is missing", () => {
    const { transcript, isTextMissing, orphans } = applyEvents(
      asked(),
      [started(), delta(0, "Be"), delta(9, "x")],
      false,
    );
    expect(summary(transcript)[1]).toEqual(["a", "streaming", "Be"]);
    expect(isTextMissing).toBe(true);
    expect(orphans).toEqual([]);
    expect(applyEvents([], [started()], false).orphans).toEqual(["a"]);
  });

  it("is ignored for messages of other branches if a branch is pinned", () => {
    const other = merge([], [question, message({ id: "other", siblings: ["other"] })]);
    expect(applyEvents(other, [started(), delta(0, "Be")], true).transcript).toBe(other);
  });
});
