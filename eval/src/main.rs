//! `make eval`: measures retrieval and answers on a folder of documents and a file of questions.
//!
//! Indexes the folder, asks every question, and reports the ranking of each kind of search, the share of
//! answers that contain an expected text, and the share of unanswerable questions that are refused. Uses the
//! product's own retrieval and quotation with a Qdrant engine in a temporary folder; needs neither PostgreSQL
//! nor NATS.

mod answers;
mod documents;
mod engine;
mod evaluation;
mod metrics;
mod questions;
mod report;
mod scale;
mod sets;
mod timings;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use embedded::{Parts, WithModel};
use engine::LocalModel;

/// Measure retrieval and answers on a folder of documents and a file of questions, or on a folder
/// of such sets.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder with documents.
    #[arg(long, env = "DOCS", value_name = "FOLDER", default_value = "")]
    docs: String,
    /// File with one question as a JSON object on each line.
    #[arg(long, env = "QUESTIONS", value_name = "FILE", default_value = "")]
    questions: String,
    /// Folder with several sets: `NAME-questions.ndjson` beside the folder of documents `NAME`, or beside one
    /// whose name is the beginning of `NAME`. Prints one table of all sets.
    #[arg(long, env = "SETS", value_name = "FOLDER")]
    sets: Option<String>,
    /// Embed with `MiniLM` in place of the default model.
    #[arg(long, env = "MINILM", value_parser = clap::builder::FalseyValueParser::new())]
    minilm: bool,
    /// Print the results as a JSON object on the last line.
    #[arg(long)]
    json: bool,
    /// Print the documents found and the answer for each question.
    #[arg(long)]
    each: bool,
    /// Measure only the time of retrieval among this many passages.
    #[arg(long, value_name = "PASSAGES")]
    scale: Option<u64>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let result = tokio::runtime::Runtime::new()
        .context("the async runtime could not be started")
        .and_then(|runtime| runtime.block_on(Box::pin(run(&arguments))));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eval: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let is_json =
        arguments.json || std::env::var("JSON").is_ok_and(|value| !matches!(value.as_str(), "" | "0"));
    let model = if arguments.minilm { LocalModel::MiniLm } else { LocalModel::Default };
    let parts = Parts::locate(WithModel::No).await?;
    if let Some(folder) = arguments.sets.as_ref().filter(|folder| !folder.is_empty()) {
        let summaries = sets::evaluate(Path::new(folder), &parts, model, arguments.each).await?;
        report::print_sets(&summaries);
        if is_json {
            println!("{}", report::json_of_sets(&summaries));
        }
        return Ok(());
    }
    let tools = documents::tools(&parts);
    let questions = questions::read(Path::new(&arguments.questions), documents::recognises(&tools))?;
    let documents = documents::read(Path::new(&arguments.docs), &tools)?;
    questions::check_sources(&questions, &documents)?;
    let engine = engine::Engine::start(&parts, model).await?;
    if let Some(passages) = arguments.scale {
        println!("{}", scale::measure(&engine, &documents, &questions, passages).await?);
        return Ok(());
    }
    let corpus = engine.index(documents).await?;
    let evaluation = evaluation::evaluate(&engine, &corpus, &questions).await?;
    if arguments.each {
        report::print_each(&evaluation);
    }
    let summary = report::Summary::of(&corpus, &evaluation);
    report::print_table(&summary);
    if is_json {
        println!("{}", summary.json());
    }
    Ok(())
}
