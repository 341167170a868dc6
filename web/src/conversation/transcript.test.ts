import { describe, expect, it } from "vitest";
import type { Citation, Message } from "../api/types";
import type { AnswerEvent } from "../stream/events";
import { answerInProgress, isPending, type Transcript } from "./entry";
import { hear } from "./hearing";
import { accepted, ask, askAgain, edit, merge, rate, refused, regenerate, withdraw } from "./transcript";

const AT = "2026-01-01T00:00:00Z";
const SOURCE: Citation = { number: 1, document_id: "d", title: "T", passage: 0, snippet: "s", score: 1 };

function message(more: Partial<Message> & Pick<Message, "id">): Message {
  return {
    role: "assistant",
    text: "",
    parent_id: "q",
    siblings: [],
    status: "completed",
    citations: [],
    model: null,
    quoted: false,
    usage: null,
    rating: "none",
    created_at: AT,
    ...more,
  };
}

const question = message({ id: "q", role: "user", text: "Why?", parent_id: null, siblings: ["q"] });
const started: AnswerEvent = { type: "started", answerId: "a", questionId: "q", attempt: 1 };
const delta = (offset: number, text: string, attempt = 1): AnswerEvent => ({
  type: "delta",
  answerId: "a",
  attempt,
  offset,
  text,
});
const ended = (text: string): AnswerEvent => ({
  type: "ended",
  message: message({ id: "a", text, citations: [SOURCE] }),
});

const asked = () => accepted(ask([], { questionId: "q", text: "Why?", at: AT }), "q");
const heard = (transcript: Transcript, ...events: AnswerEvent[]) =>
  events.reduce((current, event) => hear(current, event).transcript, transcript);
const shown = (transcript: Transcript) => transcript.map(({ message }) => [message.id, message.status, message.text]);

describe("asking", () => {
  it("shows the question and the place of its answer at once, and waits for the service before it follows", () => {
    const asking = ask([], { questionId: "q", text: "Why?", at: AT });
    expect(asking.map(({ message }) => [message.role, message.text, message.status])).toEqual([
      ["user", "Why?", "completed"],
      ["assistant", "", "requested"],
    ]);
    expect(answerInProgress(asking)).toBeUndefined();
    expect(answerInProgress(accepted(asking, "q"))).toBeDefined();
  });

  it("keeps a refused question in sight, to be sent again or taken away", () => {
    const before = merge([], [question, message({ id: "a" })]);
    const asking = ask(before, { questionId: "q2", text: "And?", at: AT });
    const seen = refused(asking, "q2");
    expect(seen.map(({ message, origin }) => [message.id, origin])).toEqual([
      ["q", "fetched"],
      ["a", "fetched"],
      ["q2", "refused"],
    ]);
    expect(askAgain(seen, "q2")).toEqual(asking);
    expect(withdraw(seen, "q2")).toEqual(before);
  });

  it("is accepted even when the answer ran ahead of the acceptance", () => {
    const asking = ask([], { questionId: "q", text: "Why?", at: AT });
    expect(shown(accepted(heard(asking, started, delta(0, "Be")), "q"))[1]).toEqual(["a", "streaming", "Be"]);
  });

  it("follows the newest answer", () => {
    const more = ask(merge([], [question, message({ id: "a" })]), { questionId: "q2", text: "And?", at: AT });
    expect(more.at(-2)?.message.parent_id).toBe("a");
  });
});

describe("branches", () => {
  const first = [question, message({ id: "a", text: "A.", siblings: ["a"] })];
  const long = merge(
    [],
    [
      ...first,
      message({ id: "q2", role: "user", text: "And?", parent_id: "a", siblings: ["q2"] }),
      message({ id: "a2", parent_id: "q2", siblings: ["a2"] }),
    ],
  );
  const ids = (transcript: Transcript) => transcript.map(({ message }) => message.id);

  it("begin with an edited question, beside the one it takes the place of", () => {
    const edited = edit(long, "q2", { questionId: "q3", text: "But?", at: AT });
    expect(ids(edited)).toEqual(["q", "a", "q3", "pending:q3"]);
    expect(edited[2]?.message).toMatchObject({ parent_id: "a", siblings: ["q2", "q3"] });
    expect(askAgain(refused(edited, "q3"), "q3")).toEqual(edited);
  });

  it("begin with one more answer, whatever followed the other one", () => {
    const again = regenerate(long, "a", { answerId: "b", at: AT });
    expect(ids(again)).toEqual(["q", "b"]);
    expect(again[1]?.message).toMatchObject({ parent_id: "q", siblings: ["a", "b"], status: "requested" });
    expect(answerInProgress(accepted(again, "q"))?.message.id).toBe("b");
  });

  it("stay in sight while what is fetched does not know them yet", () => {
    const fetched = long.map(({ message }) => message);
    const edited = edit(long, "q2", { questionId: "q3", text: "But?", at: AT });
    expect(ids(merge(edited, fetched))).toEqual(["q", "a", "q3", "pending:q3"]);
    const again = accepted(regenerate(long, "a", { answerId: "b", at: AT }), "q");
    expect(ids(merge(again, fetched))).toEqual(["q", "b"]);
    expect(ids(merge(again, [question, message({ id: "b", siblings: ["a", "b"] })]))).toEqual(["q", "b"]);
  });

  it("give way to a newer one that is fetched", () => {
    const again = accepted(regenerate(merge([], first), "a", { answerId: "b", at: AT }), "q");
    const newer = [question, message({ id: "c", siblings: ["a", "b", "c"] })];
    expect(ids(merge(again, newer))).toEqual(["q", "c"]);
  });

  it("are fetched when a question heard of follows something else than the newest answer", () => {
    const other = message({ id: "q9", role: "user", text: "Else?", parent_id: "a" });
    expect(hear(long, { type: "question", message: other }).missing).toBe("place");
  });

  it("keep a judgement where it was given", () => {
    expect(rate(long, "a", "up")[1]?.message.rating).toBe("up");
  });
});

