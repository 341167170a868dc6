// The tags of conversations and of documents.

const MAX_TAGS = 20;
const MAX_TAG_LENGTH = 50;

/** The tags in a comma-separated line, without duplicates and within the limits of the service. */
export function parseTags(line: string): string[] {
  const tags = line.split(",").map((tag) => tag.trim().slice(0, MAX_TAG_LENGTH));
  return [...new Set(tags)].filter(Boolean).slice(0, MAX_TAGS);
}
