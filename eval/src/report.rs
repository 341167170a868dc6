//! The table people read and the object programs read.

use serde_json::{Value, json};

use crate::answers::Answer;
use crate::asking::{AllAsked, Asked, Ranking, Stages};
use crate::engine::Library;
use crate::measures::{Measures, mean};
use crate::timing::{Share, Stage, milliseconds};

/// What came out of it all. Shares are of 1; none when there was no such question.
pub(crate) struct Summary {
    documents: usize,
    passages: u32,
    questions: usize,
    answerable: usize,
    dense: Measures,
    bm25: Measures,
    fused: Measures,
    quoting: Option<f64>,
    model: Option<f64>,
    refused: Option<f64>,
    model_refused: Option<f64>,
    refused_wrongly: Option<f64>,
    ms: Value,
}

impl Summary {
    /// Sums up.
    pub(crate) fn of(library: &Library, asked: &AllAsked) -> Self {
        let (answerable, unanswerable): (Vec<_>, Vec<_>) =
            asked.each.iter().partition(|asked| asked.question.is_answerable());
        let average = |of: fn(&Asked) -> &Ranking| {
            Measures::average(&answerable.iter().map(|asked| of(asked).measures).collect::<Vec<_>>())
        };
        let expected = |of: fn(&Asked) -> Option<&Answer>| {
            let expecting = answerable.iter().filter(|asked| !asked.question.answer_contains.is_empty());
            share(expecting.filter_map(|asked| of(asked)).map(|answer| answer.contains))
        };
        let refusing = |all: &[&Asked], of: fn(&Asked) -> Option<&Answer>| {
            share(all.iter().filter_map(|asked| of(asked)).map(|answer| answer.refuses))
        };
        let quoted: fn(&Asked) -> Option<&Answer> = |asked| Some(&asked.quoted);
        let generated: fn(&Asked) -> Option<&Answer> = |asked| asked.generated.as_ref();
        Self {
            documents: library.names.len(),
            passages: library.passages,
            questions: asked.each.len(),
            answerable: answerable.len(),
            dense: average(|asked| &asked.dense),
            bm25: average(|asked| &asked.bm25),
            fused: average(|asked| &asked.fused),
            quoting: expected(quoted),
            model: expected(generated),
            refused: refusing(&unanswerable, quoted),
            model_refused: refusing(&unanswerable, generated),
            refused_wrongly: refusing(&answerable, quoted),
            ms: times(library, &asked.stages),
        }
    }

    /// One line of JSON.
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

/// Milliseconds: of all documents for `index`, of one question's median for the others.
fn times(library: &Library, stages: &Stages) -> Value {
    let half = |stage: &Stage| stage.quantile(Share::Half);
    json!({
        "index": milliseconds(library.indexing),
        "embed": half(&stages.embed),
        "dense": half(&stages.dense),
        "bm25": half(&stages.bm25),
        "retrieve": half(&stages.retrieve),
        "retrieve_p95": stages.retrieve.quantile(Share::NineteenOfTwenty),
        "quote": half(&stages.quote),
        "model": half(&stages.model),
    })
}

/// The table.
pub(crate) fn print_table(summary: &Summary) {
    println!(
        "{} documents, {} passages, {} questions of which {} have an answer\n",
        summary.documents, summary.passages, summary.questions, summary.answerable
    );
    println!("by document   nDCG@10  recall@1  recall@5  recall@10    MRR");
    for (name, m) in [("dense", summary.dense), ("BM25", summary.bm25), ("fused", summary.fused)] {
        println!(
            "{name:<12}{:>9.3}{:>10.3}{:>10.3}{:>11.3}{:>7.3}",
            m.ndcg10, m.recall1, m.recall5, m.recall10, m.mrr
        );
    }
    println!();
    let line = |what: &str, share: Option<f64>| {
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        println!("{what:<58}{share:>9}");
    };
    line("answers with an expected text, quoted", summary.quoting);
    line("answers with an expected text, by the language model", summary.model);
    line("unanswerable questions refused, quoting", summary.refused);
    line("unanswerable questions refused, by the language model", summary.model_refused);
    line("answerable questions refused, quoting", summary.refused_wrongly);
    println!();
    for (stage, what) in [
        ("index", "indexing all documents"),
        ("embed", "embedding a question"),
        ("dense", "searching by meaning"),
        ("bm25", "searching by terms"),
        ("retrieve", "retrieval as the product does it, embedding included"),
        ("retrieve_p95", "… 95 of 100 faster than"),
        ("quote", "quoting, at reading pace"),
        ("model", "the language model's answer"),
    ] {
        let time = summary.ms[stage].as_f64();
        let time = time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1} ms"));
        println!("{what:<54}{time:>13}");
    }
}

/// Each question: where the first relevant document came, and what was answered.
pub(crate) fn print_each(asked: &AllAsked) {
    for one in &asked.each {
        let places = [("dense", &one.dense), ("BM25", &one.bm25), ("fused", &one.fused)].map(|(name, r)| {
            let place = if r.measures.mrr > 0.0 { (1.0 / r.measures.mrr).round() } else { 0.0 };
            format!("{name} {place}")
        });
        println!("── {}: {}", one.question.id, one.question.text);
        println!(
            "   {}; answerable {}, refused {}, contains {}; first {}",
            places.join(", "),
            one.question.is_answerable(),
            one.quoted.refuses,
            one.quoted.contains,
            one.fused.names.first().map_or("-", String::as_str)
        );
        println!("   expected {:?}\n{}\n", one.question.answer_contains, one.quoted.text);
        if let Some(generated) = &one.generated {
            println!("   the language model:\n{}\n", generated.text);
        }
    }
}