describe("an answer being written", () => {
  it("takes the place kept for it, shows its sources, grows, and ends as the finished message", () => {
    const begun = heard(asked(), started, { type: "sources", answerId: "a", attempt: 1, sources: [SOURCE] });
    expect(begun.some(isPending)).toBe(false);
    expect(begun[1]?.sources).toEqual([SOURCE]);
    const growing = heard(begun, delta(0, "Be"), delta(2, "cause"));
    expect(shown(growing)[1]).toEqual(["a", "streaming", "Because"]);
    const whole = heard(growing, ended("Because."));
    expect(shown(whole)[1]).toEqual(["a", "completed", "Because."]);
    expect(answerInProgress(whole)).toBeUndefined();
  });

  it("counts bytes, not characters", () => {
    const growing = heard(asked(), started, delta(0, "Käse 🧀"), delta(10, " isst"), delta(15, " man"));
    expect(growing[1]?.message.text).toBe("Käse 🧀 isst man");
  });

  it("is the same when events come twice, or all text once more from the start", () => {
    const once = heard(asked(), started, delta(0, "für "), delta(5, "alle"));
    expect(heard(once, started, delta(5, "alle"), delta(0, "für "))).toEqual(once);
    expect(heard(once, started, delta(0, "für alle Z"))[1]?.message.text).toBe("für alle Z");
    expect(heard(once, delta(2, "\u00a4\u00a4"))[1]?.message.text).toBe("für alle");
  });

  it("says that text is missing rather than showing it with a hole", () => {
    const begun = heard(asked(), started, delta(0, "one "));
    const { transcript, missing } = hear(begun, delta(9, "three"));
    expect(missing).toBe("text");
    expect(transcript[1]?.message.text).toBe("one ");
  });

  it("starts over with a new attempt and ignores what is left of the old one", () => {
    const old = heard(asked(), started, delta(0, "old words"));
    const fresh = heard(old, { ...started, attempt: 2 }, delta(9, " late", 1), delta(0, "new", 2));
    expect(fresh[1]?.message.text).toBe("new");
    expect(fresh[1]?.sources).toEqual([]);
    expect(heard(old, delta(0, "new", 2))[1]?.message.text).toBe("new");
  });

  it("stays as it ended whatever comes late", () => {
    const whole = heard(asked(), started, ended("Whole."));
    expect(heard(whole, delta(0, "x"), { ...started, attempt: 2 }, delta(0, "y", 2))).toEqual(whole);
  });

  it("can end without having been seen to start", () => {
    expect(shown(heard(asked(), ended("Whole.")))).toEqual([
      ["q", "completed", "Why?"],
      ["a", "completed", "Whole."],
    ]);
  });

  it("to a question that is not here asks for the conversation to be fetched", () => {
    expect(hear([], started).missing).toBe("place");
    expect(hear([], delta(0, "x")).missing).toBe("place");
  });

  it("to a question asked on another device is shown too", () => {
    const other = heard([], { type: "question", message: question }, started, delta(0, "Hi"));
    expect(shown(other)).toEqual([
      ["q", "completed", "Why?"],
      ["a", "streaming", "Hi"],
    ]);
  });

  it("replaces the older answer to the same question", () => {
    const answered = merge([], [question, message({ id: "old", text: "Old." })]);
    expect(shown(heard(answered, started, delta(0, "New"))).map(([id]) => id)).toEqual(["q", "a"]);
  });
});

describe("what is fetched", () => {
  it("does not take back words that are already shown", () => {
    const growing = heard(asked(), started, delta(0, "Because"));
    const merged = merge(growing, [question, message({ id: "a", status: "requested" })]);
    expect(shown(merged)[1]).toEqual(["a", "streaming", "Because"]);
    expect(merged.length).toBe(2);
  });

  it("does not reopen an answer that has ended", () => {
    const whole = heard(asked(), started, ended("Whole."));
    expect(shown(merge(whole, [question, message({ id: "a", status: "requested" })]))[1]?.[1]).toBe("completed");
  });

  it("before a question was kept does not drop it", () => {
    const more = ask(merge([], [question, message({ id: "a" })]), { questionId: "q2", text: "And?", at: AT });
    expect(merge(more, [question, message({ id: "a" })]).map(({ message }) => message.id)).toEqual([
      "q",
      "a",
      "q2",
      "pending:q2",
    ]);
  });

  it("replaces the place kept for an answer by the answer", () => {
    const merged = merge(asked(), [question, message({ id: "a", status: "requested" })]);
    expect(shown(merged).map(([id]) => id)).toEqual(["q", "a"]);
    expect(answerInProgress(merged)?.message.id).toBe("a");
  });

  it("wins where it says more: ended, rated, or another branch", () => {
    const old = merge([], [question, message({ id: "a", text: "A." })]);
    const now = [question, message({ id: "b", text: "B.", rating: "up" })];
    expect(merge(old, now).map(({ message }) => message)).toEqual(now);
  });
});
