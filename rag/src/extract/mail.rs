//! Reads mails with their attachments.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders as _};

use super::archive::Inside;
use super::{ExtractError, encoding, html};
use crate::vocabulary::{Content, Markup, Part};

/// The text of a mail is a mere remark beside its page if the page has so many times its letters.
const MAX_PAGE_RATIO: usize = 3;
/// The beginning of each mail of a mailbox.
const MAILBOX_LINE: &[u8] = b"From ";

pub(super) fn parts(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    if bytes.starts_with(MAILBOX_LINE) {
        return mailbox(bytes, inside);
    }
    let message = MessageParser::default().parse(bytes).ok_or(ExtractError::Damaged)?;
    let fields = [
        ("From", message.from().map(names)),
        ("To", message.to().map(names)),
        ("Date", message.date().map(mail_parser::DateTime::to_rfc822)),
    ];
    let mut parts = vec![part(message.subject(), fields, &body(&message))];
    for attachment in message.attachments() {
        let name = attachment.attachment_name().unwrap_or_default();
        if is_of_page(attachment, name) {
            continue;
        }
        let name = if name.is_empty() && attachment.is_message() { "message.eml" } else { name };
        inside.read(name, attachment.contents(), &mut parts)?;
    }
    Ok(parts)
}

/// Whether a part without a name, or a style, only helps to show a page.
fn is_of_page(part: &MessagePart<'_>, name: &str) -> bool {
    let Some(kind) = part.content_type() else { return false };
    let is_picture = kind.ctype().eq_ignore_ascii_case("image") && name.is_empty();
    let is_program =
        |kind: &str| ["css", "javascript"].iter().any(|program| kind.eq_ignore_ascii_case(program));
    is_picture || kind.subtype().is_some_and(is_program)
}

/// The mails of a mailbox, each below its number.
fn mailbox(bytes: &[u8], inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let (mut parts, mut number, mut rest) = (Vec::new(), 0, bytes);
    while !rest.is_empty() {
        number += 1;
        let end = memchr::memmem::find(rest, b"\nFrom ").map_or(rest.len(), |line| line + 1);
        let (mail, next) = rest.split_at(end);
        let start = mail.iter().position(|byte| *byte == b'\n').map_or(mail.len(), |line| line + 1);
        inside.read(&format!("{number}.eml"), &mail[start..], &mut parts)?;
        rest = next;
    }
    Ok(parts)
}

/// The text of a mail. It is that of its page where the text only says that there is one.
fn body(message: &Message<'_>) -> String {
    let parts = |indexes: &[u32]| -> Vec<&MessagePart<'_>> {
        indexes.iter().filter_map(|index| message.parts.get(usize::try_from(*index).ok()?)).collect()
    };
    // The parser converts between both forms, and names the same part for both.
    let is_page = |part: &&&MessagePart<'_>| part.is_text_html();
    let texts: Vec<String> = parts(&message.text_body)
        .iter()
        .filter(|part| part.is_text() && !part.is_text_html())
        .map(|part| paragraphs(&text_of(message, part)))
        .collect();
    let pages: Vec<String> = parts(&message.html_body)
        .iter()
        .filter(is_page)
        .map(|part| html::convert(&text_of(message, part)).markdown)
        .collect();
    let (text, page) = (texts.join("\n\n"), pages.join("\n\n"));
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    if letters(&page) > letters(&text) * MAX_PAGE_RATIO { page } else { text }
}

/// The text of a part. One that is not in the encoding that it declares is recognised.
fn text_of(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    let text = part.text_contents().unwrap_or_default();
    let is_page = part.is_text_html();
    let raw = || {
        let (start, end) = (usize::try_from(part.offset_body).ok()?, usize::try_from(part.offset_end).ok()?);
        let raw = message.raw_message.get(start..end)?;
        Some(match part.encoding {
            Encoding::None => raw.to_vec(),
            Encoding::QuotedPrintable => quoted_printable_decode(raw)?,
            Encoding::Base64 => base64_decode(raw)?,
        })
    };
    match text.contains(char::REPLACEMENT_CHARACTER).then(raw).flatten() {
        Some(bytes) if is_page => encoding::decode_markup(&bytes),
        Some(bytes) => encoding::decode(&bytes),
        None => text.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use crate::extract::{MediaType, Tools, extract};

    fn read(mail: &[u8]) -> String {
        extract(MediaType::Mail, mail, &Tools::default()).unwrap().text()
    }

    #[test]
    fn a_page_beside_a_mere_remark_is_the_text() {
        let mail = "Subject: Order\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
            Content-Type: text/plain\r\n\r\nPlease use a newer program.\r\n--b\r\nContent-Type: text/html\r\n\r\n\
            <h1>Order 12</h1><p>The kiln and the two shelves that you ordered come on Tuesday, between nine and ten. \
            Please leave the gate open.</p>\r\n--b--\r\n";
        let text = read(mail.as_bytes());
        assert!(text.contains("# Order 12") && !text.contains("newer"), "{text}");
    }

    #[test]
    fn an_encoding_that_is_not_declared_is_recognised() {
        let body = b"Subject: Ofen\r\n\r\nDer Brennofen k\xfchlt \xfcber Nacht, t\xe4glich.\r\n";
        assert!(read(body).contains("kühlt über Nacht, täglich"));
        let quoted = "Subject: Ofen\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDer Ofen k=FChlt =FCber Nacht.\r\n";
        assert!(read(quoted.as_bytes()).contains("kühlt über Nacht"));
    }

    #[test]
    fn the_mails_of_a_mailbox_are_read_one_by_one() {
        let mail = |text: &str| {
            format!(
                "From a@x.org Fri Jan  3 10:00:00 2025\nSubject: Kiln\nContent-Transfer-Encoding: quoted-printable\n\n{text}\n\n"
            )
        };
        let text =
            read([mail("It cools =C3=BCber Nacht."), mail("Fire it at 1240 =C2=B0C.")].concat().as_bytes());
        assert!(text.contains("über Nacht") && text.contains("1240 °C") && !text.contains("2025"), "{text}");
    }
}
