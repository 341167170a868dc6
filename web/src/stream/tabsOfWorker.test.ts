import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TabMessage, WorkerMessage } from "./hubPort";
import { TabsOfWorker } from "./tabsOfWorker";

class FakePort {
  onmessage: MessagePort["onmessage"] = null;
  readonly received: WorkerMessage[] = [];

  postMessage(message: WorkerMessage): void {
    this.received.push(message);
  }

  say(message: TabMessage): void {
    this.onmessage?.call(new MessageChannel().port1, new MessageEvent("message", { data: message }));
  }

  join(owner: string): void {
    this.say({ kind: "join", owner, lastId: undefined });
  }

  kinds(): string[] {
    return this.received.map(({ kind }) => kind);
  }
}

/** The streams never send anything. */
function setup() {
  const session = { owner: "ada" };
  const open = new Map<string, number>();
  const change = (owner: string, by: number) => open.set(owner, (open.get(owner) ?? 0) + by);
  const tabs = new TabsOfWorker({
    sessionOwner: async () => session.owner,
    openFor: (owner) => async (_, signal) => {
      change(owner, 1);
      signal.addEventListener("abort", () => change(owner, -1));
      return new Response(new ReadableStream<Uint8Array>({ start: () => {} }));
    },
  });
  const tab = () => {
    const port = new FakePort();
    tabs.serve(port);
    return port;
  };
  return { session, open, tabs, tab };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the worker of all tabs", () => {
  it("opens one connection for all tabs of a user, and answers each", async () => {
    const { open, tab } = setup();
    const tabs = [tab(), tab(), tab(), tab(), tab(), tab(), tab()];
    for (const port of tabs) port.join("ada");
    await settle();
    for (const port of tabs) port.join("ada");
    await settle();
    expect(open.get("ada")).toBe(1);
    for (const port of tabs) expect(port.kinds()).toEqual(["here", "opened", "here"]);
  });

  it("closes the connection when the last tab leaves or has said nothing for long", async () => {
    const { open, tab } = setup();
    const [silent, leaving] = [tab(), tab()];
    silent.join("ada");
    leaving.join("ada");
    await settle();
    await vi.advanceTimersByTimeAsync(170_000);
    leaving.join("ada");
    await vi.advanceTimersByTimeAsync(20_000);
    leaving.join("ada");
    leaving.say({ kind: "leave" });
    await settle();
    expect(open.get("ada")).toBe(0);
  });

  it("serves another user only if the session is theirs", async () => {
    const { session, open, tab } = setup();
    const [ada, grace] = [tab(), tab()];
    ada.join("ada");
    grace.join("grace");
    await settle();
    expect(grace.kinds()).toEqual(["here", "refused"]);
    session.owner = "grace";
    grace.join("grace");
    await settle();
    expect(ada.kinds()).toEqual(["here", "opened", "refused"]);
    expect(grace.kinds().at(-1)).toBe("opened");
    ada.join("ada");
    await settle();
    expect(ada.kinds().at(-1)).toBe("refused");
    expect([open.get("ada"), open.get("grace")]).toEqual([0, 1]);
  });

  it("refuses all tabs when the session changes", async () => {
    const { open, tabs, tab } = setup();
    const port = tab();
    port.join("ada");
    await settle();
    tabs.reset();
    expect(port.kinds().at(-1)).toBe("refused");
    expect(open.get("ada")).toBe(0);
  });
});
