// The tags of the documents that a question is answered from. Not shown where no document has a tag.

import { useQuery } from "@tanstack/react-query";
import { Tag, X } from "lucide-react";
import { useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import picker from "../ui/Picker.module.css";
import { tagsQuery } from "./queries";
import styles from "./TagFilter.module.css";

interface Props {
  /** The chosen tags; all documents without one. */
  tags: readonly string[];
  onChange: (tags: readonly string[]) => void;
}

export function TagFilter({ tags, onChange }: Props) {
  const text = useText();
  const { data: known = [] } = useQuery({ ...tagsQuery, retry: false });
  const others = known.filter((tag) => !tags.includes(tag));
  if (tags.length === 0 && others.length === 0) return null;
  return (
    <div className={styles.filter}>
      {tags.length > 0 && (
        <ul className={styles.tags} aria-label={text.composer.tags}>
          {tags.map((tag) => (
            <li key={tag} className={styles.tag}>
              <Tag size={14} aria-hidden="true" />
              <span dir="auto">{tag}</span>
              <IconButton
                label={`${text.composer.removeTag}: ${tag}`}
                onClick={() => onChange(tags.filter((other) => other !== tag))}
              >
                <X size={14} />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <select
          className={picker.picker}
          aria-label={text.composer.tags}
          title={text.composer.tags}
          value=""
          onChange={({ target }) => target.value && onChange([...tags, target.value])}
        >
          <option value="">{tags.length === 0 ? text.composer.allDocuments : text.composer.addTag}</option>
          {others.map((tag) => (
            <option key={tag} value={tag}>
              {tag}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
