//! Tests of the readers of documents with PDFium, and with files as their programs write them.

use std::io::Write as _;
use std::path::Path;

use rag::extract::{Extracted, MediaType, OmissionCause, OmittedPart, Pdf, Tools, extract};
use rag::vocabulary::Place;

use crate::containers::{pdf_of, zip};
use crate::services::setting;

fn read(media_type: MediaType, bytes: &[u8]) -> Extracted {
    extract(media_type, bytes, &Tools::default()).unwrap()
}

/// Reads a PDF. PDFium can be opened once in the process of a test.
fn read_pdf(bytes: &[u8]) -> Extracted {
    let pdf = Pdf::open(Path::new(&setting("PDFIUM_LIBRARY"))).unwrap();
    extract(MediaType::Pdf, bytes, &Tools { pdf: Some(pdf), ..Tools::default() }).unwrap()
}

/// A PDF of one page with these words and these attachments, each by its name, its stream and the filter of it.
fn pdf(words: &str, attached: &[(&str, &[u8], &str)]) -> Vec<u8> {
    let name = |number: usize| format!("({number:05}) {} 0 R ", 6 + 2 * number);
    let names: String = (0..attached.len()).map(name).collect();
    let drawing = format!("BT /F1 12 Tf 72 720 Td ({words}) Tj ET");
    let mut objects = vec![
        format!("<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[{names}]>>>>>>").into_bytes(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
            .to_vec(),
        format!("<</Length {}>>stream\n{drawing}\nendstream", drawing.len()).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
    ];
    for (number, (name, bytes, filter)) in attached.iter().enumerate() {
        let file = 7 + 2 * number;
        objects.push(format!("<</Type/Filespec/F({name})/UF({name})/EF<</F {file} 0 R>>>>").into_bytes());
        let head = format!("<</Type/EmbeddedFile{filter}/Length {}>>stream\n", bytes.len());
        objects.push([head.as_bytes(), bytes, b"\nendstream"].concat());
    }
    pdf_of(&objects)
}

#[test]
fn files_attached_to_a_pdf_are_read_below_their_names_and_the_others_are_named() {
    let inner = pdf("A kiln cools overnight.", &[("deep.md", b"# Deep\n\nSalt glaze.", "")]);
    let file = pdf(
        "See the attachments.",
        &[
            ("prices.csv", b"part;price\nhinge;4\n", ""),
            ("plan.pdf", &inner, ""),
            ("tool.exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0", ""),
            ("lost.pdf", b"%PDF-1.4 and no more", ""),
            ("empty.txt", b"", ""),
        ],
    );
    let read = read_pdf(&file);
    let found: Vec<_> = read.parts.iter().map(|part| (part.heading.join("/"), part.place.clone())).collect();
    assert_eq!(found[0], (String::new(), Some(Place::Pages { first: 1, last: 1 })));
    assert_eq!(found[1], ("prices.csv".into(), Some(Place::Rows { first: 2, last: 2 })));
    // The pages of another file are none of this one.
    assert_eq!(found[2..], [("plan.pdf".into(), None), ("plan.pdf/deep.md".into(), None)]);
    assert!(read.text().contains("| hinge | 4 |") && read.text().contains("Salt glaze."), "{}", read.text());
    let omitted: Vec<_> =
        read.omissions.iter().map(|omission| (omission.part.clone(), omission.cause)).collect();
    let file = |name: &str| OmittedPart::File(name.to_owned());
    assert_eq!(
        omitted,
        [(file("tool.exe"), OmissionCause::Unsupported), (file("lost.pdf"), OmissionCause::Damaged)]
    );
}

#[test]
fn attachments_that_unpack_to_much_are_left_out() {
    let mut zeros = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zeros.write_all(&vec![b' '; 65 << 20]).unwrap();
    let zeros = zeros.finish().unwrap();
    let large = ("large.txt", zeros.as_slice(), "/Filter/FlateDecode");
    let read = read_pdf(&pdf("A kiln.", &[large, ("small.txt", b"Salt glaze.", ""), large, large]));
    assert!(read.text().contains("Salt glaze."));
    let parts: Vec<_> = read.omissions.iter().map(|omission| omission.part.clone()).collect();
    let named = OmittedPart::File("large.txt".to_owned());
    assert_eq!(parts, [named.clone(), named, OmittedPart::More(1)]);
}

#[test]
fn of_many_attachments_the_first_ones_are_read() {
    let many = vec![("note.txt", b"Salt glaze.".as_slice(), ""); 700];
    let read = read_pdf(&pdf("A kiln.", &many));
    assert_eq!(read.parts.len(), 501);
    let last = read.omissions.last().map(|omission| omission.part.clone());
    assert_eq!(last, Some(OmittedPart::More(200)));
}

/// A workbook of one sheet named `Kilns` with these rows and these parts beside the sheet.
fn workbook(rows: &str, relations: &[(&str, &str, &str)]) -> Vec<u8> {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: usize, kind: &str, target: &str| {
        format!("<Relationship Id=\"r{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>")
    };
    let all = |relations: &str| format!("<Relationships>{relations}</Relationships>");
    let beside: String = (1..)
        .zip(relations)
        .map(|(id, (kind, target, _))| relation(id, kind, &format!("../{target}")))
        .collect();
    let book = "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Kilns\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>";
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let (root, main, beside) = (
        all(&relation(1, "officeDocument", "xl/workbook.xml")),
        all(&relation(1, "worksheet", "worksheets/1.xml")),
        all(&beside),
    );
    let names: Vec<String> = relations.iter().map(|(_, target, _)| format!("xl/{target}")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", main.as_bytes()),
        ("xl/worksheets/1.xml", sheet.as_bytes()),
        ("xl/worksheets/_rels/1.xml.rels", beside.as_bytes()),
    ];
    files.extend(names.iter().zip(relations).map(|(name, (_, _, xml))| (name.as_str(), xml.as_bytes())));
    zip(&files)
}

fn row(number: u32, cells: &[(&str, &str)]) -> String {
    let cell = |(column, text): &(&str, &str)| {
        format!("<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
    };
    format!("<row r=\"{number}\">{}</row>", cells.iter().map(cell).collect::<String>())
}

#[test]
fn notes_threads_and_boxes_of_a_workbook_are_read_at_their_places() {
    let rows = row(1, &[("A", "kiln"), ("B", "hours")])
        + &row(2, &[("A", "North"), ("B", "8")])
        + &row(3, &[("A", "South"), ("B", "9")]);
    let comments = "<comments><commentList><comment ref=\"B3\"><text><t>[Threaded comment] Old programs show this.</t></text></comment>\
        <comment ref=\"B2\"><text><r><t>measured wet</t></r></text></comment></commentList></comments>";
    let threads = "<ThreadedComments><threadedComment ref=\"B3\"><text>Is it nine?</text></threadedComment></ThreadedComments>";
    let drawing = "<xdr:wsDr><xdr:twoCellAnchor><xdr:from><xdr:col>3</xdr:col><xdr:row>6</xdr:row></xdr:from><xdr:to><xdr:col>5</xdr:col>\
        <xdr:row>9</xdr:row></xdr:to><xdr:sp><xdr:txBody><a:p><a:r><a:t>All kilns burn wood.</a:t></a:r></a:p></xdr:txBody></xdr:sp>\
        </xdr:twoCellAnchor></xdr:wsDr>";
    let file = workbook(
        &rows,
        &[
            ("comments", "comments1.xml", comments),
            ("threadedComment", "threadedComments/1.xml", threads),
            ("drawing", "drawings/1.xml", drawing),
            ("drawing", "drawings/2.xml", "<xdr:wsDr"),
        ],
    );
    let read = read(MediaType::Xlsx, &file);
    let found: Vec<_> = read.parts[1..]
        .iter()
        .map(|part| {
            (part.heading.join("/"), part.place.as_ref().map(ToString::to_string).unwrap_or_default())
        })
        .collect();
    let texts: Vec<_> = read.text().split("\n\n").skip(1).map(|text| text.trim().to_owned()).collect();
    assert_eq!(texts, ["B2 (North, 8): measured wet", "B3 (South, 9): Is it nine?", "All kilns burn wood."]);
    assert!(found.iter().all(|(heading, _)| heading == "Kilns"), "{found:?}");
    assert!(found[0].1.contains("B2") && found[2].1.contains("D7"), "{found:?}");
    let omitted: Vec<_> = read.omissions.iter().map(|omission| omission.part.clone()).collect();
    assert_eq!(omitted, [OmittedPart::File("2.xml".to_owned())]);
}

#[test]
fn a_workbook_of_many_notes_is_read_in_few_parts() {
    let note = "<comment ref=\"B2\"><text><t>wet</t></text></comment>";
    let comments = format!("<comments>{}</comments>", note.repeat(200_000));
    let file = workbook(&row(1, &[("A", "kiln"), ("B", "hours")]), &[("comments", "c.xml", &comments)]);
    let read = read(MediaType::Xlsx, &file);
    assert!((5_000..5_010).contains(&read.parts.len()), "{}", read.parts.len());
    assert_eq!(read.text().matches("wet").count(), 200_000);
}

#[test]
fn merged_cells_of_an_opendocument_spreadsheet_stand_in_each_row_and_column() {
    let cell = |said: &str, text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\" {said}><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let covered = "<table:covered-table-cell/>";
    let row = |cells: &[&str]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let rows = [
        row(&[
            &cell("table:number-rows-spanned=\"2\"", "kiln"),
            &cell("table:number-columns-spanned=\"2\"", "hours"),
            covered,
        ]),
        row(&[covered, &cell("", "cold"), &cell("", "hot")]),
        row(&[&cell("table:number-rows-spanned=\"2\"", "North"), &cell("", "8"), &cell("", "9")]),
        row(&[covered, &cell("", "10"), &cell("", "11")]),
    ]
    .concat();
    let names = "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
        xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"";
    let content = format!(
        "<office:document-content {names}><office:body><office:spreadsheet><table:table table:name=\"Kilns\">{rows}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let file = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
    ]);
    let text = read(MediaType::Ods, &file).text();
    assert_eq!(
        text.trim(),
        "| kiln | hours cold | hours hot |\n|---|---|---|\n| North | 8 | 9 |\n| North | 10 | 11 |"
    );
}

#[test]
fn headings_of_a_word_document_have_the_numbers_of_their_list() {
    let document = "<w:document xmlns:w=\"w\"><w:body><w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>Kilns</w:t></w:r></w:p>\
        <w:p><w:pPr><w:pStyle w:val=\"Heading2\"/></w:pPr><w:r><w:t>Firing</w:t></w:r></w:p></w:body></w:document>";
    let styles = "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"Heading1\"><w:name w:val=\"heading 1\"/><w:pPr><w:numPr><w:numId w:val=\"4\"/>\
        </w:numPr></w:pPr></w:style><w:style w:styleId=\"Heading2\"><w:name w:val=\"heading 2\"/><w:pPr><w:numPr><w:ilvl w:val=\"1\"/>\
        <w:numId w:val=\"4\"/></w:numPr></w:pPr></w:style></w:styles>";
    let numbering = "<w:numbering xmlns:w=\"w\"><w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"3\"/><w:numFmt \
        w:val=\"decimal\"/><w:lvlText w:val=\"%1.\"/></w:lvl><w:lvl w:ilvl=\"1\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/>\
        <w:lvlText w:val=\"%1.%2\"/></w:lvl></w:abstractNum><w:num w:numId=\"4\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
    let file = zip(&[
        ("word/document.xml", document.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
        ("word/numbering.xml", numbering.as_bytes()),
    ]);
    assert_eq!(read(MediaType::Docx, &file).text(), "# 3. Kilns\n\n## 3.1 Firing\n\n");
}
