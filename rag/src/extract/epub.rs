//! Reads an EPUB book: a part for each chapter in reading order.

use std::collections::HashMap;

use super::archive::Inside;
use super::package::{Package, attribute, for_each_tag, resolve};
use super::{ExtractError, encoding, html};
use crate::vocabulary::{Content, Markup, Part};

/// The chapters of a book. A chapter that cannot be read is left out.
pub(super) fn read(package: &mut Package<'_>, inside: &Inside<'_>) -> Result<Vec<Part>, ExtractError> {
    let container = package.xml("META-INF/container.xml")?.ok_or(ExtractError::Damaged)?;
    let mut root = None;
    for_each_tag(&container, |tag| {
        if tag.local_name().as_ref() == b"rootfile" && root.is_none() {
            root = attribute(tag, b"full-path");
        }
    })?;
    let root = root.ok_or(ExtractError::Damaged)?;
    if package.has("META-INF/rights.xml") {
        return Err(ExtractError::Encrypted);
    }
    let xml = package.xml(&root)?.ok_or(ExtractError::Damaged)?;
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (mut parts, mut failed) = (Vec::new(), None);
    for name in chapters(&xml, folder)? {
        let bytes = match package.part(&name).and_then(|bytes| bytes.ok_or(ExtractError::Damaged)) {
            Ok(bytes) => bytes,
            Err(error) => {
                inside.omit_file(&name, error.as_cause());
                failed = Some(error);
                continue;
            }
        };
        let page = html::convert(&encoding::decode_markup(&bytes));
        let names_itself = page.markdown.starts_with('#');
        let heading = page.title.filter(|_| !names_itself).into_iter().collect();
        let content = Content::Text(Markup::Markdown, page.markdown);
        parts.push(Part { heading, content, place: None });
    }
    match failed {
        Some(error) if parts.is_empty() => Err(error),
        _ => Ok(parts),
    }
}

/// The names of the chapters in reading order.
fn chapters(xml: &str, folder: &str) -> Result<Vec<String>, ExtractError> {
    let (mut files, mut order) = (HashMap::new(), Vec::new());
    for_each_tag(xml, |tag| match tag.local_name().as_ref() {
        b"item" => {
            if let (Some(id), Some(target)) = (attribute(tag, b"id"), attribute(tag, b"href")) {
                let target = percent_encoding::percent_decode_str(&target).decode_utf8_lossy().into_owned();
                let target = target.split('#').next().unwrap_or_default().to_owned();
                files.insert(id, resolve(folder, &target));
            }
        }
        b"itemref" => order.extend(attribute(tag, b"idref")),
        _ => {}
    })?;
    Ok(order.iter().filter_map(|id| files.remove(id)).collect())
}
