//! Dependencies between modules point one way, and files stay short.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue has failed")]

#[path = "support/module_graph.rs"]
mod module_graph;
#[path = "support/source_size.rs"]
mod source_size;

use std::path::{Path, PathBuf};

use module_graph::ModuleGraph;

/// The modules of `src/`. A module may import those after it, never those before it.
const ORDER: [&str; 14] = [
    "crate",
    "cli",
    "process",
    "admin",
    "api",
    "operations",
    "health",
    "roles",
    "knowledge",
    "language_models",
    "config",
    "audit",
    "runtime",
    "telemetry",
];
/// Crates whose modules form no cycle. In the others, modules use names that the crate root re-exports.
const ACYCLIC: [&str; 2] = ["src", "rag/src"];
const RUST_FOLDERS: [&str; 14] = [
    "src",
    "aggregates",
    "database",
    "sealing",
    "nats",
    "projections",
    "rag",
    "words",
    "store",
    "measures",
    "embedded",
    "bench",
    "eval",
    "tests",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn modules_of_the_service_import_only_modules_after_them() {
    let violations = ModuleGraph::of_folder(&folder("src")).violations(&ORDER);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn modules_do_not_import_each_other_in_a_cycle() {
    for name in ACYCLIC {
        assert_eq!(ModuleGraph::of_folder(&folder(name)).cycle(), None, "{name}");
    }
}

#[test]
fn the_root_package_knows_neither_sqlx_nor_cqrs_es() {
    let manifest = include_str!("../Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    for forbidden in ["sqlx", "cqrs-es"] {
        assert!(!dependencies.unwrap().lines().any(|line| line.starts_with(forbidden)), "{forbidden}");
    }
}

/// Types of `sqlx` that go around time limits, repetition and the way in which poolers need statements.
const BARE_CONNECTIONS: [&str; 6] =
    ["PgConnection", "PgTransaction", "PgPool", "PoolConnection", "Acquire", "PgListener"];
/// Code with a session of its own on a direct connection: migrations and backups.
const SESSIONS: [&str; 2] = ["store/src/database", "store/src/snapshot"];

#[test]
fn statements_run_on_connections_of_the_crate_database_alone() {
    let mut bare = Vec::new();
    for path in
        ["store/src", "projections/src"].iter().flat_map(|name| source_size::rust_files(&folder(name)))
    {
        if SESSIONS.iter().any(|folder| path.to_string_lossy().contains(folder)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        bare.extend(
            words
                .find(|word| BARE_CONNECTIONS.contains(word))
                .map(|word| format!("{}: {word}", path.display())),
        );
    }
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

#[test]
fn files_and_functions_stay_short() {
    let long: Vec<String> =
        RUST_FOLDERS.iter().flat_map(|name| source_size::violations(&folder(name))).collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The first number whose name says what the migration demands of processes of earlier releases.
const FIRST_MARKED: u32 = 18;

#[test]
fn the_name_of_a_migration_says_which_processes_work_beside_it() {
    let files = std::fs::read_dir(folder("migrations")).unwrap().flatten();
    let names = files
        .filter_map(|file| file.file_name().into_string().unwrap().strip_suffix(".sql").map(str::to_owned));
    for name in names {
        let (number, description) = name.split_once('_').unwrap();
        let is_marked = description.starts_with("expand_")
            || description.strip_prefix("contract_after_").is_some_and(|rest| {
                rest.split_once('_')
                    .is_some_and(|(after, _)| after.len() == 4 && after.parse::<u32>().is_ok())
            });
        assert!(
            number.parse::<u32>().unwrap() < FIRST_MARKED || is_marked,
            "{name}: its name begins with neither expand_ nor contract_after_NNNN_, see migrations/README.md"
        );
    }
}
