// The entry point.

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { expireSession, followOtherTabs } from "./account/session";
import { SignedOut } from "./api/problem";
import { QUERY_RETRIES } from "./api/retry";
import { tokens } from "./api/tokens";
import { createAppRouter } from "./app/router";
import { preferences } from "./storage/preferences";
import { loadTexts } from "./text/text";
import "./app/theme.css";

const onError = (error: unknown) => {
  if (!(error instanceof SignedOut)) return;
  expireSession(queries);
  void router.invalidate();
};

const queries = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: { ...QUERY_RETRIES, refetchOnWindowFocus: false },
  },
});

const router = createAppRouter(queries);

// Another user signed in in another tab and must not see the data on this page.
tokens.onOwnerChanged = () => location.reload();

followOtherTabs(queries, () => void router.invalidate());

const container = document.getElementById("root");
if (!container) throw new Error("index.html has no #root");
const render = () =>
  createRoot(container).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
// If the texts cannot be loaded, the page is in English.
void loadTexts(preferences.language()).then(render, render);
