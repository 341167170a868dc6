//! Files of which a part cannot be read: the other parts are indexed, and a warning names what was left out.

use colloquy::roles::Role;
use serde_json::{Value, json};

use crate::support::backbone::new_database;
use crate::support::files::{pdf, pdf_of, scan, zip};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

/// Adds a file; returns its row once it has left the queue.
async fn settled(person: &Person, name: &str, bytes: Vec<u8>) -> Value {
    let answered = person.upload(name, bytes, &[]).await;
    assert_eq!(answered.status, 202, "{name}: {answered:?}");
    let path = format!("/v1/documents/{}", answered.body["document_id"].as_str().unwrap());
    person.until_shown(&path, |row| row["status"] != "added").await
}

async fn passage(person: &Person, row: &Value, number: i64) -> Value {
    let id = row["id"].as_str().unwrap();
    person.get(&format!("/v1/documents/{id}/passages/{number}")).await.body
}

#[tokio::test]
async fn of_a_scan_beyond_the_limit_of_time_the_pages_that_were_recognised_are_indexed() {
    let mut config = configuration(new_database().await);
    config.knowledge.extraction.extraction_seconds = 5;
    let product = Product::on(config, &Role::ALL).await;
    let person = Person::new(&product).await;
    let page = settled(&person, "kiln.pdf", pdf("A kiln cools overnight.")).await;
    let picture = format!("/v1/documents/{}/pages/1.png?width=1800", page["id"].as_str().unwrap());
    let picture = until("the page is drawn", async || {
        let drawn = person.fetch(&picture, &[]).await;
        if drawn.status() == 200 { drawn.bytes().await.ok() } else { None }
    })
    .await;
    let row = settled(&person, "scan.pdf", scan(&picture, 200)).await;
    assert_eq!(row["status"], "indexed", "{row}");
    let omission = &row["omissions"][0];
    let first = omission["part"]["first"].as_i64().unwrap();
    assert!((2..200).contains(&first), "{row}");
    assert_eq!(omission["part"], json!({"type": "pages", "first": first, "last": 200}));
    let warning = format!("Pages {first} to 200 could not be recognised within the limit.");
    assert_eq!((&row["warning"], &omission["cause"]), (&json!(warning), &json!("recognition_limit")));
    let read = passage(&person, &row, 0).await;
    assert!(read["text"].as_str().unwrap().contains("kiln cools overnight"), "{read}");
    let last = passage(&person, &row, row["passages"].as_i64().unwrap() - 1).await;
    assert_eq!(last["place"]["last"], json!(first - 1), "{last}");
    product.end().await;
}

/// A PDF of a page and of something that is no page.
fn pdf_with_a_broken_page() -> Vec<u8> {
    let drawing = "BT /F1 12 Tf 72 720 Td (A kiln cools overnight.) Tj ET";
    pdf_of(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R 6 0 R]/Count 2>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
            .to_vec(),
        format!("<</Length {}>>stream\n{drawing}\nendstream", drawing.len()).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        b"(no page)".to_vec(),
    ])
}

fn mail_with_a_broken_attachment() -> Vec<u8> {
    let mail = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Kiln\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n\
                A kiln cools overnight.\r\n--x\r\nContent-Type: application/pdf\r\n\
                Content-Disposition: attachment; filename=\"plan.pdf\"\r\n\
                Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQgYW5kIG5vIG1vcmU=\r\n--x--\r\n";
    mail.as_bytes().to_vec()
}

