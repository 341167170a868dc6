//! Splits the parts of a document, and the tables in them.

use std::ops::ControlFlow;

use text_splitter::ChunkSizer as _;

use super::sections::{self, Blocks};
use super::tables::{self, Stretch};
use super::windows::Windows;
use super::{Passage, Splitter, TARGET_TOKENS, title, with_fences};
use crate::vocabulary::{Content, Part, PassageText, Place};

impl Splitter {
    /// Returns the passages of [`Self::visit_parts`].
    pub fn part_passages(&self, title: &str, parts: &[Part]) -> Vec<PassageText> {
        let mut passages = Vec::new();
        let ControlFlow::Continue(()) = self.visit_parts(title, parts, |passage| {
            passages.push(passage);
            ControlFlow::<std::convert::Infallible>::Continue(())
        });
        passages
    }

    /// Visits the passages of the parts of a document as they are indexed, in order, until `visit` breaks.
    pub fn visit_parts<B>(
        &self,
        title: &str,
        parts: &[Part],
        mut visit: impl FnMut(PassageText) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for part in parts {
            let mut visit_one = |heading: Vec<String>, text: String, place: Option<Place>| {
                let heading = part.heading.iter().cloned().chain(heading).collect();
                let heading = below(title, heading);
                visit(PassageText { heading, title: title.to_owned(), text, place, ..PassageText::default() })
            };
            match &part.content {
                Content::Text(markup, text) => {
                    self.visit(*markup, text, |Passage { heading, text, .. }| {
                        visit_one(heading, text, part.place.clone())
                    })?;
                }
                Content::Table(table) => {
                    for rows in tables::passages(&self.sizer, table) {
                        let place = part.place.as_ref().map(|place| place.at_rows(rows.first, rows.last));
                        visit_one(Vec::new(), rows.text, place)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The passages of the text of a section.
    pub(super) fn texts(&self, windows: &Windows<'_>, text: &str) -> Vec<String> {
        let blocks = sections::blocks(text);
        if blocks.tables.is_empty() || self.sizer.size(text.trim()) <= TARGET_TOKENS {
            return self.prose(windows, text, &blocks);
        }
        let stretches = tables::stretches(text, &blocks.tables).into_iter();
        stretches
            .flat_map(|stretch| match stretch {
                Stretch::Prose(range) => {
                    let text = &text[range];
                    self.prose(windows, text, &sections::blocks(text))
                }
                Stretch::Table(range) => {
                    let rows = tables::passages(&self.sizer, &tables::parse(&text[range])).into_iter();
                    rows.map(|rows| rows.text).collect()
                }
            })
            .collect()
    }

    fn prose(&self, windows: &Windows<'_>, text: &str, blocks: &Blocks) -> Vec<String> {
        let ranges = windows.markdown(text, &blocks.all);
        let ranges = self.keep_introductions(text, ranges).into_iter();
        ranges.map(|range| with_fences(text, range, &blocks.code).into_owned()).collect()
    }
}

/// The headings of a passage below the title of its document.
pub(super) fn below(title: &str, mut heading: Vec<String>) -> Vec<String> {
    if heading.first().is_some_and(|first| first == title) {
        heading.remove(0);
    }
    heading
}

/// The title that the parts of a document name: that of the first part with text.
pub fn title_of(parts: &[Part]) -> Option<String> {
    let text = parts.iter().find(|part| part.has_text());
    text.and_then(|part| match &part.content {
        Content::Text(markup, text) => title(*markup, text),
        Content::Table(_) => None,
    })
}
