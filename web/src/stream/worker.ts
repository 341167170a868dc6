// The worker that all tabs of a browser share. It holds their only connection to the stream, because browsers open few
// connections to a host over HTTP/1.1. It ends with the last tab.

import { sessionChannel } from "../api/sessionChannel";
import { tokens } from "../api/tokens";
import { openUserStream, sessionOwner } from "./openUserStream";
import { TabsOfWorker } from "./tabsOfWorker";

const tabs = new TabsOfWorker({ openFor: openUserStream, sessionOwner });

sessionChannel()?.addEventListener("message", () => {
  tokens.clear();
  tabs.reset();
});

addEventListener("connect", (event) => {
  const [port] = event instanceof MessageEvent ? event.ports : [];
  if (port) tabs.serve(port);
});
