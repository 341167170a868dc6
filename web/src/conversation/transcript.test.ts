import { describe, expect, it } from "vitest";
import {
  applyAll,
  asked,
  CREATED_AT,
  completed,
  delta,
  ids,
  message,
  question,
  started,
  summary,
} from "./testMessages";
import { accept, ask, discard, edit, merge, rate, refuse, regenerate, retry } from "./transcript";
import { answerInProgress, choiceOf, entryKey, isAwaitingAnswer } from "./transcriptEntry";

const newQuestion = (questionId: string, text: string) => ({ questionId, text, createdAt: CREATED_AT });
const newAnswer = { answerId: "b", createdAt: CREATED_AT };

describe("a question", () => {
  it("is shown with a pending answer, which is in progress once the service accepts the question", () => {
    const sending = ask([], newQuestion("q", "Why?"));
    expect(sending.map(({ message: { role, text, status } }) => [role, text, status])).toEqual([
      ["user", "Why?", "completed"],
      ["assistant", "", "requested"],
    ]);
    expect(answerInProgress(sending)).toBeUndefined();
    expect(isAwaitingAnswer(sending)).toBe(true);
    expect(answerInProgress(accept(sending, "q"))).toBeDefined();
  });

  it("stays visible when it is refused, and can be sent again or discarded", () => {
    const before = merge([], [question, message({ id: "a" })]);
    const choice = { model: "Small", documents: ["d"] };
    const sending = ask(before, { ...newQuestion("q2", "And?"), choice });
    expect(sending.at(-2)?.choice).toEqual(choice);
    const refused = refuse(sending, "q2", new Error("refused"));
    expect(refused.map(({ message: { id }, origin }) => [id, origin])).toEqual([
      ["q", "fetched"],
      ["a", "fetched"],
      ["q2", "refused"],
    ]);
    expect(isAwaitingAnswer(refused)).toBe(false);
    expect(retry(refused, "q2")).toEqual(sending);
    expect(discard(refused, "q2")).toEqual(before);
  });

  it("keeps what it named when it is edited: the tags, and not the documents that were found by them", () => {
    const named = (choice: Parameters<typeof ask>[1]["choice"]) => {
      const edited = ask([], { ...newQuestion("q", "Why?"), choice }).at(-2)?.message;
      return edited && choiceOf(edited);
    };
    expect(named({ documents: ["d"], tags: ["bees"] })).toEqual({ documents: ["d"], tags: ["bees"] });
    expect(named({ documents: ["d"] })).toEqual({ documents: ["d"] });
    const fetched = message({ id: "q", documents: ["d", "found"], document_tags: ["bees"], named_documents: ["d"] });
    expect(choiceOf(fetched)).toEqual({ documents: ["d"], tags: ["bees"] });
    expect(choiceOf(message({ id: "q", documents: ["found"], document_tags: ["bees"] }))).toEqual({ tags: ["bees"] });
  });

  it("follows the latest answer", () => {
    const transcript = ask(merge([], [question, message({ id: "a" })]), newQuestion("q2", "And?"));
    expect(transcript.at(-2)?.message.parent_id).toBe("a");
  });
});

describe("a branch", () => {
  const first = [question, message({ id: "a", text: "A.", siblings: ["a"] })];
  const long = merge(
    [],
    [
      ...first,
      message({ id: "q2", role: "user", text: "And?", parent_id: "a", siblings: ["q2"] }),
      message({ id: "a2", parent_id: "q2", siblings: ["a2"] }),
    ],
  );

  it("begins with an edited question, which is a version of the original", () => {
    const edited = edit(long, "q2", newQuestion("q3", "But?"));
    expect(ids(edited)).toEqual(["q", "a", "q3", "pending:q3"]);
    expect(edited[2]?.message).toMatchObject({ parent_id: "a", siblings: ["q2", "q3"] });
    expect(retry(refuse(edited, "q3", new Error("refused")), "q3")).toEqual(edited);
  });

  it("begins with a regenerated answer", () => {
    const again = regenerate(long, "a", newAnswer);
    expect(ids(again)).toEqual(["q", "b"]);
    expect(again[1]?.message).toMatchObject({ parent_id: "q", siblings: ["a", "b"], status: "requested" });
    expect(answerInProgress(accept(again, "q"))?.message.id).toBe("b");
  });

  it("stays visible until a fetch returns it", () => {
    const fetched = long.map(({ message }) => message);
    const edited = edit(long, "q2", newQuestion("q3", "But?"));
    expect(ids(merge(edited, fetched))).toEqual(["q", "a", "q3", "pending:q3"]);
    const again = accept(regenerate(long, "a", newAnswer), "q");
    expect(ids(merge(again, fetched))).toEqual(["q", "b"]);
    expect(ids(merge(again, [question, message({ id: "b", siblings: ["a", "b"] })]))).toEqual(["q", "b"]);
  });

  it("is replaced by a newer one that a fetch returns", () => {
    const again = accept(regenerate(merge([], first), "a", newAnswer), "q");
    const newer = [question, message({ id: "c", siblings: ["a", "b", "c"] })];
    expect(ids(merge(again, newer))).toEqual(["q", "c"]);
  });
});

describe("an answer", () => {
  it("shows a rating at once", () => {
    expect(rate(merge([], [question, message({ id: "a" })]), "a", "up")[1]?.message.rating).toBe("up");
  });

  it("keeps its key when its id becomes known", () => {
    const keys = [asked(), applyAll(asked(), started())].map((transcript) =>
      transcript.map((entry) => entryKey(entry.message)),
    );
    expect(keys[0]).toEqual(keys[1]);
  });
});

describe("a fetch", () => {
  it("does not remove text that is already visible", () => {
    const growing = applyAll(asked(), started(), delta(0, "Because"));
    const merged = merge(growing, [question, message({ id: "a", status: "requested" })]);
    expect(summary(merged)[1]).toEqual(["a", "streaming", "Because"]);
    expect(merged.length).toBe(2);
  });

  it("does not reopen an answer that has ended", () => {
    const whole = applyAll(asked(), started(), completed("Whole."));
    expect(summary(merge(whole, [question, message({ id: "a", status: "requested" })]))[1]?.[1]).toBe("completed");
  });

  it("does not remove a question that it does not return yet", () => {
    const transcript = ask(merge([], [question, message({ id: "a" })]), newQuestion("q2", "And?"));
    expect(ids(merge(transcript, [question, message({ id: "a" })]))).toEqual(["q", "a", "q2", "pending:q2"]);
  });

  it("replaces a pending answer", () => {
    const merged = merge(asked(), [question, message({ id: "a", status: "requested" })]);
    expect(ids(merged)).toEqual(["q", "a"]);
    expect(answerInProgress(merged)?.message.id).toBe("a");
  });

  it("replaces messages that have changed", () => {
    const old = merge([], [question, message({ id: "a", text: "A." })]);
    const current = [question, message({ id: "b", text: "B.", rating: "up" })];
    expect(merge(old, current).map(({ message }) => message)).toEqual(current);
  });
});
