//! Converts results of retrieval and generation to the types of the conversation's events.

use aggregates::DocumentId;
use aggregates::conversation::{
    Answer, Citation, CutOff, FoundPassage, PassageOutcome, PassageScore, Provenance, Timings, Usage,
};
use rag::answer::{Author, FinishedAnswer};
use rag::retrieve::{Found, Outcome};
use rag::vocabulary::Source;
use uuid::Uuid;

use super::preferences::Preferences;
use crate::knowledge::place::place_in_file;

/// Passages that are recorded of all that were found, beside those that the answer is written from.
const MAX_FOUND: u32 = 24;

/// Converts a citation.
pub(super) fn citation(citation: rag::cite::Citation) -> Citation {
    Citation {
        number: citation.number,
        document_id: DocumentId::new(Uuid::from(citation.document_id)),
        title: citation.title,
        passage: citation.passage,
        place: citation.place.map(place_in_file),
        snippet: citation.snippet,
        score: citation.score,
    }
}

/// Sources with the numbers by which the answer cites them.
pub(super) fn sources(sources: &[Source]) -> Vec<Citation> {
    (1..).zip(sources).map(|(number, source)| citation(rag::cite::Citation::of(number, source))).collect()
}

/// Converts a finished answer: text and citations, provenance, usage.
pub(super) fn finished(
    finished: FinishedAnswer,
    found: &[Found],
    preferences: &Preferences,
    timings: Timings,
) -> (Answer, Provenance, Usage) {
    let given = match finished.provenance.author {
        Author::Model { instructions, .. } => instructions,
        Author::Quoted => 0,
    };
    let mut provenance = Provenance { timings: Some(timings), ..provenance(finished.provenance) };
    if !provenance.quoted {
        provenance.instructions = preferences.last_scopes(given);
        provenance.temperature = preferences.temperature;
    }
    provenance.found = found_passages(found, &provenance.passages);
    let usage = Usage {
        prompt_tokens: finished.usage.prompt_tokens,
        completion_tokens: finished.usage.completion_tokens,
    };
    let answer = Answer {
        text: finished.text,
        citations: finished.citations.into_iter().map(citation).collect(),
        reasoning: finished.reasoning,
        cut_off: finished.cut_off.map(|cut_off| match cut_off {
            rag::answer::CutOff::Tokens => CutOff::Tokens,
            rag::answer::CutOff::Size => CutOff::Size,
            rag::answer::CutOff::Filter => CutOff::Filter,
        }),
    };
    (answer, provenance, usage)
}

/// The first passages, and those behind them from which the answer is written.
fn found_passages(found: &[Found], given: &[PassageScore]) -> Vec<FoundPassage> {
    let recorded = (1..)
        .zip(found)
        .filter(|(rank, found)| *rank <= MAX_FOUND || matches!(found.outcome, Outcome::Selected));
    recorded.map(|(rank, found)| found_passage(rank, found, given)).collect()
}

fn found_passage(rank: u32, found: &Found, given: &[PassageScore]) -> FoundPassage {
    let document_id = DocumentId::new(Uuid::from(found.id.document_id));
    let passage = found.id.ordinal;
    let is_given = given.iter().any(|given| (given.document_id, given.passage) == (document_id, passage));
    let outcome = match found.outcome {
        Outcome::Selected if is_given => PassageOutcome::Given,
        Outcome::Selected => PassageOutcome::NoRoom,
        Outcome::Irrelevant => PassageOutcome::Irrelevant,
        Outcome::Outscored => PassageOutcome::Outscored,
        Outcome::Duplicate => PassageOutcome::Duplicate,
        Outcome::Surplus => PassageOutcome::Surplus,
    };
    let (meaning_rank, meaning) = found.meaning;
    let (terms_rank, terms) = found.terms.map_or((None, 0.0), |(rank, score)| (Some(rank), score));
    let score = found.score;
    FoundPassage { document_id, passage, meaning_rank, meaning, terms_rank, terms, rank, score, outcome }
}

fn provenance(provenance: rag::answer::Provenance) -> Provenance {
    let (language_model, prompt_version, prompt_sha256, quoted) = match provenance.author {
        Author::Quoted => (None, String::new(), String::new(), true),
        Author::Model { name, prompt_version, prompt_sha256, .. } => {
            (Some(name), prompt_version.to_owned(), prompt_sha256, false)
        }
    };
    let passages = provenance
        .passages
        .into_iter()
        .map(|(id, score)| PassageScore {
            document_id: DocumentId::new(Uuid::from(id.document_id)),
            passage: id.ordinal,
            score,
        })
        .collect();
    Provenance {
        embedding_model: provenance.embedding_model,
        index_version: provenance.index_version,
        passages,
        language_model,
        prompt_version,
        prompt_sha256,
        quoted,
        found: vec![],
        instructions: vec![],
        temperature: None,
        timings: None,
    }
}

#[cfg(test)]
mod tests {
    use rag::vocabulary::{DocumentId as RagDocumentId, PassageId};

    use super::*;

    fn made_by(author: Author) -> rag::answer::Provenance {
        let document_id = RagDocumentId::from(Uuid::from_u128(3));
        rag::answer::Provenance {
            embedding_model: "m".into(),
            index_version: "i".into(),
            passages: vec![(PassageId { document_id, ordinal: 4 }, 0.5)],
            author,
        }
    }

    #[test]
    fn passages_that_are_given_are_recorded_at_any_rank() {
        let passage = |ordinal, outcome| Found {
            id: PassageId { document_id: RagDocumentId::from(Uuid::from_u128(3)), ordinal },
            meaning: (1, 0.9),
            terms: None,
            score: 0.5,
            outcome,
        };
        let mut found: Vec<Found> = (100..130).map(|ordinal| passage(ordinal, Outcome::Duplicate)).collect();
        found.push(passage(4, Outcome::Selected));
        found.push(passage(131, Outcome::Surplus));
        let recorded = found_passages(&found, &provenance(made_by(Author::Quoted)).passages);
        let last = recorded.last().map(|passage| (passage.passage, passage.rank, passage.outcome));
        assert_eq!(last, Some((4, 31, PassageOutcome::Given)));
        assert_eq!(recorded.len(), 25);
    }

    #[test]
    fn a_quoted_answer_names_no_model() {
        let quoted = provenance(made_by(Author::Quoted));
        assert!(quoted.quoted && quoted.language_model.is_none());
        assert_eq!(quoted.passages.first().map(|passage| passage.passage), Some(4));
    }

    #[test]
    fn a_written_answer_names_its_model_and_prompt() {
        let written = provenance(made_by(Author::Model {
            name: "llama".into(),
            prompt_version: "answer.v1",
            prompt_sha256: "00".into(),
            instructions: 0,
        }));
        assert!(!written.quoted);
        assert_eq!(written.language_model.as_deref(), Some("llama"));
        assert_eq!(written.prompt_version, "answer.v1");
    }
}
