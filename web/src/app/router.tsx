// The pages and their addresses, and who may see them.

import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Link,
  lazyRouteComponent,
  Outlet,
  redirect,
  retainSearchParams,
  useRouter,
} from "@tanstack/react-router";
import { AccountPage } from "../account/AccountPage";
import { destinationOf } from "../account/destination";
import { session } from "../account/session";
import { lookOf } from "../audit/look";
import { loadMarkdown } from "../conversation/Answer";
import { ConversationPage } from "../conversation/ConversationPage";
import { NewConversationPage } from "../conversation/NewConversationPage";
import { FILTER_NAMES, filtersOf } from "../conversations/filters";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button, buttonLooks } from "../ui/Button";
import { Notice } from "../ui/Notice";
import { Home } from "./Home";

const root = createRootRouteWithContext<{ queries: QueryClient }>()({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: destinationOf,
  beforeLoad: ({ context, search }) => skipWhenSignedIn(context.queries, search.to),
  component: () => <AccountPage kind="signIn" destination={signIn.useSearch()} />,
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  validateSearch: destinationOf,
  beforeLoad: ({ context, search }) => skipWhenSignedIn(context.queries, search.to),
  component: () => <AccountPage kind="signUp" destination={signUp.useSearch()} />,
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot-password",
  component: lazyRouteComponent(() => import("../account/ForgotPage")),
});

const ResetPage = lazyRouteComponent(() => import("../account/ResetPage"));
const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset-password",
  validateSearch: ({ token }: Record<string, unknown>): { token?: string } =>
    typeof token === "string" ? { token } : {},
  component: () => <ResetPage token={reset.useSearch().token} />,
});

const home = createRoute({
  getParentRoute: () => root,
  id: "home",
  validateSearch: filtersOf,
  // What one looks for in the history stays while one goes through it.
  search: { middlewares: [retainSearchParams([...FILTER_NAMES])] },
  beforeLoad: async ({ context, location }) => {
    const person = await context.queries.ensureQueryData(session);
    if (person) return;
    const search = location.href === "/" ? {} : { to: location.href };
    throw redirect({ to: "/sign-in", search, replace: true });
  },
  component: Home,
});

const start = createRoute({ getParentRoute: () => home, path: "/", component: NewConversationPage });

const conversation = createRoute({
  getParentRoute: () => home,
  path: "/c/$conversationId",
  validateSearch: ({
    branch,
    m,
  }: Record<string, unknown>): { branch?: string | undefined; m?: string | undefined } => ({
    ...(typeof branch === "string" && { branch }),
    ...(typeof m === "string" && { m }),
  }),
  loader: async () => {
    await loadMarkdown();
  },
  component: () => {
    const { conversationId } = conversation.useParams();
    const { branch, m } = conversation.useSearch();
    return <ConversationPage key={conversationId} conversationId={conversationId} branch={branch} message={m} />;
  },
});

const documents = createRoute({
  getParentRoute: () => home,
  path: "/documents",
  component: lazyRouteComponent(() => import("../documents/DocumentsPage")),
});

const usage = createRoute({
  getParentRoute: () => home,
  path: "/usage",
  component: lazyRouteComponent(() => import("../usage/UsagePage")),
});

const settings = createRoute({
  getParentRoute: () => home,
  path: "/settings",
  component: lazyRouteComponent(() => import("../settings/SettingsPage")),
});

const erasure = createRoute({
  getParentRoute: () => root,
  path: "/erasures/$receipt",
  component: lazyRouteComponent(() => import("../settings/ErasurePage")),
});

const audit = createRoute({
  getParentRoute: () => home,
  path: "/audit",
  validateSearch: lookOf,
  component: lazyRouteComponent(() => import("../audit/AuditPage")),
});

const replay = createRoute({
  getParentRoute: () => home,
  path: "/audit/c/$conversationId",
  validateSearch: ({ at }: Record<string, unknown>): { at?: number } =>
    typeof at === "number" && Number.isInteger(at) && at > 0 ? { at } : {},
  component: lazyRouteComponent(() => import("../audit/ReplayPage")),
});

async function skipWhenSignedIn(queries: QueryClient, to: string | undefined): Promise<void> {
  if (await queries.ensureQueryData(session)) throw redirect({ href: to ?? "/", replace: true });
}

function Failed({ error }: ErrorComponentProps) {
  const text = useText();
  const router = useRouter();
  return (
    <Notice title={text.failure.title} hint={inWords(error, text)}>
      <Button onClick={() => void router.invalidate()}>{text.failure.again}</Button>
    </Notice>
  );
}

function NotFound() {
  const text = useText();
  return (
    <Notice title={text.failure.notFound}>
      <Link to="/" className={buttonLooks()}>
        {text.failure.home}
      </Link>
    </Notice>
  );
}

export function createPages(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([
      signIn,
      signUp,
      forgot,
      reset,
      erasure,
      home.addChildren([start, conversation, documents, usage, settings, audit, replay]),
    ]),
    context: { queries },
    defaultErrorComponent: Failed,
    defaultNotFoundComponent: NotFound,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createPages>;
  }
}
