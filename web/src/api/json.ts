// The boundary at which a JSON text of the server gets its type.

/**
 * Parses a JSON text whose type the server's contract defines. The text is not checked against the type: the
 * types are generated from the OpenAPI document, and the service is deployed together with the page.
 */
export function parseJson<Data>(text: string): Data {
  return JSON.parse(text);
}
