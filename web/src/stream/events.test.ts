import { describe, expect, it } from "vitest";
import { isAnswerEvent, parseStreamEvent } from "./events";

const wire = (name: string, data: unknown) => ({ id: "1", name, data: JSON.stringify(data) });

describe("an event of a stream", () => {
  it("is parsed into its name and data", () => {
    const data = { conversation_id: "c", answer_id: "a", attempt: 1, offset: 0, text: "Be" };
    expect(parseStreamEvent(wire("answer.delta", data))).toEqual({ event: "answer.delta", data });
  });

  it("is ignored if its name is unknown", () => {
    expect(parseStreamEvent(wire("weather", {}))).toBeUndefined();
    expect(parseStreamEvent(wire("toString", {}))).toBeUndefined();
  });

  it("concerns a conversation's messages if it is a question or part of an answer", () => {
    expect(isAnswerEvent({ event: "conversation", data: { id: "c", deleted: true } })).toBe(false);
    expect(isAnswerEvent({ event: "document", data: { id: "d", deleted: true } })).toBe(false);
    const data = { conversation_id: "c", answer_id: "a", question_id: "q", attempt: 1, from: 0 };
    expect(isAnswerEvent({ event: "answer.started", data })).toBe(true);
  });
});
