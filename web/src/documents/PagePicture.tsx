// The page of a document that a passage is on, as a picture with the passage marked.

import { useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import styles from "./PassageDialog.module.css";
import { pictureQuery } from "./queries";

interface Props {
  documentId: string;
  passage: number;
  /** The pages of the passage. */
  first: number;
  last: number;
}

export function PagePicture({ documentId, passage, first, last }: Props) {
  const text = useText();
  const [page, setPage] = useState(first);
  const { data: picture, error } = useQuery(pictureQuery(documentId, page, passage));
  const address = useObjectUrl(picture);
  // The text of the passage is shown in any case.
  if (error && page === first) return null;
  return (
    <figure className={styles.page} aria-busy={!address}>
      {address && <img src={address} alt={text.passage.page(page)} />}
      <figcaption className={styles.pages}>
        <IconButton label={text.passage.previousPage} disabled={page === 1} onClick={() => setPage(page - 1)}>
          <ChevronLeft size={18} />
        </IconButton>
        {text.passage.page(page)}
        <IconButton
          label={text.passage.nextPage}
          disabled={error !== null && page >= last}
          onClick={() => setPage(page + 1)}
        >
          <ChevronRight size={18} />
        </IconButton>
      </figcaption>
    </figure>
  );
}

/** An address of a file in memory, while the component is mounted. */
function useObjectUrl(file: Blob | undefined): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (!file) return setAddress(undefined);
    const created = URL.createObjectURL(file);
    setAddress(created);
    return () => URL.revokeObjectURL(created);
  }, [file]);
  return address;
}
