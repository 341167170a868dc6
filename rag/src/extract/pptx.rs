//! Reads a PowerPoint presentation: a part for each slide, with its title as heading, its tables, the text of
//! its diagrams and its notes.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::archive::Inside;
use super::merged::{self, Cell, Merged, Span};
use super::package::{Package, Relation, attribute, for_each_tag, push_reference};
use super::raised::raise_end;
use super::{ExtractError, OmittedPart, escaped};
use crate::vocabulary::{Content, Markup, Part, Place};

/// Reads the presentation whose main part has this name. A slide that cannot be read is left out.
pub(super) fn parts(
    package: &mut Package<'_>,
    main: &str,
    inside: &Inside<'_>,
) -> Result<Vec<Part>, ExtractError> {
    let xml = package.xml(main)?.ok_or(ExtractError::Damaged)?;
    let relations = package.relations(main)?;
    let (mut parts, mut failed) = (Vec::new(), None);
    for (number, name) in (1..).zip(slides(&xml, &relations)?) {
        let text = slide(package, &name).unwrap_or_else(|error| {
            inside.omit(OmittedPart::Slide(number), error.as_cause());
            failed = Some(error);
            String::new()
        });
        let content = Content::Text(Markup::Markdown, text);
        parts.push(Part { heading: Vec::new(), content, place: Some(Place::Slide { number }) });
    }
    match failed {
        Some(error) if !parts.iter().any(Part::has_text) => Err(error),
        _ => Ok(parts),
    }
}

/// The text of a slide and of the parts beside it.
fn slide(package: &mut Package<'_>, name: &str) -> Result<String, ExtractError> {
    let slide = package.xml(name)?.ok_or(ExtractError::Damaged)?;
    let mut text = Slide::default().read(&slide)?;
    let mut beside: Vec<Relation> = package.relations(name)?.into_values().collect();
    beside.sort_by(|a, b| (&a.kind, &a.target).cmp(&(&b.kind, &b.target)));
    for relation in beside.iter().filter(|relation| is_text(&relation.kind)) {
        if let Some(xml) = package.xml(&relation.target)? {
            let more = Slide { is_notes: relation.kind == "notesSlide", ..Slide::default() }.read(&xml)?;
            text.push_str(&more);
        }
    }
    Ok(text)
}

/// Whether a part beside a slide holds text of the slide.
fn is_text(kind: &str) -> bool {
    matches!(kind, "notesSlide" | "diagramData" | "chart" | "comments")
}

/// The names of the slides in the order in which they are shown.
fn slides(xml: &str, relations: &HashMap<String, Relation>) -> Result<Vec<String>, ExtractError> {
    let mut slides = Vec::new();
    for_each_tag(xml, |tag| {
        if tag.local_name().as_ref() == b"sldId" {
            // Its own id stands beside the id of the relation, which has a prefix.
            let ids = tag.attributes().flatten().filter(|attribute| attribute.key.prefix().is_some());
            let ids = ids.map(|attribute| String::from_utf8_lossy(&attribute.value).into_owned());
            slides.extend(ids.filter_map(|id| relations.get(&id)).map(|relation| relation.target.clone()));
        }
    })?;
    Ok(slides)
}

/// Kind of the text of a shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Text,
    Title,
    /// No content: the number of the slide, the date.
    Field,
}

#[derive(Default)]
struct Slide {
    markdown: String,
    text: String,
    in_text: bool,
    shape: Shape,
    is_notes: bool,
    level: usize,
    rows: Vec<Vec<Cell>>,
    cell: Option<Cell>,
    /// Whether the open cell is covered by another one.
    is_covered: bool,
    /// The place at which the open run begins, if its text is raised.
    raised: Option<usize>,
}

