//! Reads the imports between the top-level modules of a crate from its source files.
//!
//! A module and its children (`retrieve.rs` and `retrieve/…`) are one node, so a child may use its parent's
//! items. The crate root (`lib.rs`, `main.rs`) is the node `crate`; it imports the modules that its paths
//! name. Test modules and `bin/` are left out. Paths in macro bodies count, paths in comments and strings
//! do not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The node of the crate root.
const ROOT: &str = "crate";

/// Imports between the top-level modules of a crate.
pub(crate) struct ModuleGraph {
    modules: BTreeSet<String>,
    /// The imported modules of each module, with the first place that imports them.
    imports: BTreeMap<String, BTreeMap<String, String>>,
}

/// A path within the crate, such as `crate::index::Candidate`.
struct Import {
    /// The path of the module that contains it, empty for the crate root.
    from: Vec<String>,
    /// The first name behind the crate root; `None` for a glob import of the root.
    to: Option<String>,
    /// The file, relative to the source folder.
    file: String,
}

impl ModuleGraph {
    /// Reads all Rust files below a source folder.
    pub(crate) fn of_folder(folder: &Path) -> Self {
        let mut files = Vec::new();
        collect_files(folder, folder, &mut files);
        assert!(!files.is_empty(), "no Rust file in {}", folder.display());
        Self::of_sources(files.iter().map(|(name, source)| (name.as_str(), source.as_str())))
    }

    /// Reads sources given as pairs of a file name, relative to the source folder, and its text.
    pub(crate) fn of_sources<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut scanner = Scanner::default();
        let mut modules = BTreeSet::new();
        for (file, source) in sources {
            let path = module_path(file);
            modules.extend(path.first().cloned());
            let tokens: TokenStream = source.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
            file.clone_into(&mut scanner.file);
            scanner.scan(tokens, &path);
        }
        let mut graph = Self { modules, imports: BTreeMap::new() };
        for import in scanner.imports {
            if !scanner.test_modules.iter().any(|test| import.from.starts_with(test)) {
                graph.add(import);
            }
        }
        graph
    }

    fn add(&mut self, Import { from, to, file }: Import) {
        let is_root = from.is_empty();
        let from = from.into_iter().next().unwrap_or_else(|| ROOT.to_owned());
        let place = format!("{file}: {ROOT}::{}", to.as_deref().unwrap_or("*"));
        let to = to.filter(|to| self.modules.contains(to)).unwrap_or_else(|| ROOT.to_owned());
        if to != from && !(is_root && to == ROOT) {
            self.imports.entry(from).or_default().entry(to).or_insert(place);
        }
    }

    /// Returns a cycle as text, the modules in order followed by the place of each import.
    pub(crate) fn cycle(&self) -> Option<String> {
        let mut finished = BTreeSet::new();
        let cycle =
            self.imports.keys().find_map(|start| self.visit(start, &mut Vec::new(), &mut finished))?;
        let imports = cycle.windows(2).map(|pair| format!("\n  {}", self.imports[pair[0]][pair[1]]));
        Some(format!("{}{}", cycle.join(" -> "), imports.collect::<String>()))
    }

    fn visit<'a>(
        &'a self,
        module: &'a str,
        path: &mut Vec<&'a str>,
        finished: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(start) = path.iter().position(|visited| *visited == module) {
            return Some(path[start..].iter().copied().chain([module]).collect());
        }
        if finished.contains(module) {
            return None;
        }
        path.push(module);
        let imported = self.imports.get(module).into_iter().flatten();
        let cycle = imported.map(|(next, _)| next).find_map(|next| self.visit(next, path, finished));
        path.pop();
        finished.insert(module);
        cycle
    }

    /// Returns the imports against an order in which a module may import only the modules behind it, the
    /// modules that the order does not name, and the names in the order that are no module.
    pub(crate) fn violations(&self, order: &[&str]) -> Vec<String> {
        let rank = |module: &str| order.iter().position(|name| *name == module);
        let unnamed = self.modules.iter().filter(|module| rank(module).is_none());
        let unknown = order.iter().filter(|name| **name != ROOT && !self.modules.contains(**name));
        let mut violations: Vec<String> = unnamed
            .map(|module| format!("{module} is missing in the order"))
            .chain(unknown.map(|name| format!("{name} is in the order, but is no module")))
            .collect();
        for (from, imports) in &self.imports {
            for (to, place) in imports {
                if rank(from).zip(rank(to)).is_some_and(|(from, to)| from > to) {
                    violations.push(format!("{from} must not import {to}\n  {place}"));
                }
            }
        }
        violations
    }
}

