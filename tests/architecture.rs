//! Dependencies between modules point one way, and files stay short.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue has failed")]

#[path = "support/module_graph.rs"]
mod module_graph;
#[path = "support/source_size.rs"]
mod source_size;

use std::path::{Path, PathBuf};

use module_graph::ModuleGraph;

/// The modules of `src/`. A module may import those after it, never those before it.
const ORDER: [&str; 11] = [
    "crate",
    "cli",
    "process",
    "api",
    "operations",
    "roles",
    "knowledge",
    "config",
    "audit",
    "runtime",
    "telemetry",
];
/// Crates whose modules form no cycle. In the others, modules use names that the crate root re-exports.
const ACYCLIC: [&str; 2] = ["src", "rag/src"];
const RUST_FOLDERS: [&str; 11] = [
    "src",
    "aggregates",
    "sealing",
    "nats",
    "projections",
    "rag",
    "store",
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

#[test]
fn files_and_functions_stay_short() {
    let long: Vec<String> =
        RUST_FOLDERS.iter().flat_map(|name| source_size::violations(&folder(name))).collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
