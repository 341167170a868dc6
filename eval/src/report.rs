//! Reports the results as a table and as a JSON object.

use serde_json::{Value, json};

use crate::answers::Answer;
use crate::engine::Corpus;
use crate::evaluation::{Evaluation, QuestionResult, Ranking, StageTimings};
use crate::metrics::{RankingMetrics, mean};
use crate::timings::{Percentile, Timings, milliseconds};

/// The results of a run. Shares range from 0 to 1; `None` without any such question.
pub(crate) struct Summary {
    documents: usize,
    passages: u32,
    questions: usize,
    answerable: usize,
    dense: RankingMetrics,
    bm25: RankingMetrics,
    fused: RankingMetrics,
    quoting: Option<f64>,
    model: Option<f64>,
    refused: Option<f64>,
    model_refused: Option<f64>,
    refused_wrongly: Option<f64>,
    ms: Value,
}

impl Summary {
    /// Summarizes the results of all questions.
    pub(crate) fn of(corpus: &Corpus, evaluation: &Evaluation) -> Self {
        let (answerable, unanswerable): (Vec<_>, Vec<_>) =
            evaluation.results.iter().partition(|result| result.question.is_answerable());
        let metrics = |ranking: fn(&QuestionResult) -> &Ranking| {
            RankingMetrics::mean(&answerable.iter().map(|result| ranking(result).metrics).collect::<Vec<_>>())
        };
        let with_expected_text = |answer: fn(&QuestionResult) -> Option<&Answer>| {
            let expecting = answerable.iter().filter(|result| !result.question.answer_contains.is_empty());
            share(expecting.filter_map(|result| answer(result)).map(|answer| answer.has_expected_text))
        };
        let refused = |all: &[&QuestionResult], answer: fn(&QuestionResult) -> Option<&Answer>| {
            share(all.iter().filter_map(|result| answer(result)).map(|answer| answer.is_refusal))
        };
        let quoted: fn(&QuestionResult) -> Option<&Answer> = |result| Some(&result.quoted);
        let generated: fn(&QuestionResult) -> Option<&Answer> = |result| result.generated.as_ref();
        Self {
            documents: corpus.names.len(),
            passages: corpus.passages,
            questions: evaluation.results.len(),
            answerable: answerable.len(),
            dense: metrics(|result| &result.dense),
            bm25: metrics(|result| &result.bm25),
            fused: metrics(|result| &result.fused),
            quoting: with_expected_text(quoted),
            model: with_expected_text(generated),
            refused: refused(&unanswerable, quoted),
            model_refused: refused(&unanswerable, generated),
            refused_wrongly: refused(&answerable, quoted),
            ms: stage_times(corpus, &evaluation.timings),
        }
    }

    /// Returns the summary as a JSON object.
    pub(crate) fn json(&self) -> Value {
        json!({
            "dense": self.dense,
            "bm25": self.bm25,
            "fused": self.fused,
            "quoting": self.quoting,
            "model": self.model,
            "refused": self.refused,
            "refused_by_model": self.model_refused,
            "refused_wrongly": self.refused_wrongly,
            "ms": self.ms,
            "documents": self.documents,
            "passages": self.passages,
            "questions": self.questions,
            "answerable": self.answerable,
        })
    }
}

fn share(of: impl Iterator<Item = bool>) -> Option<f64> {
    mean(of.map(|is| if is { 1.0 } else { 0.0 }))
}

/// Returns the times in milliseconds: the total for `index`, the median of a question for the other stages.
fn stage_times(corpus: &Corpus, stages: &StageTimings) -> Value {
    let median = |timings: &Timings| timings.percentile_ms(Percentile::P50);
    json!({
        "index": milliseconds(corpus.indexing_time),
        "embed": median(&stages.embed),
        "dense": median(&stages.dense),
        "bm25": median(&stages.bm25),
        "retrieve": median(&stages.retrieve),
        "retrieve_p95": stages.retrieve.percentile_ms(Percentile::P95),
        "quote": median(&stages.quote),
        "model": median(&stages.model),
    })
}

/// Prints the summary as a table.
pub(crate) fn print_table(summary: &Summary) {
    println!(
        "{} documents, {} passages, {} questions, {} of them answerable\n",
        summary.documents, summary.passages, summary.questions, summary.answerable
    );
    print_rankings(summary);
    println!();
    print_answers(summary);
    println!();
    print_times(summary);
}

