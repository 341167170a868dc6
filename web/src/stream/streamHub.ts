// One connection to the stream of the user, shared by several members. A member is a tab of the browser.

import { Problem } from "../api/problem";
import type { StreamEvent } from "../api/types";
import { parseStreamEvent } from "./events";
import { followStream, type StreamOptions } from "./followStream";
import { RecentAnswers } from "./recentAnswers";

export type HubMessage =
  /** The connection is open. `isResumed` says that the member has received everything from before. */
  | { kind: "opened"; isResumed: boolean }
  /** The connection is lost and is being opened again. */
  | { kind: "lost" }
  /** The service refuses the connection. Joining again may help. */
  | { kind: "refused" }
  | { kind: "event"; event: StreamEvent; id: string | undefined };

export type Receive = (message: HubMessage) => void;

export class StreamHub {
  readonly #open: StreamOptions["open"];
  readonly #follow: typeof followStream;
  /** Each member with the id of the last event it received. */
  readonly #members = new Map<Receive, string | undefined>();
  readonly #recent = new RecentAnswers();
  #lastId: string | undefined;
  #connection: AbortController | undefined;
  #isOpen = false;
  /** The next connection begins anew, because text is missing. */
  #isRestarting = false;

  constructor(open: StreamOptions["open"], follow = followStream) {
    this.#open = open;
    this.#follow = follow;
  }

  /** Opens the connection with the first member. `lastId` is the id of the last event that the member received. */
  join(member: Receive, lastId: string | undefined): void {
    this.#members.set(member, lastId);
    if (!this.#connection) void this.#connect();
    else if (this.#isOpen) this.#welcome(member);
  }

  /** Closes the connection with the last member. */
  leave(member: Receive): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#disconnect();
  }

  has(member: Receive): boolean {
    return this.#members.has(member);
  }

  /** Sends a member the newest question and answer of a conversation again. */
  replay(member: Receive, conversationId: string): void {
    for (const event of this.#recent.of(conversationId)) member({ kind: "event", event, id: this.#lastId });
  }

  /** Refuses all members. They may join again. */
  close(): void {
    this.#disconnect();
    this.#send({ kind: "refused" });
    this.#members.clear();
  }

  async #connect(): Promise<void> {
    const connection = new AbortController();
    this.#connection = connection;
    const { signal } = connection;
    try {
      await this.#follow({
        signal,
        open: (lastEventId, connectionSignal) => {
          // Without an id the stream begins anew.
          this.#lastId = lastEventId ?? this.#takeLastId();
          return this.#open(this.#lastId, connectionSignal);
        },
        onOpen: () => this.#onOpen(),
        onLost: () => this.#onLost(),
        onEvent: (wireEvent) => {
          if (wireEvent.id !== undefined) this.#lastId = wireEvent.id;
          const event = parseStreamEvent(wireEvent);
          return event && this.#take(event) ? "restart" : undefined;
        },
      });
    } catch (error) {
      if (!signal.aborted) this.#onRefused(error);
    }
  }

  /** The id to resume after, unless text is missing. */
  #takeLastId(): string | undefined {
    const lastId = this.#isRestarting ? undefined : this.#lastId;
    this.#isRestarting = false;
    return lastId;
  }

  /** Sends an event to all members. Returns whether text is missing before it. */
  #take(event: StreamEvent): boolean {
    this.#isRestarting = !this.#recent.add(event);
    this.#send({ kind: "event", event, id: this.#lastId });
    for (const member of this.#members.keys()) this.#members.set(member, this.#lastId);
    return this.#isRestarting;
  }

  #onOpen(): void {
    this.#isOpen = true;
    if (this.#lastId === undefined) this.#recent.clear();
    for (const member of this.#members.keys()) this.#welcome(member);
  }

  #welcome(member: Receive): void {
    const lastId = this.#members.get(member);
    member({ kind: "opened", isResumed: lastId !== undefined && lastId === this.#lastId });
    this.#members.set(member, this.#lastId);
  }

  #onLost(): void {
    this.#isOpen = false;
    this.#send({ kind: "lost" });
  }

  #onRefused(error: unknown): void {
    this.#disconnect();
    const cannotResume = error instanceof Problem && error.status === 400 && this.#lastId !== undefined;
    if (cannotResume) {
      this.#lastId = undefined;
      void this.#connect();
    } else {
      this.close();
    }
  }

  #disconnect(): void {
    this.#connection?.abort();
    this.#connection = undefined;
    this.#isOpen = false;
  }

  #send(message: HubMessage): void {
    for (const member of this.#members.keys()) member(message);
  }
}
