// The tabs that a worker serves, all of the same user.

import { SignedOut } from "../api/problem";
import type { TabMessage, WorkerMessage } from "./hubPort";
import { type Receive, StreamHub } from "./streamHub";

/** Browsers run the timers of hidden tabs as rarely as once a minute. */
const FORGOTTEN_AFTER_MS = 180_000;

interface Options {
  /** Opens the stream of a user. Rejects with `SignedOut` if the session is another user's. */
  openFor: (owner: string) => ConstructorParameters<typeof StreamHub>[0];
  /** The user of the session. */
  sessionOwner: () => Promise<string>;
}

type Port = Pick<MessagePort, "postMessage" | "onmessage">;

export class TabsOfWorker {
  readonly #options: Options;
  #hub: { owner: string; hub: StreamHub } | undefined;
  /** Each tab with the time of its last message. */
  readonly #heard = new Map<Receive, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  serve(port: Port): void {
    const send = (message: WorkerMessage) => port.postMessage(message);
    const receive: Receive = send;
    port.onmessage = ({ data }: MessageEvent<TabMessage>) => {
      if (data.kind === "leave") return this.#leave(receive);
      if (data.kind === "replay") return this.#hub?.hub.replay(receive, data.conversationId);
      this.#heard.set(receive, Date.now());
      this.#forgetSilent();
      send({ kind: "here" });
      void this.#join(receive, data.owner, data.lastId);
    };
  }

  /** Refuses all tabs: the session has changed. */
  reset(): void {
    this.#hub?.hub.close();
    this.#hub = undefined;
  }

  async #join(tab: Receive, owner: string, lastId: string | undefined): Promise<void> {
    try {
      const hub = await this.#hubOf(owner);
      if (this.#heard.has(tab) && !hub.has(tab)) hub.join(tab, lastId);
    } catch (error) {
      tab({ kind: error instanceof SignedOut ? "refused" : "lost" });
    }
  }

  /** The hub of a user. Another user's is replaced if the session is this user's. */
  async #hubOf(owner: string): Promise<StreamHub> {
    if (this.#hub && this.#hub.owner !== owner) {
      if ((await this.#options.sessionOwner()) !== owner) throw new SignedOut();
      if (this.#hub.owner !== owner) this.reset();
    }
    this.#hub ??= { owner, hub: new StreamHub(this.#options.openFor(owner)) };
    return this.#hub.hub;
  }

  #leave(tab: Receive): void {
    this.#heard.delete(tab);
    this.#hub?.hub.leave(tab);
  }

  #forgetSilent(): void {
    const oldest = Date.now() - FORGOTTEN_AFTER_MS;
    for (const [tab, heard] of this.#heard) if (heard < oldest) this.#leave(tab);
  }
}
