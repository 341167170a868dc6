// The language models that questions can be answered with.

import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { LanguageModel } from "../api/types";

export const modelsQuery = queryOptions({
  queryKey: ["models"],
  queryFn: async ({ signal }): Promise<LanguageModel[]> => (await unwrap(api.GET("/v1/models", { signal }))).items,
  staleTime: Number.POSITIVE_INFINITY,
});

/** The name of the model that a question is sent to: the wanted one, else the default; undefined without a choice. */
export function useModelName(wanted: string | undefined): string | undefined {
  const models = useModelChoices();
  const model = models.find(({ name }) => name === wanted) ?? models.find(({ is_default }) => is_default);
  return model?.name;
}

/** Whether a language model writes answers here. */
export function useHasModels(): boolean {
  const { data } = useQuery(modelsQuery);
  return data !== undefined && data.length > 0;
}

const NONE: readonly LanguageModel[] = [];

/** The models, if there is a choice among them. */
export function useModelChoices(): readonly LanguageModel[] {
  const { data } = useQuery(modelsQuery);
  return data && data.length > 1 ? data : NONE;
}
