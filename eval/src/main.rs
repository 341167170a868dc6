//! `make eval`: indexes a folder of documents, asks it a file of questions, and tells how well each kind of search ranks,
//! how often an answer holds what it should, and how often what has no answer is refused. It runs the product's own
//! retrieval and quoting against the Qdrant engine, without Postgres and NATS, and changes nothing outside of a
//! temporary folder.

mod answers;
mod asking;
mod documents;
mod engine;
mod measures;
mod questions;
mod report;
mod scale;
mod timing;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

/// Measures retrieval and answers on a folder of documents and a file of questions.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder with the documents.
    #[arg(long, env = "DOCS", value_name = "FOLDER")]
    docs: PathBuf,
    /// The questions, one JSON object a line.
    #[arg(long, env = "QUESTIONS", value_name = "FILE")]
    questions: PathBuf,
    /// Ends with one JSON object on a line of its own.
    #[arg(long)]
    json: bool,
    /// Tells of each question what was found and said.
    #[arg(long)]
    each: bool,
    /// Measures in place of that how fast passages are found among so many.
    #[arg(long, value_name = "PASSAGES")]
    scale: Option<u64>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new("warn"))
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let done = tokio::runtime::Runtime::new()
        .context("start")
        .and_then(|runtime| runtime.block_on(Box::pin(run(&arguments))));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eval: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let questions = questions::read(&arguments.questions)?;
    let documents = documents::read(&arguments.docs)?;
    questions::check_sources(&questions, &documents)?;
    let engine = engine::Engine::start().await?;
    if let Some(passages) = arguments.scale {
        println!("{}", scale::measure(&engine, &documents, &questions, passages).await?);
        return Ok(());
    }
    let library = engine.index(documents).await?;
    let asked = asking::ask_all(&engine, &library, &questions).await?;
    if arguments.each {
        report::print_each(&asked);
    }
    let summary = report::Summary::of(&library, &asked);
    report::print_table(&summary);
    if arguments.json || std::env::var("JSON").is_ok_and(|value| !matches!(value.as_str(), "" | "0")) {
        println!("{}", summary.json());
    }
    Ok(())
}
