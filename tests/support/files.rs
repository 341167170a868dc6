//! Files of each kind that can be read.

use std::io::Write as _;

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
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("word/document.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let xml = format!(
        "<w:document xmlns:w=\"w\"><w:body><w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>Chapter</w:t>\
         </w:r></w:p><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
    );
    archive.write_all(xml.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

/// A PDF of one page.
pub(crate) fn pdf(text: &str) -> Vec<u8> {
    let drawing = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let objects = [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
            .to_vec(),
        format!("<</Length {}>>stream\n{drawing}\nendstream", drawing.len()).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
    ];
    pdf_of(&objects)
}

/// A PDF of these objects, the first of which is the catalogue.
pub(crate) fn pdf_of(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        writeln!(file, "{number} 0 obj").unwrap();
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let (table, size) = (file.len(), objects.len() + 1);
    writeln!(file, "xref\n0 {size}\n0000000000 65535 f ").unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    writeln!(file, "trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF").unwrap();
    file
}
