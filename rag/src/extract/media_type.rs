//! The types of files that text is extracted from.

/// A media type that text is extracted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// Markdown.
    Markdown,
    /// Plain text.
    Plain,
    /// A table as text, with commas, semicolons or other characters between the cells.
    Csv,
    /// A table as text, with tabs between the cells.
    Tsv,
    /// JSON.
    Json,
    /// An HTML page.
    Html,
    /// A PDF document.
    Pdf,
    /// A Word document (Office Open XML).
    Docx,
    /// An Excel workbook (Office Open XML).
    Xlsx,
    /// A PowerPoint presentation (Office Open XML).
    Pptx,
    /// A Word document before 2007.
    Doc,
    /// An Excel workbook before 2007.
    Xls,
    /// A PowerPoint presentation before 2007.
    Ppt,
    /// An `OpenDocument` text.
    Odt,
    /// An `OpenDocument` spreadsheet.
    Ods,
    /// An `OpenDocument` presentation.
    Odp,
    /// Rich text.
    Rtf,
    /// An EPUB book.
    Epub,
    /// A mail.
    Mail,
    /// A mail as Outlook saves it.
    Msg,
    /// An archive of files.
    Zip,
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// A picture.
    Tiff,
}

/// All media types with their names and the extensions of their files.
const ALL: [(MediaType, &str, &[&str]); 24] = [
    (MediaType::Markdown, "text/markdown", &["md", "markdown"]),
    (MediaType::Plain, "text/plain", &["txt", "text", "log", "rst", "adoc"]),
    (MediaType::Csv, "text/csv", &["csv"]),
    (MediaType::Tsv, "text/tab-separated-values", &["tsv", "tab"]),
    (MediaType::Json, "application/json", &["json", "ndjson", "jsonl"]),
    (MediaType::Html, "text/html", &["html", "htm", "xhtml"]),
    (MediaType::Pdf, "application/pdf", &["pdf"]),
    (
        MediaType::Docx,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &["docx", "docm", "dotx"],
    ),
    (
        MediaType::Xlsx,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        &["xlsx", "xlsm", "xltx", "xlsb"],
    ),
    (
        MediaType::Pptx,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        &["pptx", "pptm", "ppsx", "potx"],
    ),
    (MediaType::Doc, "application/msword", &["doc", "dot"]),
    (MediaType::Xls, "application/vnd.ms-excel", &["xls", "xlt"]),
    (MediaType::Ppt, "application/vnd.ms-powerpoint", &["ppt", "pps"]),
    (MediaType::Odt, "application/vnd.oasis.opendocument.text", &["odt", "ott"]),
    (MediaType::Ods, "application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
    (MediaType::Odp, "application/vnd.oasis.opendocument.presentation", &["odp"]),
    (MediaType::Rtf, "application/rtf", &["rtf"]),
    (MediaType::Epub, "application/epub+zip", &["epub"]),
    (MediaType::Mail, "message/rfc822", &["eml", "mbox", "mht", "mhtml"]),
    (MediaType::Msg, "application/vnd.ms-outlook", &["msg"]),
    (MediaType::Zip, "application/zip", &["zip"]),
    (MediaType::Png, "image/png", &["png"]),
    (MediaType::Jpeg, "image/jpeg", &["jpg", "jpeg"]),
    (MediaType::Tiff, "image/tiff", &["tif", "tiff"]),
];

impl MediaType {
    /// The MIME name.
    pub fn name(self) -> &'static str {
        self.entry().map_or("text/plain", |(_, name, _)| name)
    }

    /// The extension of a file of this type, without a full stop.
    pub fn extension(self) -> &'static str {
        self.entry().and_then(|(_, _, extensions)| extensions.first()).copied().unwrap_or("txt")
    }

    fn entry(self) -> Option<(Self, &'static str, &'static [&'static str])> {
        ALL.into_iter().find(|(media_type, ..)| *media_type == self)
    }

    /// Returns the media type with this MIME name.
    pub fn from_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|(_, known, _)| *known == name).map(|(media_type, ..)| media_type)
    }

    /// Returns the media type of files with this extension in lower case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        ALL.into_iter()
            .find(|(_, _, extensions)| extensions.contains(&extension))
            .map(|(media_type, ..)| media_type)
    }

    /// Whether the file is a text, whose type only its name tells.
    pub(super) const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Markdown | Self::Plain | Self::Csv | Self::Tsv | Self::Json | Self::Html | Self::Mail
        )
    }

    /// Whether the file is a ZIP archive.
    pub(super) const fn is_archive(self) -> bool {
        matches!(
            self,
            Self::Docx | Self::Xlsx | Self::Pptx | Self::Odt | Self::Ods | Self::Odp | Self::Epub | Self::Zip
        )
    }

    /// Whether the file may be an office file in a compound file: an old or an encrypted one.
    pub(super) const fn is_office(self) -> bool {
        matches!(self, Self::Doc | Self::Xls | Self::Ppt | Self::Msg | Self::Docx | Self::Xlsx | Self::Pptx)
    }

    /// Whether the file is a picture.
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Tiff)
    }

    /// Whether the file is or may hold a PDF document.
    pub const fn may_hold_pdf(self) -> bool {
        matches!(self, Self::Pdf | Self::Zip | Self::Mail | Self::Msg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_and_each_extension_belongs_to_one_media_type() {
        for (media_type, name, extensions) in ALL {
            assert_eq!(MediaType::from_name(name), Some(media_type));
            assert_eq!(media_type.name(), name);
            for extension in extensions {
                assert_eq!(MediaType::from_extension(extension), Some(media_type), "{extension}");
            }
        }
    }
}
