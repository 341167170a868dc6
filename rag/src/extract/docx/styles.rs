//! Reads what styles say of their paragraphs.

use std::collections::HashMap;

use super::numbering::list_id;
use crate::extract::ExtractError;
use crate::extract::package::{attribute, for_each_tag};

/// The longest chain of styles of which each is based on the next one.
const MAX_BASES: usize = 12;

/// Effect of a style on a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    Title,
    /// A heading with its level, from 1.
    Heading(usize),
    Item,
}

/// The list of a style's paragraphs as the style itself says it.
#[derive(Debug, Default)]
struct Listed {
    based_on: String,
    list: Option<String>,
    level: Option<usize>,
}

/// Styles that are not plain text, and the lists of styles with the levels that they name, by the ids of the
/// styles.
pub(super) type Styles = (HashMap<String, Style>, HashMap<String, (String, Option<usize>)>);

/// Reads the styles. Their names are English in every language of Word.
pub(super) fn read(xml: &str) -> Result<Styles, ExtractError> {
    let mut styles = HashMap::new();
    let mut listed: HashMap<String, Listed> = HashMap::new();
    let mut current = String::new();
    for_each_tag(xml, |tag| {
        let value = || attribute(tag, b"val").unwrap_or_default();
        match tag.local_name().as_ref() {
            b"style" => current = attribute(tag, b"styleId").unwrap_or_default(),
            b"name" => {
                let style = style_named(&value());
                if style != Style::Text {
                    styles.insert(current.clone(), style);
                }
            }
            b"outlineLvl" => {
                let level = value().parse::<usize>().ok();
                if let Some(level) = level.filter(|level| *level < 6) {
                    styles.entry(current.clone()).or_insert(Style::Heading(level + 1));
                }
            }
            b"basedOn" => listed.entry(current.clone()).or_default().based_on = value(),
            b"numId" => listed.entry(current.clone()).or_default().list = Some(list_id(value())),
            b"ilvl" => listed.entry(current.clone()).or_default().level = value().parse().ok(),
            _ => {}
        }
    })?;
    let lists = listed.keys().filter_map(|style| Some((style.clone(), list_of(style, &listed)?))).collect();
    Ok((styles, lists))
}

/// The list and the level of a style, which may be those of a style that it is based on. A level belongs to the
/// list of its own style.
fn list_of(style: &str, listed: &HashMap<String, Listed>) -> Option<(String, Option<usize>)> {
    let mut level = None;
    let mut style = listed.get(style)?;
    for _ in 0..MAX_BASES {
        level = level.or(style.level);
        if let Some(list) = &style.list {
            return Some((list.clone(), level)).filter(|_| list != "0");
        }
        style = listed.get(&style.based_on)?;
    }
    None
}

/// Returns what a style is by its name or id: `heading 2`, `Heading2`, in German `berschrift2`, in French
/// `Titre2`.
pub(super) fn style_named(style: &str) -> Style {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_has_the_list_of_the_style_that_it_is_based_on() {
        let style = |id: &str, more: &str| format!("<w:style w:styleId='{id}'>{more}</w:style>");
        let list = |list: &str, level: &str| {
            format!("<w:pPr><w:numPr>{level}<w:numId w:val='{list}'/></w:numPr></w:pPr>")
        };
        let xml = [
            style("Heading1", &list("5", "")),
            style(
                "Heading2",
                "<w:basedOn w:val='Heading1'/><w:pPr><w:numPr><w:ilvl w:val='1'/></w:numPr></w:pPr>",
            ),
            style("Plain", &format!("<w:basedOn w:val='Heading1'/>{}", list("0", ""))),
            style("A", "<w:basedOn w:val='B'/>"),
            style("B", "<w:basedOn w:val='A'/>"),
            style("Note", "<w:basedOn w:val='Normal'/>"),
        ]
        .concat();
        let (_, lists) = read(&format!("<w:styles xmlns:w='w'>{xml}</w:styles>")).unwrap();
        let mut lists: Vec<_> = lists.into_iter().collect();
        lists.sort();
        assert_eq!(
            lists,
            [("Heading1".into(), ("5".into(), None)), ("Heading2".into(), ("5".into(), Some(1)))]
        );
    }
}
