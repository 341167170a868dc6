//! The modules of the crate import each other in one order, without a cycle.

use std::path::Path;

use crate::module_graph::ModuleGraph;

/// Each module may import the modules behind it.
const ORDER: [&str; 22] = [
    "crate",
    "fuzzing",
    "answer",
    "ingest",
    "retrieve",
    "followup",
    "title",
    "suggest",
    "generate",
    "prompt",
    "quote",
    "cite",
    "index",
    "embed",
    "openai",
    "extract",
    "split",
    "sparse",
    "markdown",
    "refusal",
    "vocabulary",
    "error_chain",
];

#[test]
fn no_module_imports_a_module_that_imports_it() {
    let graph = ModuleGraph::of_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert_eq!(graph.cycle(), None);
    assert_eq!(graph.violations(&ORDER), Vec::<String>::new());
}