/// Prints one line for each set, and their mean.
pub(crate) fn print_sets(summaries: &[(String, Summary)]) {
    println!(
        "{:<20} {:>9} {:>7} {:>7} {:>7} {:>9} {:>8} {:>8} {:>8}",
        "set", "passages", "dense", "BM25", "fused", "recall@5", "quoted", "refused", "wrongly"
    );
    let percent =
        |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let line = |name: &str, passages: String, numbers: [Option<f64>; 4], shares: [Option<f64>; 3]| {
        let [dense, bm25, fused, recall] = numbers.map(Option::unwrap_or_default);
        let [quoted, refused, wrongly] = shares.map(percent);
        println!(
            "{name:<20} {passages:>9} {dense:>7.3} {bm25:>7.3} {fused:>7.3} {recall:>9.3} {quoted:>8} {refused:>8} \
             {wrongly:>8}"
        );
    };
    let numbers = |s: &Summary| [s.dense.ndcg10, s.bm25.ndcg10, s.fused.ndcg10, s.fused.recall5].map(Some);
    let shares = |s: &Summary| [s.quoting, s.refused, s.refused_wrongly];
    for (name, summary) in summaries {
        line(name, summary.passages.to_string(), numbers(summary), shares(summary));
    }
    let mean_of = |values: &[Option<f64>]| mean(values.iter().copied().flatten());
    let column =
        |index: usize| mean_of(&summaries.iter().map(|(_, s)| numbers(s)[index]).collect::<Vec<_>>());
    let share = |index: usize| mean_of(&summaries.iter().map(|(_, s)| shares(s)[index]).collect::<Vec<_>>());
    line("mean", String::new(), [0, 1, 2, 3].map(column), [0, 1, 2].map(share));
}

/// The summaries as a JSON object by the names of the sets.
pub(crate) fn json_of_sets(summaries: &[(String, Summary)]) -> Value {
    summaries
        .iter()
        .map(|(name, summary)| (name.clone(), summary.json()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn print_rankings(summary: &Summary) {
    println!("by document   nDCG@10  recall@1  recall@5  recall@10    MRR");
    for (name, m) in [("dense", summary.dense), ("BM25", summary.bm25), ("fused", summary.fused)] {
        println!(
            "{name:<12}{:>9.3}{:>10.3}{:>10.3}{:>11.3}{:>7.3}",
            m.ndcg10, m.recall1, m.recall5, m.recall10, m.mrr
        );
    }
}

fn print_answers(summary: &Summary) {
    for (label, share) in [
        ("quotations with an expected text", summary.quoting),
        ("language model answers with an expected text", summary.model),
        ("unanswerable questions refused by quotation", summary.refused),
        ("unanswerable questions refused by the language model", summary.model_refused),
        ("answerable questions refused by quotation", summary.refused_wrongly),
    ] {
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        println!("{label:<58}{share:>9}");
    }
}

fn print_times(summary: &Summary) {
    for (stage, label) in [
        ("index", "indexing of all documents"),
        ("embed", "embedding of a question, median"),
        ("dense", "dense search, median"),
        ("bm25", "BM25 search, median"),
        ("retrieve", "retrieval with embedding, median"),
        ("retrieve_p95", "retrieval with embedding, 95th percentile"),
        ("quote", "quotation, median"),
        ("model", "language model answer, median"),
    ] {
        let time = summary.ms[stage].as_f64();
        let time = time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1} ms"));
        println!("{label:<54}{time:>13}");
    }
}

/// Prints the rank of the first relevant document and the answers of each question.
pub(crate) fn print_each(evaluation: &Evaluation) {
    for result in &evaluation.results {
        let rankings = [("dense", &result.dense), ("BM25", &result.bm25), ("fused", &result.fused)];
        let ranks = rankings.map(|(name, ranking)| {
            let mrr = ranking.metrics.mrr;
            format!("{name} {}", if mrr > 0.0 { (1.0 / mrr).round() } else { 0.0 })
        });
        println!("── {}: {}", result.question.id, result.question.text);
        println!(
            "   rank {}; answerable {}, refused {}, expected text {}; first document {}",
            ranks.join(", "),
            result.question.is_answerable(),
            result.quoted.is_refusal,
            result.quoted.has_expected_text,
            result.fused.names.first().map_or("-", String::as_str)
        );
        println!("   expected {:?}\n{}\n", result.question.answer_contains, result.quoted.text);
        if let Some(generated) = &result.generated {
            println!("   language model:\n{}\n", generated.text);
        }
    }
}
