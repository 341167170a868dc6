//! Reads the files inside an archive or a mail, each as its own type, with a bound for all together.

use std::cell::Cell;
use std::path::Path;

use super::package::Package;
use super::{ExtractError, Sniffer, Tools, guarded, parts_of};
use crate::vocabulary::Part;

/// The deepest nesting of archives and mails.
const MAX_DEPTH: usize = 4;
/// The largest number of files that are read of a document.
const MAX_FILES: usize = 2_000;
/// The largest number of bytes of all files that are read of a document.
const MAX_BYTES: usize = 512 << 20;

/// The way to a file inside others, and what is left of the bounds.
pub(super) struct Inside<'a> {
    pub(super) tools: &'a Tools,
    depth: usize,
    left: &'a Cell<(usize, usize)>,
}

/// The bounds of a document.
pub(super) const fn bounds() -> Cell<(usize, usize)> {
    Cell::new((MAX_FILES, MAX_BYTES))
}

impl<'a> Inside<'a> {
    pub(super) const fn new(tools: &'a Tools, left: &'a Cell<(usize, usize)>) -> Self {
        Self { tools, depth: 0, left }
    }

    /// Reads a file and adds its parts below its name. A file that cannot be read is left out, unless a bound
    /// is reached.
    pub(super) fn read(&self, name: &str, bytes: &[u8], parts: &mut Vec<Part>) -> Result<(), ExtractError> {
        let (files, total) = self.left.get();
        let (Some(files), Some(total)) = (files.checked_sub(1), total.checked_sub(bytes.len())) else {
            return Err(ExtractError::TooLarge);
        };
        self.left.set((files, total));
        if self.depth == MAX_DEPTH {
            return Ok(());
        }
        let mut sniffer = Sniffer::default();
        sniffer.update(bytes);
        let Some(media_type) = sniffer.media_type(name) else { return Ok(()) };
        let deeper = Inside { tools: self.tools, depth: self.depth + 1, left: self.left };
        match guarded(|| parts_of(media_type, bytes, &deeper)) {
            Ok(found) => {
                let shown = Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned());
                parts.extend(found.into_iter().map(|mut part| {
                    part.heading.splice(0..0, shown.clone());
                    part
                }));
                Ok(())
            }
            Err(ExtractError::TooLarge) => Err(ExtractError::TooLarge),
            Err(ExtractError::Unrecognised) => Err(ExtractError::Unrecognised),
            Err(_) => Ok(()),
        }
    }
}

/// Reads the files of an archive.
pub(super) fn parts(package: &mut Package<'_>, inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let (mut parts, mut is_encrypted) = (Vec::new(), false);
    for name in package.names() {
        let is_hidden = name.split('/').any(|segment| segment.starts_with('.') || segment == "__MACOSX");
        if is_hidden {
            continue;
        }
        match package.part(&name) {
            Ok(Some(bytes)) => inside.read(&name, &bytes, &mut parts)?,
            Err(ExtractError::Encrypted) => is_encrypted = true,
            Err(ExtractError::TooLarge) => return Err(ExtractError::TooLarge),
            Ok(None) | Err(_) => {}
        }
    }
    if parts.is_empty() && is_encrypted { Err(ExtractError::Encrypted) } else { Ok(parts) }
}
