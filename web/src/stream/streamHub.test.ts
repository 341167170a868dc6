import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import type { followStream, StreamOptions } from "./followStream";
import type { WireEvent } from "./readEvents";
import { type HubMessage, StreamHub } from "./streamHub";

/** A connection that the test plays. */
class FakeConnection {
  readonly lastEventId: string | undefined;
  readonly options: StreamOptions;
  readonly refuse: (error: Error) => void;

  constructor(options: StreamOptions, lastEventId: string | undefined, refuse: (error: Error) => void) {
    this.options = options;
    this.lastEventId = lastEventId;
    this.refuse = refuse;
  }

  get isAborted(): boolean {
    return this.options.signal.aborted;
  }

  send(id: string, name: string, data: object): "restart" | undefined {
    const event: WireEvent = { id, name, data: JSON.stringify(data) };
    return this.options.onEvent(event);
  }
}

function setup() {
  const connections: FakeConnection[] = [];
  const ids: (string | undefined)[] = [];
  const follow: typeof followStream = (options) =>
    new Promise((_, reject) => {
      void options.open(undefined, options.signal);
      connections.push(new FakeConnection(options, ids.at(-1), reject));
      options.onOpen?.();
    });
  const hub = new StreamHub(async (lastEventId) => {
    ids.push(lastEventId);
    return new Response();
  }, follow);
  return { hub, connections };
}

const member = () => {
  const received: HubMessage[] = [];
  const receive = (message: HubMessage) => void received.push(message);
  return { received, receive, opened: () => received.filter(({ kind }) => kind === "opened") };
};

const started = { conversation_id: "c", answer_id: "a", question_id: "q", attempt: 1, from: 0 };
const delta = (offset: number, text: string) => ({ conversation_id: "c", answer_id: "a", attempt: 1, offset, text });
const texts = (received: readonly HubMessage[]) =>
  received.flatMap((message) =>
    message.kind === "event" && message.event.event === "answer.delta" ? message.event.data.text : [],
  );

describe("the connection that tabs share", () => {
  it("is opened once, and brings each event to every tab", () => {
    const { hub, connections } = setup();
    const tabs = [member(), member(), member()];
    for (const { receive } of tabs) hub.join(receive, undefined);
    connections[0]?.send("1.1", "conversation", { id: "c", deleted: true });
    expect(connections.length).toBe(1);
    for (const { received } of tabs) expect(received.filter(({ kind }) => kind === "event").length).toBe(1);
  });

  it("stays when one tab leaves, and is closed with the last", () => {
    const { hub, connections } = setup();
    const [one, other] = [member(), member()];
    hub.join(one.receive, undefined);
    hub.join(other.receive, undefined);
    hub.leave(one.receive);
    connections[0]?.send("1.1", "answer.started", started);
    expect(connections[0]?.isAborted).toBe(false);
    expect(other.received.length).toBe(2);
    hub.leave(other.receive);
    expect(connections[0]?.isAborted).toBe(true);
  });

  it("is resumed after a pause, without a loss for the tab that was the last", () => {
    const { hub, connections } = setup();
    const [behind, last] = [member(), member()];
    hub.join(behind.receive, undefined);
    hub.join(last.receive, undefined);
    connections[0]?.send("1.1", "answer.started", started);
    hub.leave(behind.receive);
    connections[0]?.send("2.1", "answer.delta", delta(0, "Be"));
    hub.leave(last.receive);
    hub.join(last.receive, "2.1");
    hub.join(behind.receive, "1.1");
    expect(connections[1]?.lastEventId).toBe("2.1");
    expect(last.opened().at(-1)).toEqual({ kind: "opened", isResumed: true });
    expect(behind.opened().at(-1)).toEqual({ kind: "opened", isResumed: false });
  });
});

describe("the text that tabs share", () => {
  it("is replayed for a tab that opens the conversation later", () => {
    const { hub, connections } = setup();
    const [early, late] = [member(), member()];
    hub.join(early.receive, undefined);
    connections[0]?.send("1.1", "answer.started", started);
    for (const [offset, text] of [
      [0, "Grü"],
      [4, "ße"],
    ] as const) {
      connections[0]?.send("1.1", "answer.delta", delta(offset, text));
    }
    hub.join(late.receive, undefined);
    hub.replay(late.receive, "c");
    connections[0]?.send("1.1", "answer.delta", delta(7, "!"));
    expect(texts(late.received)).toEqual(["Grüße", "!"]);
    expect(texts(early.received)).toEqual(["Grü", "ße", "!"]);
  });

  it("begins anew when text is missing", () => {
    const { hub, connections } = setup();
    const tab = member();
    hub.join(tab.receive, undefined);
    connections[0]?.send("1.1", "answer.started", started);
    expect(connections[0]?.send("1.1", "answer.delta", delta(7, "!"))).toBe("restart");
  });

  it("begins anew when the service cannot resume", async () => {
    const { hub, connections } = setup();
    const tab = member();
    hub.join(tab.receive, undefined);
    connections[0]?.send("1.1", "answer.started", started);
    connections[0]?.refuse(new Problem(400));
    await Promise.resolve();
    await Promise.resolve();
    expect(connections[1]?.lastEventId).toBeUndefined();
    expect(tab.opened().at(-1)).toEqual({ kind: "opened", isResumed: false });
  });

  it("tells the tabs that it was refused, and they may join again", async () => {
    const { hub, connections } = setup();
    const tab = member();
    hub.join(tab.receive, undefined);
    connections[0]?.refuse(new Problem(403));
    await Promise.resolve();
    await Promise.resolve();
    expect(tab.received.at(-1)).toEqual({ kind: "refused" });
    hub.join(tab.receive, undefined);
    expect(connections.length).toBe(2);
  });
});
