//! Converts a Word document to Markdown: headings by their styles, lists with their numbers, tables, text
//! boxes, and notes and comments behind the paragraph that they belong to.

mod body;
mod notes;
mod numbering;
mod paragraph;
mod styles;
mod table;

use std::collections::HashMap;

use super::ExtractError;
use super::package::{Package, Relation, resolve};
use crate::vocabulary::{Markup, Part};
use body::Body;
use numbering::Numbering;
use styles::{Style, style_named};

/// The parts of a document that are read beside its text.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Styles that are not plain text, by their ids.
    styles: HashMap<String, Style>,
    /// The list of the paragraphs of a style, and their level in it if the style says it.
    lists_of_styles: HashMap<String, (String, Option<usize>)>,
    numbering: Numbering,
    /// The text of notes by their kind and id, such as `footnote` and `2`.
    notes: HashMap<(&'static str, String), String>,
}

/// Reads the document whose main part has this name.
pub(super) fn parts(package: &mut Package<'_>, main: &str) -> Result<Vec<Part>, ExtractError> {
    let xml = package.xml(main)?.ok_or(ExtractError::Damaged)?;
    let relations = package.relations(main)?;
    let mut beside = Beside::default();
    if let Some(styles) = package.xml(&target(&relations, main, "styles"))? {
        (beside.styles, beside.lists_of_styles) = styles::read(&styles)?;
    }
    if let Some(rules) = package.xml(&target(&relations, main, "numbering"))? {
        beside.numbering = Numbering::read(&rules)?;
    }
    for (relation, kind) in [("footnotes", "footnote"), ("endnotes", "endnote"), ("comments", "comment")] {
        if let Some(xml) = package.xml(&target(&relations, main, relation))? {
            notes::read(&xml, kind, &mut beside)?;
        }
    }
    let mut markdown = Body::new(&beside).read(&xml)?;
    for name in margins(&relations) {
        if let Some(xml) = package.xml(&name)? {
            let margin = Body::new(&beside).read(&xml)?;
            let margin = margin.trim();
            if margin.chars().any(char::is_alphabetic) && !markdown.contains(margin) {
                markdown.push_str("\n\n");
                markdown.push_str(margin);
                markdown.push('\n');
            }
        }
    }
    Ok(vec![Part::text(Markup::Markdown, markdown)])
}

/// The name of a part beside the main one; the usual name where no relation names it.
fn target(relations: &HashMap<String, Relation>, main: &str, kind: &str) -> String {
    let named = relations.values().find(|relation| relation.kind == kind);
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    named.map_or_else(|| resolve(folder, &format!("{kind}.xml")), |relation| relation.target.clone())
}

/// The parts with the text above and below the pages.
fn margins(relations: &HashMap<String, Relation>) -> Vec<String> {
    let margins = relations.values().filter(|relation| matches!(relation.kind.as_str(), "header" | "footer"));
    let mut names: Vec<_> = margins.map(|relation| relation.target.clone()).collect();
    names.sort();
    names
}
