// The stream of the user in this tab. All tabs of the browser share one connection, which a worker holds. Where the
// browser has no shared workers, or the worker does not answer, the tab has a connection of its own.

import { BASE_PATH } from "../api/basePath";
import { tokens } from "../api/tokens";
import { JOIN_EVERY_MS, type TabMessage, type WorkerMessage } from "./hubPort";
import { openUserStream } from "./openUserStream";
import { type HubMessage, type Receive, StreamHub } from "./streamHub";

/** Unanswered `join` messages after which the worker counts as dead. */
const MAX_UNANSWERED = 3;
/** Dead workers in a row after which the tab opens a connection of its own. The browser starts another one first. */
const MAX_DEAD_WORKERS = 2;

interface Connection {
  replay: (conversationId: string) => void;
  close: () => void;
}

/** Returns the port of the worker. Calls `onError` if the worker does not start. */
export type ConnectWorker = (onError: () => void) => MessagePort;

export class UserStream {
  readonly #connectWorker: ConnectWorker | undefined;
  readonly #openFor: typeof openUserStream;
  #connection: Connection | undefined;
  #deadWorkers = 0;
  #lastId: string | undefined;
  #isLost = false;
  readonly #listeners = new Set<() => void>();

  constructor(connectWorker: ConnectWorker | undefined, openFor = openUserStream) {
    this.#connectWorker = connectWorker;
    this.#openFor = openFor;
  }

  /** Follows the stream of a user until the returned function is called. A later call resumes. */
  follow(owner: string, receive: Receive): () => void {
    const take: Receive = (message) => {
      this.#note(message);
      receive(message);
    };
    this.#connection = this.#connect(owner, take);
    return () => {
      this.#connection?.close();
      this.#connection = undefined;
      this.#setLost(false);
    };
  }

  /** Requests the newest question and answer of a conversation again. */
  replay(conversationId: string): void {
    this.#connection?.replay(conversationId);
  }

  /** Whether the connection is lost. */
  readonly isLost = (): boolean => this.#isLost;

  /** Calls the listener when `isLost` changes. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #connect(owner: string, take: Receive): Connection {
    if (this.#connectWorker && this.#deadWorkers < MAX_DEAD_WORKERS) {
      try {
        return this.#joinWorker(this.#connectWorker, owner, take);
      } catch {
        this.#deadWorkers = MAX_DEAD_WORKERS;
      }
    }
    return this.#joinOwnHub(owner, take);
  }

  #joinOwnHub(owner: string, take: Receive): Connection {
    const hub = new StreamHub(this.#openFor(owner));
    const join = () => hub.has(take) || hub.join(take, this.#lastId);
    const timer = setInterval(join, JOIN_EVERY_MS);
    join();
    return {
      replay: (conversationId) => hub.replay(take, conversationId),
      close: () => {
        clearInterval(timer);
        hub.leave(take);
      },
    };
  }

  #joinWorker(connectWorker: ConnectWorker, owner: string, take: Receive): Connection {
    let unanswered = 0;
    const port = connectWorker(() => abandon(MAX_DEAD_WORKERS));
    const send = (message: TabMessage) => port.postMessage(message);
    const join = () => {
      // Counts timers instead of time, because a tab may be frozen for hours.
      if (unanswered === MAX_UNANSWERED) return abandon(this.#deadWorkers + 1);
      unanswered += 1;
      send({ kind: "join", owner, lastId: this.#lastId });
    };
    const timer = setInterval(join, JOIN_EVERY_MS);
    const close = () => {
      clearInterval(timer);
      send({ kind: "leave" });
      port.onmessage = null;
      port.close();
    };
    const connection = { replay: (conversationId: string) => send({ kind: "replay", conversationId }), close };
    const abandon = (deadWorkers: number) => {
      if (this.#connection !== connection) return;
      this.#deadWorkers = deadWorkers;
      close();
      this.#connection = this.#connect(owner, take);
    };
    port.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      unanswered = 0;
      this.#deadWorkers = 0;
      if (data.kind !== "here") take(data);
    };
    join();
    return connection;
  }

  #note(message: HubMessage): void {
    if (message.kind === "event") this.#lastId = message.id ?? this.#lastId;
    // The position is unknown until the next event.
    if (message.kind === "refused") this.#lastId = undefined;
    if (message.kind !== "event") this.#setLost(message.kind !== "opened");
  }

  #setLost(isLost: boolean): void {
    if (isLost === this.#isLost) return;
    this.#isLost = isLost;
    for (const listener of this.#listeners) listener();
  }
}

function connectWorker(onError: () => void): MessagePort {
  // The name tells the worker the base path, which only the document has.
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: BASE_PATH });
  worker.onerror = onError;
  return worker.port;
}

export const userStream = new UserStream(typeof SharedWorker === "undefined" ? undefined : connectWorker);

/** The user of this tab. */
export function userOfTab(): Promise<string> {
  return tokens.owner();
}