impl Slide {
    fn read(mut self, xml: &str) -> Result<String, ExtractError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event().map_err(|_| ExtractError::Damaged)? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    b"t" | b"v" | b"text" => self.in_text = true,
                    b"sp" => self.shape = Shape::Text,
                    b"tc" => self.start_cell(&tag),
                    b"tr" => self.rows.push(Vec::new()),
                    _ => self.mark(&tag),
                },
                Event::Empty(tag) => self.mark(&tag),
                Event::Text(text) if self.in_text => {
                    self.text.push_str(&text.decode().map_err(|_| ExtractError::Damaged)?);
                }
                Event::GeneralRef(reference) if self.in_text => push_reference(&mut self.text, &reference),
                Event::End(tag) => self.end(tag.local_name().as_ref()),
                Event::Eof => break,
                _ => {}
            }
        }
        self.end_paragraph();
        Ok(self.markdown)
    }

    fn start_cell(&mut self, tag: &BytesStart<'_>) {
        let said = |name: &[u8]| attribute(tag, name);
        let is = |name: &[u8]| said(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false"));
        let span = Span::of(said(b"gridSpan").as_deref(), said(b"rowSpan").as_deref());
        self.cell = Some(Cell { text: String::new(), span });
        self.is_covered = is(b"hMerge") || is(b"vMerge");
    }

    fn mark(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            b"br" => self.text.push('\n'),
            b"tab" => self.text.push(' '),
            b"rPr" => {
                let baseline = attribute(tag, b"baseline").unwrap_or_default();
                let is_raised = baseline.starts_with(|c: char| matches!(c, '1'..='9'));
                self.raised = is_raised.then_some(self.text.len());
            }
            b"pPr" => self.level = attribute(tag, b"lvl").and_then(|level| level.parse().ok()).unwrap_or(0),
            b"ph" => {
                let kind = attribute(tag, b"type").unwrap_or_default();
                self.shape = match kind.as_str() {
                    "title" | "ctrTitle" if !self.is_notes => Shape::Title,
                    "sldNum" | "dt" | "sldImg" => Shape::Field,
                    _ => Shape::Text,
                };
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"t" => self.in_text = false,
            b"r" | b"fld" => {
                if let Some(start) = self.raised.take() {
                    raise_end(&mut self.text, start);
                }
            }
            // A value of a chart, or a comment.
            b"v" | b"text" => {
                self.in_text = false;
                self.text.push(' ');
            }
            b"p" | b"cm" | b"tx" | b"cat" | b"val" => self.end_paragraph(),
            b"tc" => {
                self.end_paragraph();
                let cell = self.cell.take().filter(|_| !self.is_covered);
                if let (Some(cell), Some(row)) = (cell, self.rows.last_mut()) {
                    row.push(cell);
                }
            }
            b"tbl" => {
                let Merged { captions, table } = merged::table(std::mem::take(&mut self.rows));
                for caption in captions {
                    self.markdown.extend([&escaped(caption.trim()), "\n\n"]);
                }
                self.markdown.extend(["\n", &table.to_markdown(), "\n"]);
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        let level = std::mem::take(&mut self.level);
        self.raised = None;
        let text = text.trim();
        if text.is_empty() || self.shape == Shape::Field {
            return;
        }
        if let Some(cell) = &mut self.cell {
            if !cell.text.is_empty() {
                cell.text.push(' ');
            }
            cell.text.push_str(text);
        } else if self.shape == Shape::Title {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            self.markdown.extend(["# ", &line, "\n\n"]);
        } else if level > 0 {
            self.markdown.extend([&"  ".repeat(level.min(8) - 1), "- ", &text.replace('\n', " "), "\n\n"]);
        } else {
            self.markdown.extend([&escaped(text), "\n\n"]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slide_has_its_title_text_and_tables() {
        let xml = "<p:sld xmlns:p='p' xmlns:a='a'><p:sp><p:nvSpPr><p:nvPr><p:ph type='title'/></p:nvPr></p:nvSpPr>\
            <a:p><a:r><a:t>Sales</a:t></a:r></a:p></p:sp><p:sp><a:p><a:r><a:t>Up by 4 %.</a:t></a:r></a:p></p:sp>\
            <a:tbl><a:tr><a:tc><a:p><a:t>Q</a:t></a:p></a:tc><a:tc><a:p><a:t>EUR</a:t></a:p></a:tc></a:tr>\
            <a:tr><a:tc><a:p><a:t>3</a:t></a:p></a:tc><a:tc><a:p><a:t>90</a:t></a:p></a:tc></a:tr></a:tbl></p:sld>";
        assert_eq!(
            Slide::default().read(xml).unwrap(),
            "# Sales\n\nUp by 4 %.\n\n\n| Q | EUR |\n|---|---|\n| 3 | 90 |\n\n"
        );
    }

    #[test]
    fn merged_cells_of_a_table_keep_their_columns_and_rows() {
        let cell = |said: &str, text: &str| format!("<a:tc {said}><a:p><a:t>{text}</a:t></a:p></a:tc>");
        let row = |cells: &[String]| format!("<a:tr>{}</a:tr>", cells.concat());
        let table = |rows: &[String]| format!("<a:tbl>{}</a:tbl>", rows.concat());
        let xml = table(&[
            row(&[cell("rowSpan='2'", "kiln"), cell("gridSpan='2'", "hours"), cell("hMerge='1'", "")]),
            row(&[cell("vMerge='1'", "left over"), cell("", "cold"), cell("", "hot")]),
            row(&[cell("rowSpan='2'", "A"), cell("", "8"), cell("", "9")]),
            row(&[cell("vMerge='true'", ""), cell("", "10"), cell("", "11")]),
        ]);
        assert_eq!(
            Slide::default().read(&xml).unwrap().trim(),
            "| kiln | hours cold | hours hot |\n|---|---|---|\n| A | 8 | 9 |\n| A | 10 | 11 |"
        );
        let claims = cell("gridSpan='1000000' rowSpan='1000000'", "x");
        let rows = vec![row(&[claims.clone(), claims]); 200];
        assert!(Slide::default().read(&table(&rows)).unwrap().len() < 1 << 20);
    }

    #[test]
    fn raised_digits_stay_apart_from_their_number() {
        let run = |said: &str, text: &str| format!("<a:r><a:rPr {said}/><a:t>{text}</a:t></a:r>");
        let xml = format!(
            "<a:p>{}{}{}{}{}</a:p>",
            run("", "10"),
            run("baseline='30000'", "6"),
            run("baseline='-25000'", " bricks a year."),
            run("baseline=\"30%\"", "3"),
            run("baseline='0'", " 4")
        );
        assert_eq!(Slide::default().read(&xml).unwrap(), "10⁶ bricks a year.³ 4\n\n");
    }
}
