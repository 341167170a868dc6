// Tells how an answer came about: its model, its durations, and the passages that were found for its question.

import { useQuery } from "@tanstack/react-query";
import type { AnswerProvenance, Citation, FoundPassage } from "../api/types";
import { passageQuery } from "../documents/queries";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Dialog } from "../ui/Dialog";
import { Alert } from "../ui/Notice";
import styles from "./ProvenanceDialog.module.css";
import { provenanceQuery } from "./queries";

interface Props {
  conversationId: string;
  answerId: string;
  /** Know the titles of some of the documents. */
  citations: readonly Citation[];
  onClose: () => void;
}

export default function ProvenanceDialog({ conversationId, answerId, citations, onClose }: Props) {
  const text = useText();
  const { data, error } = useQuery(provenanceQuery(conversationId, answerId));
  return (
    <Dialog title={text.provenance.title} onClose={onClose} side>
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      {data && <Facts provenance={data} />}
      {data && <Passages found={data.found} citations={citations} />}
    </Dialog>
  );
}

function Facts({ provenance }: { provenance: AnswerProvenance }) {
  const { provenance: texts } = useText();
  const language = useLanguage();
  const { language_model, embedding_model, prompt_version, prompt_sha256, timings, usage, instructions, temperature } =
    provenance;
  const facts: [string, string | undefined][] = [
    [texts.model, language_model ?? texts.quoted],
    [texts.prompt, prompt_version && `${prompt_version} · ${prompt_sha256.slice(0, 12)}`],
    [texts.instructions, instructions.map((scope) => texts.instructionScopes[scope]).join(", ")],
    [texts.temperature, temperature?.toLocaleString(language)],
    [texts.tokens, language_model ? texts.tokenCounts(usage.prompt_tokens, usage.completion_tokens) : undefined],
    [texts.search, embedding_model],
    [texts.durations, timings ? texts.durationsOf(timings.retrieval_ms, timings.total_ms) : undefined],
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(
        ([name, value]) =>
          value && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function Passages({ found, citations }: { found: readonly FoundPassage[]; citations: readonly Citation[] }) {
  const { provenance: texts } = useText();
  if (found.length === 0) return <p className={styles.none}>{texts.none}</p>;
  return (
    <div className={styles.wide}>
      <table className={styles.table}>
        <caption className="visually-hidden">{texts.passages}</caption>
        <thead>
          <tr>
            <th scope="col">{texts.rank}</th>
            <th scope="col">{texts.passage}</th>
            <th scope="col">{texts.meaning}</th>
            <th scope="col">{texts.terms}</th>
            <th scope="col">{texts.outcome}</th>
          </tr>
        </thead>
        <tbody>
          {found.map((passage) => (
            <tr key={`${passage.document_id}/${passage.passage}`} data-outcome={passage.outcome}>
              <td>{passage.rank}</td>
              <td>
                <DocumentTitle documentId={passage.document_id} found={found} citations={citations} />{" "}
                {texts.number(passage.passage + 1)}
              </td>
              <td>{texts.place(passage.meaning_rank, passage.meaning)}</td>
              <td>{passage.terms_rank ? texts.place(passage.terms_rank, passage.terms) : "–"}</td>
              <td>{texts.outcomes[passage.outcome]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DocumentTitleProps {
  documentId: string;
  found: readonly FoundPassage[];
  citations: readonly Citation[];
}

/** The title of a document: as the answer cites it, else by one request for all passages of the document. */
function DocumentTitle({ documentId, found, citations }: DocumentTitleProps) {
  const { provenance: texts } = useText();
  const cited = citations.find(({ document_id }) => document_id === documentId);
  const first = found.find(({ document_id }) => document_id === documentId);
  const passage = passageQuery(documentId, first?.passage ?? 0);
  const { data, isError } = useQuery({ ...passage, enabled: !cited, retry: false });
  return <span dir="auto">{cited?.title ?? data?.title ?? (isError ? texts.gone : "…")}</span>;
}
