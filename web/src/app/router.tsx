// The pages and their addresses, and who may see them.

import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Link,
  Outlet,
  redirect,
  useRouter,
} from "@tanstack/react-router";
import { AccountPage } from "../account/AccountPage";
import { destinationOf } from "../account/destination";
import { session } from "../account/session";
import { loadMarkdown } from "../conversation/Answer";
import { ConversationPage } from "../conversation/ConversationPage";
import { NewConversationPage } from "../conversation/NewConversationPage";
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

const home = createRoute({
  getParentRoute: () => root,
  id: "home",
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
  loader: async () => {
    await loadMarkdown();
  },
  component: () => {
    const { conversationId } = conversation.useParams();
    return <ConversationPage key={conversationId} conversationId={conversationId} />;
  },
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
    routeTree: root.addChildren([signIn, signUp, home.addChildren([start, conversation])]),
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
