//! Renders a page as a picture, with the text of a passage marked.

use pdfium_render::prelude::{PdfBitmap, PdfPage, PdfRect, PdfRenderConfig};

use super::{characters, open};
use crate::extract::ExtractError;
use crate::extract::tools::Tools;

/// The largest picture.
const MAX_PIXELS: f32 = 16_000_000.0;
/// The shortest text that is marked, in letters and digits.
const MIN_MARKED: usize = 3;
/// The share of each colour that marked paper keeps, in 256ths: a yellow.
const MARK: [u32; 3] = [255, 226, 92];

/// Renders a page, which counts from 1, as PNG of about this width in pixels. `None` if the document has no
/// such page.
pub fn page_png(
    bytes: &[u8],
    tools: &Tools,
    number: u32,
    width: u32,
    marked: &str,
) -> Result<Option<Vec<u8>>, ExtractError> {
    let document = open(bytes, tools)?;
    let Some(index) = number.checked_sub(1).and_then(|index| i32::try_from(index).ok()) else {
        return Ok(None);
    };
    if index >= document.pages().len() {
        return Ok(None);
    }
    let page = document.pages().get(index).map_err(|_| ExtractError::Damaged)?;
    let scale = scale(&page, width);
    let config = PdfRenderConfig::new().scale_page_by_factor(scale);
    let bitmap = page.render_with_config(&config).map_err(|_| ExtractError::Damaged)?;
    let mut pixels = bitmap.as_rgba_bytes();
    let characters = characters(&page).unwrap_or_default();
    let letters: Vec<char> = characters.iter().map(|character| character.c).collect();
    let mut is_marked = vec![false; pixels.len() / 4];
    for index in places(&letters, marked) {
        if let Some(bounds) = characters.get(index).and_then(|character| character.bounds) {
            mark(&mut is_marked, &bitmap, &page, &config, bounds);
        }
    }
    for (pixel, _) in
        pixels.as_chunks_mut::<4>().0.iter_mut().zip(is_marked).filter(|(_, is_marked)| *is_marked)
    {
        for (colour, share) in pixel.iter_mut().zip(MARK) {
            *colour = u8::try_from(u32::from(*colour) * share / 255).unwrap_or(u8::MAX);
        }
    }
    encoded(&pixels, &bitmap).map(Some)
}

fn scale(page: &PdfPage<'_>, width: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a width is a small number")]
    let wanted = width as f32 / page.width().value.max(1.0);
    let area = (page.width().value * page.height().value).max(1.0);
    wanted.min((MAX_PIXELS / area).sqrt())
}

/// The indexes of the characters of a page that belong to a text. Lines and cells of the text are looked for
/// one after the other, so that the first places behind each other are found.
fn places(letters: &[char], text: &str) -> Vec<usize> {
    let kept = |c: char| c.is_alphanumeric().then(|| c.to_lowercase()).into_iter().flatten();
    let (mut page, mut origins) = (Vec::new(), Vec::new());
    for (index, letter) in letters.iter().enumerate() {
        for c in kept(*letter) {
            page.push(c);
            origins.push(index);
        }
    }
    let (mut found, mut start) = (Vec::new(), 0);
    for piece in text.split(['\n', '|']) {
        let piece: Vec<char> = piece.chars().flat_map(kept).collect();
        if piece.is_empty() {
            continue;
        }
        let is_here = |from: usize| (from..page.len()).find(|at| page[*at..].starts_with(&piece));
        let at = is_here(start).or_else(|| (piece.len() >= MIN_MARKED).then(|| is_here(0)).flatten());
        if let Some(at) = at {
            start = at + piece.len();
            found.extend(origins[at..start].iter().copied());
        }
    }
    found.dedup();
    found
}

/// Marks the pixels of a box on the page, which may be turned.
fn mark(
    is_marked: &mut [bool],
    bitmap: &PdfBitmap<'_>,
    page: &PdfPage<'_>,
    config: &PdfRenderConfig,
    bounds: PdfRect,
) {
    let corner = |x, y| page.points_to_pixels(x, y, config).ok();
    let corners = corner(bounds.left(), bounds.bottom()).zip(corner(bounds.right(), bounds.top()));
    let Some(((x, y), (other_x, other_y))) = corners else { return };
    let range = |a: i32, b: i32, limit: i32| {
        let pixel = |at: i32| usize::try_from(at.clamp(0, limit)).unwrap_or(0);
        pixel(a.min(b))..pixel(a.max(b))
    };
    let (columns, rows) = (range(x, other_x, bitmap.width()), range(y, other_y, bitmap.height()));
    let width = usize::try_from(bitmap.width()).unwrap_or(0);
    for row in rows {
        if let Some(pixels) = is_marked.get_mut(row * width + columns.start..row * width + columns.end) {
            pixels.fill(true);
        }
    }
}

fn encoded(pixels: &[u8], bitmap: &PdfBitmap<'_>) -> Result<Vec<u8>, ExtractError> {
    let mut bytes = Vec::new();
    let mut encoder =
        png::Encoder::new(&mut bytes, bitmap.width().unsigned_abs(), bitmap.height().unsigned_abs());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let colours: Vec<u8> =
        pixels.as_chunks::<4>().0.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect();
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&colours));
    written.map_err(|_| ExtractError::Damaged)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_and_cells_of_a_text_are_found_in_order() {
        let page: Vec<char> = "Seal 22 mm 4.00 Rotor 22 mm 9.00".chars().collect();
        let text = |found: Vec<usize>| found.into_iter().map(|index| page[index]).collect::<String>();
        assert_eq!(text(places(&page, "| Rotor | 22 mm | 9.00 |")), "Rotor22mm900");
        assert!(places(&page, "| nothing | of it |").is_empty());
    }
}
