// What the account service offers: who may sign up, and whether it sends mail.

import { queryOptions } from "@tanstack/react-query";
import { fetchOffers } from "./auth";

export const offersQuery = queryOptions({
  queryKey: ["account offers"],
  queryFn: fetchOffers,
  staleTime: Number.POSITIVE_INFINITY,
});
