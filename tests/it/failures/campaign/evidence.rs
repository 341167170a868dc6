//! State of the stores at the end of a campaign.

use std::path::Path;
use std::process::Output;

use super::check::Record;
use super::history::{Fact, History};
use super::people::People;
use super::report::Report;
use super::system::System;
use super::{ledger, marks};

/// Reads the ledger and has the product verify itself, then stops everything and looks through all files.
pub(super) async fn gather(system: &System, history: &History, people: &People, report: &Report) -> Record {
    let export = report.folder().join("export.ndjson");
    let path = export.to_str().unwrap();
    let offline = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_colloquy"));
        command.env_clear().args(["audit", "verify", path]);
        command
    };
    run(history, system.command(&["audit", "export", "--out", path])).await;
    run(history, offline()).await;
    run(history, system.command(&["audit", "verify", "--database"])).await;
    run(history, system.command(&["rebuild", "--check"])).await;
    erasure_is_complete(system, history, people).await;
    let folder = system.data().path().to_owned();
    for complaint in system.stop().await {
        history.record(Fact::Broken(complaint));
    }
    let words = words_below(&folder, people.clients.len());
    for complaint in words.into_iter().chain(panics(&system.data().logs())) {
        history.record(Fact::Broken(complaint));
    }
    let ledger = ledger::parse(&std::fs::read_to_string(&export).unwrap_or_default());
    Record {
        history: history.entries(),
        ledger,
        people: people.clients.iter().map(|client| client.user).collect(),
        erased: Some(people.erased()),
        seen: history.ids(),
    }
}

/// Runs a command line. Its failure is a violation.
async fn run(history: &History, mut command: std::process::Command) {
    let described = command.get_args().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>();
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let Output { status, stdout, stderr } = ran.unwrap();
    if !status.success() {
        let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        history.record(Fact::Broken(format!("colloquy {}: {status}: {said}", described.join(" "))));
    }
}

/// The receipt says that the erasure is finished, and no key of the person is left.
async fn erasure_is_complete(system: &System, history: &History, people: &People) {
    let who = people.erased();
    if let Some(receipt) = people.receipt {
        let path = format!("/v1/erasures/{receipt}");
        let state = people.clients[0].get(0, &path).await;
        let is_finished = state.as_ref().is_some_and(|state| !state.body["finished_at"].is_null());
        if !is_finished {
            history.record(Fact::Broken(format!("{path} does not say that it is finished: {state:?}")));
        }
    }
    let keys =
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM keys WHERE owner = $1 AND wrapped IS NOT NULL");
    let keys = keys.bind(people.clients[who].user).fetch_one(&system.pool).await.unwrap();
    if keys > 0 {
        history.record(Fact::Broken(format!("{keys} keys of the erased person {who} are left")));
    }
}

/// Files that contain a marked word of anybody, in words. The word of the erased person would be legible, and
/// so would everybody else's: outside of the processes there is only ciphertext.
fn words_below(folder: &Path, people: usize) -> Vec<String> {
    let finders: Vec<_> = (0..people)
        .map(|who| memchr::memmem::Finder::new(marks::beginning(who).as_bytes()).into_owned())
        .collect();
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(mut bytes) = std::fs::read(&path) else { continue };
            bytes.make_ascii_lowercase();
            let whose = finders.iter().position(|finder| holds_a_word(&bytes, finder));
            found.extend(whose.map(|who| format!("{} holds words of person {who}", path.display())));
        }
    }
    found
}

/// Lines of the logs that tell of a panic.
fn panics(logs: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(logs).unwrap().flatten();
    let texts = entries.map(|entry| {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned();
        (entry.file_name().to_string_lossy().into_owned(), text)
    });
    let said = |line: &&str| line.contains("panicked at") || line.contains("fatal runtime error");
    texts
        .flat_map(|(name, text)| {
            text.lines().filter(said).map(|line| format!("{name}: {line}")).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a whole marked word is in the bytes, which may contain its beginning by chance.
fn holds_a_word(bytes: &[u8], finder: &memchr::memmem::Finder<'_>) -> bool {
    let digits = |bytes: Option<&[u8]>| bytes.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit));
    let beginning = finder.needle().len();
    finder.find_iter(bytes).any(|start| digits(bytes.get(start + beginning..start + beginning + 6)))
}
