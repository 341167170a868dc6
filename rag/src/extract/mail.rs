//! Reads mails with their attachments.

use mail_parser::{Address, MessageParser, MimeHeaders as _};

use super::archive::Inside;
use super::{ExtractError, encoding, html};
use crate::vocabulary::{Content, Markup, Part};

pub(super) fn parts(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let message = MessageParser::default().parse(bytes).ok_or(ExtractError::Damaged)?;
    let fields = [
        ("From", message.from().map(names)),
        ("To", message.to().map(names)),
        ("Date", message.date().map(mail_parser::DateTime::to_rfc822)),
    ];
    // The parser converts between both forms; a body that is a page alone is converted here.
    let has_text = message.text_body.iter().any(|index| {
        message
            .parts
            .get(usize::try_from(*index).unwrap_or(usize::MAX))
            .is_some_and(|part| part.is_text() && !part.is_text_html())
    });
    let bodies = if has_text {
        let texts = (0..message.text_body_count()).filter_map(|index| message.body_text(index));
        texts.map(|text| paragraphs(&text)).collect::<Vec<_>>()
    } else {
        let pages = (0..message.html_body_count()).filter_map(|index| message.body_html(index));
        pages.map(|page| html::convert(&page).markdown).collect()
    };
    let mut parts = vec![part(message.subject(), fields, &bodies.join("\n\n"))];
    for attachment in message.attachments() {
        let name = attachment.attachment_name().unwrap_or_default();
        let name = if name.is_empty() && attachment.is_message() { "message.eml" } else { name };
        inside.read(name, attachment.contents(), &mut parts)?;
    }
    Ok(parts)
}

/// The part of a mail itself: its subject as heading, its fields and its text.
pub(super) fn part<const N: usize>(
    subject: Option<&str>,
    fields: [(&str, Option<String>); N],
    body: &str,
) -> Part {
    let mut text = String::new();
    if let Some(subject) = subject.map(str::trim).filter(|subject| !subject.is_empty()) {
        text.extend(["# ", subject, "\n\n"]);
    }
    for (name, value) in fields {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            text.extend([name, ": ", value.trim(), "  \n"]);
        }
    }
    text.push('\n');
    text.push_str(body);
    Part { heading: Vec::new(), content: Content::Text(Markup::Markdown, encoding::nfc(&text)), place: None }
}

/// The lines of a mail as Markdown, in which quoted lines are text.
fn paragraphs(text: &str) -> String {
    text.lines().map(|line| super::escaped(line.trim_start()) + "\n").collect()
}

fn names(address: &Address<'_>) -> String {
    let names = address.iter().map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} ({address})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    });
    names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
}
