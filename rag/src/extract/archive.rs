//! Reads the files inside an archive or a mail, each as its own type, with a bound for all together.

use std::cell::{Cell, RefCell};

use super::omitted::{Omission, OmissionCause, Omissions, OmittedPart, shown_name};
use super::package::Package;
use super::{ExtractError, Sniffer, Tools, guarded, parts_of};
use crate::vocabulary::Part;

/// The deepest nesting of archives and mails.
const MAX_DEPTH: usize = 4;
/// The largest number of files that are read of a document.
const MAX_FILES: usize = 2_000;
/// The largest number of bytes of all files that are read of a document.
const MAX_BYTES: usize = 512 << 20;

/// The way to a file inside others.
pub(super) struct Inside<'a> {
    pub(super) tools: &'a Tools,
    depth: usize,
    document: &'a Document,
    /// The name of the file; `None` for the document itself.
    file: Option<String>,
}

/// The bounds of all files of a document together, and the parts that are left out.
pub(super) struct Document {
    left: Cell<(usize, usize)>,
    omissions: RefCell<Omissions>,
}

impl Default for Document {
    fn default() -> Self {
        Self { left: Cell::new((MAX_FILES, MAX_BYTES)), omissions: RefCell::default() }
    }
}

impl Document {
    pub(super) fn into_omissions(self) -> Vec<Omission> {
        self.omissions.into_inner().into_told()
    }
}

impl<'a> Inside<'a> {
    pub(super) const fn new(tools: &'a Tools, document: &'a Document) -> Self {
        Self { tools, depth: 0, document, file: None }
    }

    /// Notes a part of this file that is left out.
    pub(super) fn omit(&self, part: OmittedPart, cause: OmissionCause) {
        let omission = Omission { part, file: self.file.clone(), cause };
        self.document.omissions.borrow_mut().add(omission);
    }

    /// Notes that this file is left out.
    pub(super) fn omit_self(&self, cause: OmissionCause) {
        let part = self.file.clone().map_or(OmittedPart::Rest(None), OmittedPart::File);
        self.document.omissions.borrow_mut().add(Omission { part, file: None, cause });
    }

    /// Notes a file inside this one that is left out.
    pub(super) fn omit_file(&self, name: &str, cause: OmissionCause) {
        self.omit(OmittedPart::File(shown_name(name)), cause);
    }

    /// Reads a file and adds its parts below its name. A file that cannot be read is left out.
    pub(super) fn read(&self, name: &str, bytes: &[u8], parts: &mut Vec<Part>) -> Result<(), ExtractError> {
        let (files, total) = self.document.left.get();
        let (Some(files), Some(total)) = (files.checked_sub(1), total.checked_sub(bytes.len())) else {
            self.omit_file(name, OmissionCause::Limit);
            return Ok(());
        };
        self.document.left.set((files, total));
        if self.depth == MAX_DEPTH {
            self.omit_file(name, OmissionCause::Limit);
            return Ok(());
        }
        let mut sniffer = Sniffer::default();
        sniffer.update(bytes);
        let Some(media_type) = sniffer.media_type(name) else {
            self.omit_file(name, OmissionCause::Unsupported);
            return Ok(());
        };
        let shown = shown_name(name);
        let file = Some(shown.clone());
        let deeper = Inside { tools: self.tools, depth: self.depth + 1, document: self.document, file };
        match guarded(|| parts_of(media_type, bytes, &deeper)) {
            Ok(found) => {
                let heading = Some(shown).filter(|shown| !shown.is_empty());
                parts.extend(found.into_iter().map(|mut part| {
                    part.heading.splice(0..0, heading.clone());
                    part
                }));
                Ok(())
            }
            Err(ExtractError::Unrecognised) => Err(ExtractError::Unrecognised),
            Err(error) => {
                self.omit_file(name, error.as_cause());
                Ok(())
            }
        }
    }
}

/// Reads the files of an archive.
pub(super) fn parts(package: &mut Package<'_>, inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let (mut parts, mut failed) = (Vec::new(), None);
    for (number, name) in package.files() {
        let is_hidden = name.split('/').any(|segment| segment.starts_with('.') || segment == "__MACOSX");
        if is_hidden {
            continue;
        }
        match package.file(number) {
            Ok(bytes) => inside.read(&name, &bytes, &mut parts)?,
            Err(error) => {
                inside.omit_file(&name, error.as_cause());
                let is_told = matches!(error, ExtractError::Encrypted | ExtractError::TooLarge);
                failed = failed.or(Some(error).filter(|_| is_told));
            }
        }
    }
    match failed {
        Some(error) if parts.is_empty() => Err(error),
        _ => Ok(parts),
    }
}
