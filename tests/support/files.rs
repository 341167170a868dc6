//! Files of each kind that can be read.

pub(crate) use super::containers::{pdf_of, zip};

/// A file of each kind that says this: its name, its bytes, its media type.
pub(crate) fn each_kind(says: &str) -> [(&'static str, Vec<u8>, &'static str); 5] {
    let html = format!("<!doctype html><body><h1>Chapter</h1><p>{says}</p></body>");
    [
        ("a.md", format!("# Chapter\n\n{says}").into_bytes(), "text/markdown"),
        ("b.txt", says.as_bytes().to_vec(), "text/plain"),
        ("c.html", html.into_bytes(), "text/html"),
        ("d.pdf", pdf(says), "application/pdf"),
        ("e.docx", word(says), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ]
}

/// A Word document.
fn word(text: &str) -> Vec<u8> {
    let xml = format!(
        "<w:document xmlns:w=\"w\"><w:body><w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>Chapter</w:t>\
         </w:r></w:p><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
    );
    zip(&[("word/document.xml", xml.as_bytes())])
}

/// A PDF of one page.
pub(crate) fn pdf(text: &str) -> Vec<u8> {
    drawn_pdf(&format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET"), "", "")
}

/// A PDF of one page whose line runs from the bottom to the top.
pub(crate) fn turned_pdf(text: &str) -> Vec<u8> {
    drawn_pdf(&format!("BT /F1 12 Tf 0 1 -1 0 300 100 Tm ({text}) Tj ET"), "", "/Rotate 90")
}

/// A PDF of a form with one field, its name and what was typed into it.
pub(crate) fn form_pdf(name: &str, value: &str) -> Vec<u8> {
    let field = format!("<</Type/Annot/Subtype/Widget/FT/Tx/T(f)/V({value})/Rect[200 714 400 734]/P 3 0 R>>");
    drawn_pdf(&format!("BT /F1 12 Tf 72 720 Td ({name}) Tj ET"), &field, "/Annots[6 0 R]")
}

/// A PDF of a page with this drawing, further properties, and perhaps a field of a form.
fn drawn_pdf(drawing: &str, field: &str, page: &str) -> Vec<u8> {
    let form = if field.is_empty() { "" } else { "/AcroForm<</Fields[6 0 R]>>" };
    let mut objects = vec![
        format!("<</Type/Catalog/Pages 2 0 R{form}>>").into_bytes(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>{page}>>"
        )
        .into_bytes(),
        format!("<</Length {}>>stream\n{drawing}\nendstream", drawing.len()).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
    ];
    if !field.is_empty() {
        objects.push(field.as_bytes().to_vec());
    }
    pdf_of(&objects)
}

/// A PDF of so many pages, each of which is a picture of 24 bits a pixel.
pub(crate) fn scan(png: &[u8], pages: usize) -> Vec<u8> {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    let (width, height) = (number(16), number(20));
    // The compressed lines of a PNG are those of a picture in a PDF.
    let (mut pixels, mut at) = (Vec::new(), 8);
    while at < png.len() {
        let length = number(at) as usize;
        if &png[at + 4..at + 8] == b"IDAT" {
            pixels.extend_from_slice(&png[at + 8..at + 8 + length]);
        }
        at += 12 + length;
    }
    let mut picture = format!(
        "<</Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceRGB/BitsPerComponent 8\
         /Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 3/BitsPerComponent 8/Columns {width}>>/Length {}>>stream\n",
        pixels.len()
    )
    .into_bytes();
    picture.extend_from_slice(&pixels);
    picture.extend_from_slice(b"\nendstream");
    let drawing = "612 0 0 792 0 0 cm /P Do";
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", page + 5)).collect();
    let kids = kids.join(" ");
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Kids[{kids}]/Count {pages}>>").into_bytes(),
        picture,
        format!("<</Length {}>>stream\n{drawing}\nendstream", drawing.len()).into_bytes(),
    ];
    let page =
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</P 3 0 R>>>>>>";
    objects.extend(std::iter::repeat_n(page.as_bytes().to_vec(), pages));
    pdf_of(&objects)
}