fn collect_files(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            if name != "bin" {
                collect_files(root, &path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
}

/// The module of a file: `index/search.rs` is `["index", "search"]`, `lib.rs` is the crate root.
fn module_path(file: &str) -> Vec<String> {
    let mut path: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let is_root = path.len() == 1 && matches!(path[0].as_str(), "lib" | "main");
    if is_root || path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

#[derive(Default)]
struct Scanner {
    file: String,
    imports: Vec<Import>,
    /// The paths of modules under `#[cfg(test)]`.
    test_modules: Vec<Vec<String>>,
}

impl Scanner {
    fn scan(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut is_test = false;
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) if is_attribute(&tokens, at) => is_test |= is_cfg_test(group),
                TokenTree::Group(group) => match module_name(&tokens, at) {
                    Some(name) => self.scan(group.stream(), &child(module, &name)),
                    None => self.scan(group.stream(), module),
                },
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    if name == "mod" && std::mem::take(&mut is_test) {
                        let name = tokens.get(at + 1).map(ToString::to_string).unwrap_or_default();
                        self.test_modules.push(child(module, &name));
                    } else if is_path_start(&tokens, at) {
                        self.path(&tokens, at, module, &name);
                    }
                }
                _ => {}
            }
        }
    }

    /// Records the path that starts with this name, when it leads out of the module.
    fn path(&mut self, tokens: &[TokenTree], at: usize, module: &[String], start: &str) {
        let parent = || module.split_last().map_or(&[][..], |(_, parent)| parent);
        match start {
            "crate" => self.names(tokens, at + 3, module, &[]),
            "self" => self.names(tokens, at + 3, module, module),
            "super" => self.names(tokens, at + 3, module, parent()),
            // In the crate root a path may begin with the name of a module; `add` ignores all other names.
            _ if module.is_empty() => self.record(module, Some(start.to_owned())),
            _ => {}
        }
    }

    /// Records the names at a position behind `base::`: one name, a glob or a group.
    fn names(&mut self, tokens: &[TokenTree], at: usize, module: &[String], base: &[String]) {
        if let Some(first) = base.first() {
            let leaves = tokens.get(at).is_some_and(|token| token.to_string() == "super");
            return if leaves && is_path_separator(tokens, at + 1) {
                self.names(tokens, at + 3, module, &base[..base.len() - 1]);
            } else {
                self.record(module, Some(first.clone()));
            };
        }
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => self.record(module, Some(name.to_string())),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                for item in tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ',')) {
                    if !item.is_empty() {
                        self.names(item, 0, module, &[]);
                    }
                }
            }
            _ => self.record(module, None),
        }
    }

    fn record(&mut self, module: &[String], to: Option<String>) {
        self.imports.push(Import { from: module.to_vec(), to, file: self.file.clone() });
    }
}

fn child(module: &[String], name: &str) -> Vec<String> {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

fn is_punct(tokens: &[TokenTree], at: Option<usize>, wanted: char) -> bool {
    matches!(at.and_then(|at| tokens.get(at)), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens, Some(at), ':') && is_punct(tokens, Some(at + 1), ':')
}

/// Whether `::` follows a name and does not precede it.
fn is_path_start(tokens: &[TokenTree], at: usize) -> bool {
    is_path_separator(tokens, at + 1) && !at.checked_sub(2).is_some_and(|at| is_path_separator(tokens, at))
}

fn is_attribute(tokens: &[TokenTree], at: usize) -> bool {
    matches!(&tokens[at], TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
        && is_punct(tokens, at.checked_sub(1), '#')
}

fn is_cfg_test(attribute: &Group) -> bool {
    attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// The name of the inline module whose body stands at this position.
fn module_name(tokens: &[TokenTree], at: usize) -> Option<String> {
    let keyword = tokens.get(at.checked_sub(2)?)?;
    (keyword.to_string() == "mod").then(|| tokens[at - 1].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(sources: &[(&str, &str)]) -> Vec<String> {
        let graph = ModuleGraph::of_sources(sources.iter().copied());
        let all = graph.imports.iter();
        all.flat_map(|(from, to)| to.keys().map(move |to| format!("{from} {to}"))).collect()
    }

    #[test]
    fn imports_are_found_in_use_trees_and_in_paths() {
        let sources = [
            ("lib.rs", "mod a; mod b; mod c; mod d; pub use d::D; pub struct Root;"),
            ("a.rs", "use crate::{b::{self, B}, c::C}; mod inner { use super::super::d::*; }"),
            ("b/deep.rs", "use super::super::c; fn f() { crate::Root; }"),
            ("c.rs", "macro_rules! m { () => { $crate::d::D } }"),
            ("d.rs", "/// [`crate::a::A`]\nfn f() { self::g(\"crate::b::B\") } // crate::b::B"),
        ];
        assert_eq!(imports(&sources), ["a b", "a c", "a d", "b c", "b crate", "c d", "crate d"]);
    }

    #[test]
    fn children_and_tests_are_no_imports() {
        let sources = [
            ("a.rs", "mod child; #[cfg(test)] mod tests; #[cfg(test)] mod more { use crate::b::B; }"),
            ("a/child.rs", "use super::A; use crate::a::B; pub(in crate::a) struct C;"),
            ("a/tests.rs", "use crate::b::B;"),
            ("b.rs", "use std::collections::BTreeMap;"),
        ];
        assert_eq!(imports(&sources), Vec::<String>::new());
    }

    #[test]
    fn a_cycle_is_named_with_its_places() {
        let sources =
            [("a.rs", "use crate::b::B;"), ("b/x.rs", "use crate::c;"), ("c.rs", "use super::a::A;")];
        let cycle = ModuleGraph::of_sources(sources).cycle().unwrap();
        assert_eq!(cycle, "a -> b -> c -> a\n  a.rs: crate::b\n  b/x.rs: crate::c\n  c.rs: crate::a");
        assert!(ModuleGraph::of_sources(sources.into_iter().take(2)).cycle().is_none());
    }

    #[test]
    fn imports_against_the_order_and_missing_or_unknown_modules_are_violations() {
        let sources = [("a.rs", "use crate::b::B;"), ("b.rs", ""), ("c.rs", "")];
        let graph = ModuleGraph::of_sources(sources);
        assert_eq!(graph.violations(&["a", "b", "c"]), Vec::<String>::new());
        assert_eq!(
            graph.violations(&["crate", "b", "a", "d"]),
            [
                "c is missing in the order",
                "d is in the order, but is no module",
                "a must not import b\n  a.rs: crate::b"
            ]
        );
    }
}
