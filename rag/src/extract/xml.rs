//! Reads an XML file of any kind as text: a line for each value with its name, and a paragraph for each text
//! with other elements in it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::package::push_reference;
use super::raised::raised;
use super::{ExtractError, html};

/// The longest value that stands behind its name. A longer one is a text of its own.
const MAX_VALUE_CHARS: usize = 80;
/// The deepest element that is told apart. The text of those within it is its own.
const MAX_DEPTH: usize = 100;
/// Elements whose name says no more than that they hold a text.
const TEXTS: [&str; 22] = [
    "title",
    "subtitle",
    "p",
    "para",
    "text",
    "content",
    "body",
    "description",
    "summary",
    "entry",
    "li",
    "td",
    "th",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "heading",
    "item",
    "note",
    "programlisting",
];
/// The longest value of an attribute that is read. Longer ones are drawings and the like.
const MAX_ATTRIBUTE_CHARS: usize = 80;

/// Whether a text is an XML file that says so.
pub(super) fn is_xml(text: &str) -> bool {
    text.trim_start().starts_with("<?xml")
}

/// The text of the file; an error where it is no XML after all.
pub(super) fn text(xml: &str) -> Result<String, ExtractError> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let (mut open, mut deeper) = (vec![Element::default()], 0_usize);
    loop {
        match reader.read_event().map_err(|_| ExtractError::Damaged)? {
            Event::Start(_) if open.len() > MAX_DEPTH => deeper += 1,
            Event::End(_) if deeper > 0 => deeper -= 1,
            Event::Start(tag) => open.push(Element::of(&tag)),
            Event::Empty(tag) => end(Element::of(&tag), &mut open),
            Event::Text(text) => {
                let text = text.decode().map_err(|_| ExtractError::Damaged)?;
                push(&mut open, &text);
            }
            Event::CData(text) => push(&mut open, &String::from_utf8_lossy(&text)),
            Event::GeneralRef(reference) => {
                let mut text = String::new();
                push_reference(&mut text, &reference);
                push(&mut open, &text);
            }
            Event::End(_) => {
                if open.len() > 1
                    && let Some(element) = open.pop()
                {
                    end(element, &mut open);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    while open.len() > 1
        && let Some(element) = open.pop()
    {
        end(element, &mut open);
    }
    Ok(open.pop().map(|root| root.lines.join("\n")).unwrap_or_default())
}

#[derive(Default)]
struct Element {
    name: String,
    /// The attributes as values.
    attributes: Vec<String>,
    /// The text, with that of the elements within it.
    text: String,
    /// Whether text stands directly in the element.
    has_text: bool,
    has_elements: bool,
    /// The lines of the elements within it.
    lines: Vec<String>,
}

impl Element {
    fn of(tag: &BytesStart<'_>) -> Self {
        let local = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let attributes = tag.attributes().flatten().filter_map(|attribute| {
            let name = attribute.key;
            let is_technical = name.as_ref().starts_with(b"xmlns")
                || name.prefix().is_some()
                || matches!(name.as_ref(), b"id" | b"class" | b"style" | b"transform");
            let value = String::from_utf8_lossy(&attribute.value).into_owned();
            let value =
                quick_xml::escape::unescape(&value).map(std::borrow::Cow::into_owned).unwrap_or(value);
            let is_value =
                value.chars().any(char::is_alphanumeric) && value.chars().count() <= MAX_ATTRIBUTE_CHARS;
            (!is_technical && is_value).then(|| format!("{}: {value}", local(name.local_name().as_ref())))
        });
        Self { name: local(tag.local_name().as_ref()), attributes: attributes.collect(), ..Self::default() }
    }
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.has_text |= !text.trim().is_empty();
        element.text.push_str(text);
    }
}

/// Adds what an element says to the one around it.
fn end(element: Element, open: &mut [Element]) {
    let Some(outer) = open.last_mut() else { return };
    outer.has_elements = true;
    let Element { name, attributes, text, has_text, has_elements, lines } = element;
    let is_raised = matches!(name.as_str(), "sup" | "superscript");
    let text = raised(&outer.text, &text).filter(|_| is_raised).unwrap_or(text);
    if has_text {
        outer.lines.push(line(&name, &text, has_elements));
    } else if has_elements {
        // Blank lines keep records apart.
        let mut lines = lines;
        if lines.len() > 1 {
            lines.push(String::new());
        }
        if outer.lines.is_empty() {
            outer.lines = lines;
        } else {
            outer.lines.extend(lines);
        }
    } else if !attributes.is_empty() {
        outer.lines.push(format!("{name}: {}", attributes.join(", ")));
    }
    if outer.text.is_empty() {
        outer.text = text;
    } else {
        outer.text.push_str(&text);
    }
}

fn line(name: &str, text: &str, has_elements: bool) -> String {
    // News carry their texts as pages.
    let text = if text.contains("</") { html::convert(text).markdown } else { text.to_owned() };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_sentence = text.ends_with(['.', '!', '?', '。']) || text.chars().count() > MAX_VALUE_CHARS;
    if has_elements || is_sentence || TEXTS.contains(&name) {
        format!("{text}\n")
    } else {
        format!("{name}: {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_names_and_texts_are_paragraphs() {
        let xml = "<?xml version='1.0'?><book xmlns='x'><title>Kilns</title><para>Fire at <b>1240</b> &#176;C.</para>\
            <kiln id='k1' name='Big' volume='90 l'/><item><no>7</no><cbc:price>12.50</cbc:price></item>\
            <note><![CDATA[<p>Closed in <b>May</b>.</p>]]></note></book>";
        assert_eq!(
            text(xml).unwrap(),
            "Kilns\n\nFire at 1240 °C.\n\nkiln: name: Big, volume: 90 l\nno: 7\nprice: 12.50\n\nClosed in May.\n\n"
        );
    }

    #[test]
    fn nesting_costs_neither_stack_nor_time() {
        let xml = format!("<?xml version='1.0'?>{}Deep.", "<a>x ".repeat(60_000));
        let text = text(&xml).unwrap();
        assert!(text.contains("Deep.") && text.len() < 2 * xml.len(), "{}", text.len());
    }
}
