//! Converts a Word document to Markdown: headings by their styles, lists, tables, text boxes, and notes and
//! comments behind the paragraph that they belong to.

mod body;
mod notes;
mod table;

use std::collections::HashMap;

use super::ExtractError;
use super::package::{Package, Relation, attribute, for_each_tag, resolve};
use crate::vocabulary::{Markup, Part};
use body::Body;

/// Effect of a style on a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Text,
    Title,
    /// A heading with its level, from 1.
    Heading(usize),
    Item,
}

/// The parts of a document that are read beside its text.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Styles that are not plain text, by their ids.
    styles: HashMap<String, Style>,
    /// The text of notes by their kind and id, such as `footnote` and `2`.
    notes: HashMap<(&'static str, String), String>,
}

/// Reads the document whose main part has this name.
pub(super) fn parts(package: &mut Package<'_>, main: &str) -> Result<Vec<Part>, ExtractError> {
    let xml = package.xml(main)?.ok_or(ExtractError::Damaged)?;
    let relations = package.relations(main)?;
    let mut beside = Beside::default();
    if let Some(styles) = package.xml(&target(&relations, main, "styles"))? {
        beside.styles = styles_of(&styles)?;
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

/// The styles that are not plain text, by their ids. Their names are English in every language of Word.
fn styles_of(xml: &str) -> Result<HashMap<String, Style>, ExtractError> {
    let mut styles = HashMap::new();
    let mut current = String::new();
    for_each_tag(xml, |tag| match tag.local_name().as_ref() {
        b"style" => current = attribute(tag, b"styleId").unwrap_or_default(),
        b"name" => {
            let style = attribute(tag, b"val").map_or(Style::Text, |name| style_named(&name));
            if style != Style::Text {
                styles.insert(current.clone(), style);
            }
        }
        b"outlineLvl" => {
            let level = attribute(tag, b"val").and_then(|level| level.parse::<usize>().ok());
            if let Some(level) = level.filter(|level| *level < 6) {
                styles.entry(current.clone()).or_insert(Style::Heading(level + 1));
            }
        }
        _ => {}
    })?;
    Ok(styles)
}

/// Returns what a style is by its name or id: `heading 2`, `Heading2`, in German `berschrift2`, in French
/// `Titre2`.
fn style_named(style: &str) -> Style {
    let style = style.to_lowercase().replace(' ', "");
    if matches!(style.as_str(), "title" | "titel" | "titre") {
        return Style::Title;
    }
    if style.starts_with("listbullet") || style.starts_with("listnumber") {
        return Style::Item;
    }
    let digits = style.trim_start_matches(|c: char| !c.is_ascii_digit());
    let heading = style.starts_with("heading") || style.contains("berschrift") || style.starts_with("titre");
    if heading { Style::Heading(digits.parse().unwrap_or(1).clamp(1, 6)) } else { Style::Text }
}
