// The routes of the pages. Pages below the layout require a session.

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
import { parseDestination } from "../account/destination";
import { offersQuery } from "../account/offers";
import { SignInPage } from "../account/SignInPage";
import { SignUpPage } from "../account/SignUpPage";
import { userQuery } from "../account/session";
import { addressOf, BASE_PATH } from "../api/basePath";
import { parseFilters as parseLedgerFilters } from "../audit/filters";
import { ConversationPage } from "../conversation/ConversationPage";
import { loadMarkdown } from "../conversation/lazyMarkdown";
import { NewConversationPage } from "../conversation/NewConversationPage";
import { FILTER_NAMES, parseFilters } from "../conversation-list/filters";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button, buttonClass } from "../ui/Button";
import { Notice } from "../ui/Notice";
import { AppLayout } from "./AppLayout";

const root = createRootRouteWithContext<{ queries: QueryClient }>()({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: parseDestination,
  beforeLoad: ({ context, search }) => redirectSignedInUser(context.queries, search.to),
  component: () => <SignInPage destination={signIn.useSearch()} />,
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  validateSearch: parseDestination,
  beforeLoad: ({ context, search }) => redirectSignedInUser(context.queries, search.to),
  component: () => <SignUpPage destination={signUp.useSearch()} />,
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot-password",
  component: lazyRouteComponent(() => import("../account/ForgotPasswordPage")),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset-password",
  component: lazyRouteComponent(() => import("../account/ResetPasswordPage")),
});

const confirm = createRoute({
  getParentRoute: () => root,
  path: "/confirm-email",
  component: lazyRouteComponent(() => import("../account/ConfirmEmailPage")),
});

const layout = createRoute({
  getParentRoute: () => root,
  id: "layout",
  validateSearch: parseFilters,
  // The filters of the list stay while the user opens its conversations.
  search: { middlewares: [retainSearchParams([...FILTER_NAMES])] },
  beforeLoad: async ({ context, location }) => {
    const user = await context.queries.ensureQueryData(userQuery);
    if (user) return;
    const search = location.href === "/" ? {} : { to: location.href };
    throw redirect({ to: "/sign-in", search, replace: true });
  },
  component: AppLayout,
});

const start = createRoute({ getParentRoute: () => layout, path: "/", component: NewConversationPage });

const conversation = createRoute({
  getParentRoute: () => layout,
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
  getParentRoute: () => layout,
  path: "/documents",
  component: lazyRouteComponent(() => import("../documents/DocumentsPage")),
});

const usage = createRoute({
  getParentRoute: () => layout,
  path: "/usage",
  component: lazyRouteComponent(() => import("../usage/UsagePage")),
});

const settings = createRoute({
  getParentRoute: () => layout,
  path: "/settings",
  component: lazyRouteComponent(() => import("../settings/SettingsPage")),
});

const erasure = createRoute({
  getParentRoute: () => root,
  path: "/erasures/$receipt",
  component: lazyRouteComponent(() => import("../settings/ErasurePage")),
});

const audit = createRoute({
  getParentRoute: () => layout,
  path: "/audit",
  validateSearch: parseLedgerFilters,
  component: lazyRouteComponent(() => import("../audit/AuditPage")),
});

const replay = createRoute({
  getParentRoute: () => layout,
  path: "/audit/c/$conversationId",
  validateSearch: ({ at }: Record<string, unknown>): { at?: number } =>
    typeof at === "number" && Number.isInteger(at) && at > 0 ? { at } : {},
  component: lazyRouteComponent(() => import("../audit/ReplayPage")),
});

async function redirectSignedInUser(queries: QueryClient, to: string | undefined): Promise<void> {
  void queries.prefetchQuery(offersQuery);
  if (await queries.ensureQueryData(userQuery)) throw redirect({ href: addressOf(to ?? "/"), replace: true });
}

function ErrorPage({ error }: ErrorComponentProps) {
  const text = useText();
  const router = useRouter();
  return (
    <Notice title={text.failure.title} hint={errorMessage(error, text)}>
      <Button onClick={() => void router.invalidate()}>{text.failure.retry}</Button>
    </Notice>
  );
}

function NotFoundPage() {
  const text = useText();
  return (
    <Notice title={text.failure.notFound}>
      <Link to="/" className={buttonClass()}>
        {text.failure.home}
      </Link>
    </Notice>
  );
}

export function createAppRouter(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([
      signIn,
      signUp,
      forgot,
      reset,
      confirm,
      erasure,
      layout.addChildren([start, conversation, documents, usage, settings, audit, replay]),
    ]),
    basepath: BASE_PATH,
    context: { queries },
    defaultErrorComponent: ErrorPage,
    defaultNotFoundComponent: NotFoundPage,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
