// Starts the page.

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { tokens } from "./account/auth";
import { expire, followOtherTabs } from "./account/session";
import { mayPass, SignedOut } from "./api/problem";
import { preferences } from "./app/preferences";
import { createPages } from "./app/router";
import { loadTexts } from "./text/text";
import "./app/theme.css";

const RETRIES = 3;

const onError = (error: unknown) => {
  if (!(error instanceof SignedOut)) return;
  expire(queries);
  void router.invalidate();
};

const queries = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: { retry: (failures, error) => failures < RETRIES && mayPass(error), refetchOnWindowFocus: false },
  },
});

const router = createPages(queries);

// Somebody else signed in, in another tab: nothing on this page may be shown to them.
tokens.onOwnerChanged = () => location.reload();

followOtherTabs(queries, () => void router.invalidate());

const container = document.getElementById("root");
if (!container) throw new Error("index.html has no #root");
const draw = () =>
  createRoot(container).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
// Without its texts the page still speaks English.
void loadTexts(preferences.language()).then(draw, draw);