/// A presentation of two slides, the second of which is cut off.
fn presentation_with_a_broken_slide() -> Vec<u8> {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: &str, name: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{kind}/{name}\" Target=\"{target}\"/>")
    };
    let root = relation("r1", "officeDocument", "ppt/presentation.xml");
    let slides = relation("r1", "slide", "slides/1.xml") + &relation("r2", "slide", "slides/2.xml");
    let all = |relations: &str| format!("<Relationships>{relations}</Relationships>");
    let list = "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\"><p:sldIdLst><p:sldId id=\"1\" r:id=\"r1\"/>\
                <p:sldId id=\"2\" r:id=\"r2\"/></p:sldIdLst></p:presentation>";
    let slide = "<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><p:sp><a:p><a:r><a:t>A kiln cools overnight.</a:t></a:r></a:p></p:sp></p:sld>";
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", all(&root).as_bytes()),
        ("ppt/presentation.xml", list.as_bytes()),
        ("ppt/_rels/presentation.xml.rels", all(&slides).as_bytes()),
        ("ppt/slides/1.xml", slide.as_bytes()),
        ("ppt/slides/2.xml", b"<p:sld><p:sp"),
    ])
}

/// A workbook of two sheets, the second of which is cut off.
fn workbook_with_a_broken_sheet() -> Vec<u8> {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: &str, name: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{kind}/{name}\" Target=\"{target}\"/>")
    };
    let root = relation("r1", "officeDocument", "xl/workbook.xml");
    let sheets =
        relation("r1", "worksheet", "worksheets/1.xml") + &relation("r2", "worksheet", "worksheets/2.xml");
    let all = |relations: &str| format!("<Relationships>{relations}</Relationships>");
    let list = "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Kilns\" sheetId=\"1\" r:id=\"r1\"/>\
                <sheet name=\"Lost\" sheetId=\"2\" r:id=\"r2\"/></sheets></workbook>";
    let sheet = "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>A kiln cools overnight.</t></is></c></row>\
                 </sheetData></worksheet>";
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", all(&root).as_bytes()),
        ("xl/workbook.xml", list.as_bytes()),
        ("xl/_rels/workbook.xml.rels", all(&sheets).as_bytes()),
        ("xl/worksheets/1.xml", sheet.as_bytes()),
        ("xl/worksheets/2.xml", b"<worksheet><sheetData><row"),
    ])
}

#[tokio::test]
async fn a_part_that_cannot_be_read_is_named_and_the_others_are_indexed() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let archive = zip(&[
        ("notes/kiln.md", b"A kiln cools overnight."),
        ("notes/plan.pdf", b"%PDF-1.4 and no more"),
        ("notes/tool.exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"),
    ]);
    let plan = "File “plan.pdf” could not be read because of damage.";
    let tool = "File “tool.exe” could not be read, because this type is not supported.";
    for (name, bytes, warning) in [
        ("all.zip", archive, format!("{plan} {tool}")),
        ("kiln.eml", mail_with_a_broken_attachment(), plan.to_owned()),
        ("kiln.pdf", pdf_with_a_broken_page(), "Page 2 could not be read because of damage.".to_owned()),
        (
            "kiln.pptx",
            presentation_with_a_broken_slide(),
            "Slide 2 could not be read because of damage.".to_owned(),
        ),
        (
            "kiln.xlsx",
            workbook_with_a_broken_sheet(),
            "Sheet “Lost” could not be read because of damage.".to_owned(),
        ),
    ] {
        let row = settled(&person, name, bytes).await;
        assert_eq!((&row["status"], &row["warning"]), (&json!("indexed"), &json!(warning)), "{name}: {row}");
        let read = passage(&person, &row, 0).await;
        assert!(read["text"].as_str().unwrap().contains("kiln cools overnight"), "{name}: {read}");
    }
    let listed = person.get("/v1/documents").await.body;
    let warned = listed["items"].as_array().unwrap().iter().filter(|row| row["warning"].is_string()).count();
    assert_eq!(warned, 5, "{listed}");
    product.end().await;
}

#[tokio::test]
async fn a_file_that_is_read_whole_has_no_warning() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let row = settled(&person, "all.zip", zip(&[("kiln.md", b"A kiln cools overnight.")])).await;
    assert_eq!((&row["warning"], &row["omissions"]), (&Value::Null, &json!([])), "{row}");
    product.end().await;
}
