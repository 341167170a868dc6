//! Reads the documents of a folder in every format that the product reads; other files are ignored.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use embedded::Parts;
use rag::extract::{Extracted, MediaType, Pdf, Recogniser, Recognition, Sniffer, Tools, extract};
use rag::ingest::DocumentVersion;
use rag::vocabulary::{ContentVersion, DocumentId, Part, Scope};
use uuid::Uuid;

/// A document of the folder.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// The path within the folder, with slashes.
    pub(crate) name: String,
    pub(crate) version: DocumentVersion,
    pub(crate) title: String,
    pub(crate) parts: Vec<Part>,
}

/// The libraries that reading needs. Without one of them, its files are reported.
pub(crate) fn tools(parts: &Parts) -> Tools {
    let recognition = Recogniser::open().map_or(Recognition::Missing, Recognition::Ready);
    Tools { pdf: Pdf::open(&parts.pdfium).ok(), recognition, ..Tools::default() }
}

/// Whether the text in pictures is recognised.
pub(crate) const fn recognises(tools: &Tools) -> bool {
    matches!(tools.recognition, Recognition::Ready(_))
}

/// Reads all documents below a folder in the order of their paths. A file that cannot be read is reported.
pub(crate) fn read(folder: &Path, tools: &Tools) -> anyhow::Result<Vec<Document>> {
    let mut paths = Vec::new();
    files(folder, &mut paths).with_context(|| format!("{} cannot be read", folder.display()))?;
    paths.sort();
    let mut documents = Vec::new();
    for path in paths {
        documents.extend(document(folder, &path, tools)?);
    }
    if documents.is_empty() {
        bail!("{} contains no document", folder.display());
    }
    Ok(documents)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match std::fs::metadata(entry.path()) {
            Ok(target) if target.is_dir() && !entry.file_type()?.is_symlink() => files(&entry.path(), found)?,
            Ok(target) if target.is_file() => found.push(entry.path()),
            // A broken link, a linked folder or a socket.
            _ => {}
        }
    }
    Ok(())
}

/// A document; `None` for a file that is none.
fn document(folder: &Path, path: &Path, tools: &Tools) -> anyhow::Result<Option<Document>> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let name =
        inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    let mut sniffer = Sniffer::default();
    sniffer.update(&bytes);
    let is_known = || MediaType::from_extension(&path.extension()?.to_str()?.to_ascii_lowercase());
    let Some(media_type) = sniffer.media_type(&name).filter(|_| is_known().is_some()) else {
        return Ok(None);
    };
    let Extracted { title, parts, omissions } = match extract(media_type, &bytes, tools) {
        Ok(extracted) => extracted,
        Err(reason) => {
            eprintln!("eval: {name}: {reason}");
            return Ok(None);
        }
    };
    for omission in omissions {
        eprintln!("eval: {name} in part: {omission:?}");
    }
    let title = title.filter(|_| media_type != MediaType::Plain);
    let stem = || inside.file_stem().map(|stem| stem.to_string_lossy().replace(['_', '-'], " "));
    let version = DocumentVersion {
        id: DocumentId::from(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())),
        version: ContentVersion::ONLY,
        scope: Scope::Shared,
    };
    Ok(Some(Document { name, version, title: title.or_else(stem).unwrap_or_default(), parts }))
}

/// Whether a source of a question names this document. One of the two paths may be the end of the other.
pub(crate) fn is_same_file(name: &str, source: &str) -> bool {
    let source = source.trim_start_matches("./");
    let ends_with = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    ends_with(name, source) || ends_with(source, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_found_at_any_depth_and_other_files_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let deeper = folder.path().join("guide");
        std::fs::create_dir(&deeper).unwrap();
        std::fs::write(deeper.join("one.md"), "# One\n\nSays one.").unwrap();
        std::fs::write(folder.path().join("two.TXT"), b"caf\xe9").unwrap();
        std::fs::write(folder.path().join("program.exe"), [0, 1]).unwrap();
        std::fs::write(folder.path().join("three.csv"), "part,price\na,1\n").unwrap();
        let names: Vec<_> = read(folder.path(), &Tools::default())
            .unwrap()
            .into_iter()
            .map(|document| document.name)
            .collect();
        assert_eq!(names, ["guide/one.md", "three.csv", "two.TXT"]);
    }

    #[test]
    fn a_missing_or_empty_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(format!("{:#}", read(folder.path(), &Tools::default()).unwrap_err()).contains("no document"));
        assert!(
            format!("{:#}", read(&folder.path().join("x"), &Tools::default()).unwrap_err())
                .contains("cannot be read")
        );
    }

    #[test]
    fn a_source_can_be_the_end_of_a_path() {
        assert!(is_same_file("guide/one.md", "one.md") && is_same_file("one.md", "./one.md"));
        assert!(is_same_file("one.md", "docs/one.md") && !is_same_file("anyone.md", "one.md"));
    }
}
