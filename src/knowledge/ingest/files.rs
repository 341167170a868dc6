//! Finds the files to ingest. Reads folders, not files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rag::extract::MediaType;

/// An entry of the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A file to ingest.
    File(File),
    /// An entry that cannot be ingested.
    Unusable {
        /// Name as in reports.
        name: String,
        /// Reason for the report.
        reason: String,
    },
}

/// Selection of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Named by the operator, or with a file extension of documents.
    ByName,
    /// Found in a folder: ingested if its content is a document.
    ByContent,
}

/// A file that may be a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Path of the file.
    pub(crate) path: PathBuf,
    /// Stable name: a relative path with `/`.
    pub(crate) name: String,
    /// Selection of the file.
    pub(crate) asked: Asked,
}

/// Lists the files among `paths` and in the folders among them, by name and without repetitions. Skips hidden
/// files and links to folders.
///
/// The name of a file is its path from `base` if the file lies below it, else its path from the parent of the
/// given path.
pub(crate) fn find(paths: &[PathBuf], base: &Path) -> Vec<Found> {
    let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
    let mut found = Vec::new();
    for path in paths {
        let asked = base.join(path);
        match asked.canonicalize() {
            Ok(real) => {
                let root =
                    if real.starts_with(&base) { base.as_path() } else { real.parent().unwrap_or(&real) };
                walk(&real, root, Depth::Asked, &mut found);
            }
            Err(error) => found.push(unusable(path, &base, &error)),
        }
    }
    found.sort_by(|a, b| name(a).cmp(name(b)));
    found.dedup_by(|a, b| name(a) == name(b));
    found
}

/// Selection of a path.
#[derive(Clone, Copy)]
enum Depth {
    Asked,
    Inside,
}

fn walk(path: &Path, root: &Path, depth: Depth, found: &mut Vec<Found>) {
    // The given paths are resolved. Links to folders below them could form a cycle.
    let metadata = match (depth, fs::symlink_metadata(path)) {
        (Depth::Inside, Ok(link)) if link.is_symlink() => match fs::metadata(path) {
            Ok(target) if target.is_dir() => return,
            followed => followed,
        },
        (_, metadata) => metadata,
    };
    match metadata {
        Err(error) => found.push(unusable(path, root, &error)),
        Ok(metadata) if metadata.is_dir() => match entries(path) {
            Ok(entries) => {
                for entry in entries {
                    walk(&entry, root, Depth::Inside, found);
                }
            }
            Err(error) => found.push(unusable(path, root, &error)),
        },
        Ok(metadata) if metadata.is_file() => {
            let asked = match depth {
                Depth::Asked => Asked::ByName,
                Depth::Inside if is_documents_name(path) => Asked::ByName,
                Depth::Inside => Asked::ByContent,
            };
            let name = called(path, root);
            found.push(Found::File(File { path: path.to_owned(), name, asked }));
        }
        Ok(_) => {}
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    Ok(entries)
}

fn is_documents_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    MediaType::from_extension(&extension.to_ascii_lowercase()).is_some_and(|kind| !kind.is_picture())
}

fn called(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn unusable(path: &Path, root: &Path, error: &io::Error) -> Found {
    Found::Unusable { name: called(path, root), reason: error.to_string() }
}

fn name(found: &Found) -> &str {
    match found {
        Found::File(file) => &file.name,
        Found::Unusable { name, .. } => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in ["docs/b.md", "docs/a/c.TXT", "docs/.hidden/d.md", "docs/e.png", "f.md"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        root
    }

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(name).collect()
    }

    #[test]
    fn a_folder_gives_its_files_in_order_and_passes_over_hidden_ones() {
        let root = tree();
        let found = find(&["docs".into()], root.path());
        assert_eq!(names(&found), ["docs/a/c.TXT", "docs/b.md", "docs/e.png"]);
        let by_content =
            |found: &&Found| matches!(found, Found::File(file) if file.asked == Asked::ByContent);
        assert_eq!(found.iter().filter(by_content).count(), 1);
    }

    #[test]
    fn a_file_is_called_the_same_however_it_was_asked_for() {
        let root = tree();
        let absolute = root.path().join("docs/b.md");
        let found = find(&["./docs/../docs/b.md".into(), absolute, "docs".into()], root.path());
        assert_eq!(names(&found), ["docs/a/c.TXT", "docs/b.md", "docs/e.png"]);
    }

    #[test]
    fn outside_of_the_base_the_folder_asked_for_begins_the_name() {
        let (root, elsewhere) = (tree(), tempfile::tempdir().unwrap());
        let found = find(&[root.path().join("docs")], elsewhere.path());
        assert_eq!(names(&found), ["docs/a/c.TXT", "docs/b.md", "docs/e.png"]);
    }

    #[test]
    fn what_was_asked_for_and_is_not_there_is_named_with_a_reason() {
        let root = tree();
        let found = find(&["gone.md".into()], root.path());
        assert!(matches!(&found[..], [Found::Unusable { name, .. }] if name == "gone.md"));
    }

    #[test]
    fn links_in_circles_end() {
        let root = tree();
        std::os::unix::fs::symlink(root.path().join("docs"), root.path().join("docs/again")).unwrap();
        assert_eq!(find(&["docs".into()], root.path()).len(), 3);
    }
}
