// What of the ledger is looked at, as it stands in the address. Pure.

export interface Look {
  user?: string | undefined;
  conversation?: string | undefined;
  type?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;

/** Reads an address; what is empty or no time is dropped. */
export function lookOf(search: Record<string, unknown>): Look {
  const text = (value: unknown) => (typeof value === "string" && value.trim() ? value.trim() : undefined);
  const moment = (value: unknown) => (typeof value === "string" && MOMENT.test(value) ? value : undefined);
  const look: Look = {
    user: text(search.user),
    conversation: text(search.conversation),
    type: text(search.type),
    from: moment(search.from),
    to: moment(search.to),
  };
  return Object.fromEntries(Object.entries(look).filter(([, value]) => value !== undefined));
}

/** The API's parameters: moments by the clock of this device become moments everywhere. */
export function parametersOf({ from, to, ...rest }: Look): Record<string, string | undefined> {
  const moment = (local: string | undefined) => local && new Date(local).toISOString();
  return { ...rest, from: moment(from), to: moment(to) };
}
