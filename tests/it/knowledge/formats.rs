//! Files of many kinds: each is found by its words, and each passage names its place in the file.

use colloquy::roles::Role;
use serde_json::{Value, json};

use crate::support::files::{form_pdf, pdf, turned_pdf, zip};
use crate::support::person::Person;
use crate::support::product::Product;

/// The relations of an office file with this main part, in the strict form.
fn office(main: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let kind = "http://purl.oclc.org/ooxml/officeDocument/relationships";
    let relations = |name: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"{kind}/{name}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let root = relations("officeDocument", &format!("/{main}"));
    let mut files: Vec<(&str, &[u8])> =
        vec![("[Content_Types].xml", b"<Types/>"), ("_rels/.rels", root.as_bytes())];
    files.extend(parts.iter().map(|(name, text)| (*name, text.as_bytes())));
    zip(&files)
}

fn workbook() -> Vec<u8> {
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |cells: [&str; 2]| format!("<row>{}</row>", cells.map(cell).concat());
    let rows: String =
        (1..400).map(|number| row([&format!("gasket {number:03}"), &format!("{number} g")])).collect();
    let sheet = format!("<worksheet><sheetData>{}{rows}</sheetData></worksheet>", row(["part", "weight"]));
    office(
        "xl/workbook.xml",
        &[
            (
                "xl/workbook.xml",
                "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Parts\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                "<Relationships><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
            ),
            ("xl/worksheets/sheet1.xml", &sheet),
        ],
    )
}

/// Files with a word of the expected passage, its number and its place.
fn files() -> Vec<(&'static str, Vec<u8>, &'static str, u32, Value)> {
    let document = "<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>A kiln cools overnight.</w:t></w:r></w:p></w:body></w:document>";
    let mail = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Kiln\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee the list.\r\n\
                --x\r\nContent-Type: text/csv; name=\"list.csv\"\r\nContent-Disposition: attachment; filename=\"list.csv\"\r\n\r\n\
                part,price\r\nhinge,4\r\n--x--\r\n";
    // In windows-1252.
    let latin = b"Der Brennofen k\xfchlt \xfcber Nacht \x97 t\xe4glich.".to_vec();
    vec![
        ("parts.xlsx", workbook(), "| part | weight |", 1, json!({"type": "cells", "sheet": "Parts"})),
        (
            "kiln.docx",
            office("word/main7.xml", &[("word/main7.xml", document)]),
            "cools overnight",
            0,
            Value::Null,
        ),
        (
            "kiln.pdf",
            pdf("A kiln cools overnight."),
            "cools overnight",
            0,
            json!({"type": "pages", "first": 1, "last": 1}),
        ),
        (
            "prices.csv",
            b"part;price\nhinge;4\n".to_vec(),
            "| hinge | 4 |",
            0,
            json!({"type": "rows", "first": 2, "last": 2}),
        ),
        (
            "kiln.eml",
            mail.as_bytes().to_vec(),
            "| hinge | 4 |",
            1,
            json!({"type": "rows", "first": 2, "last": 2}),
        ),
        ("kiln.txt", latin, "kühlt über Nacht — täglich", 0, Value::Null),
        (
            "all.zip",
            zip(&[("a/one.md", b"# One\n\nA kiln cools."), ("b/two.pdf", &pdf("Page of a kiln."))]),
            "Page of a kiln",
            1,
            json!({"type": "pages", "first": 1, "last": 1}),
        ),
    ]
}

/// PDF documents whose text does not run from left to right, or is no text of the page.
fn pages() -> Vec<(&'static str, Vec<u8>, &'static str, u32, Value)> {
    vec![
        (
            "turned.pdf",
            turned_pdf("A kiln cools overnight."),
            "A kiln cools overnight.",
            0,
            json!({"first": 1}),
        ),
        (
            "form.pdf",
            form_pdf("Name of the potter:", "Ada Lind"),
            "Name of the potter: Ada Lind",
            0,
            json!({"first": 1}),
        ),
    ]
}

async fn added(person: &Person, name: &str, bytes: Vec<u8>) -> String {
    let answered = person.upload(name, bytes, &[]).await;
    assert_eq!(answered.status, 202, "{name}: {answered:?}");
    answered.body["document_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_kind_of_file_is_indexed_with_the_places_of_its_passages() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    for (name, bytes, word, number, place) in files().into_iter().chain(pages()) {
        let id = added(&person, name, bytes).await;
        let row = person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] != "added").await;
        assert_eq!(row["status"], "indexed", "{name}: {row}");
        let passage = person.get(&format!("/v1/documents/{id}/passages/{number}")).await.body;
        assert!(passage["text"].as_str().unwrap().contains(word), "{name}: {passage}");
        for (field, value) in place.as_object().into_iter().flatten() {
            assert_eq!(passage["place"][field], *value, "{name}: {passage}");
        }
    }
}

/// One page with the words `A kiln cools overnight.`, encrypted with AES-256 by pypdf (`PdfWriter.encrypt`):
/// with a password for its owner alone, and with one for its readers, which is `potter`.
const FOR_OWNERS: &[u8] = include_bytes!("../../support/protected/owner.pdf");
const FOR_READERS: &[u8] = include_bytes!("../../support/protected/user.pdf");

#[tokio::test]
async fn a_pdf_with_a_password_is_read_unless_its_readers_need_the_password() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let open = added(&person, "open.pdf", FOR_OWNERS.to_vec()).await;
    let closed = added(&person, "closed.pdf", FOR_READERS.to_vec()).await;
    let row = async |id: &str| {
        person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] != "added").await
    };
    let read = row(&open).await;
    assert_eq!((&read["status"], &read["pages"]), (&json!("indexed"), &json!(1)), "{read}");
    let passage = person.get(&format!("/v1/documents/{open}/passages/0")).await.body;
    assert!(passage["text"].as_str().unwrap().contains("kiln cools overnight"), "{passage}");
    let picture = person.fetch(&format!("/v1/documents/{open}/pages/1.png"), &[]).await;
    assert_eq!(picture.status().as_u16(), 200);
    let rejected = row(&closed).await;
    assert_eq!(rejected["status"], "rejected", "{rejected}");
    assert!(rejected["reason"].as_str().unwrap().starts_with("A password protects the file."), "{rejected}");
}

#[tokio::test]
async fn a_citation_leads_to_the_page_and_the_file() {
    let product = Product::with(&Role::ALL).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let file = pdf("A kiln cools overnight.");
    let id = added(&person, "kiln.pdf", file.clone()).await;
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    let original = format!("/v1/documents/{id}/original");
    let whole = person.fetch(&original, &[]).await;
    assert_eq!((whole.status().as_u16(), whole.bytes().await.unwrap().to_vec()), (200, file.clone()));
    let plain = person.fetch(&original, &[("accept-encoding", "gzip")]).await;
    assert!(!plain.headers().contains_key("content-encoding"), "{:?}", plain.headers());
    assert_eq!(plain.headers()["content-length"], file.len().to_string().as_str());
    let part = person.fetch(&original, &[("range", "bytes=5-9")]).await;
    assert_eq!(part.headers()["content-range"], format!("bytes 5-9/{}", file.len()).as_str());
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().to_vec()), (206, file[5..10].to_vec()));
    assert_eq!(person.fetch(&original, &[("range", "bytes=900000-")]).await.status(), 416);
    let plain = person.fetch(&format!("/v1/documents/{id}/pages/1.png"), &[]).await;
    assert_eq!(plain.headers()["content-type"], "image/png");
    let plain = plain.bytes().await.unwrap();
    let marked = person.fetch(&format!("/v1/documents/{id}/pages/1.png?passage=0"), &[]).await;
    let marked = marked.bytes().await.unwrap();
    assert!(plain.starts_with(b"\x89PNG") && marked.starts_with(b"\x89PNG") && plain != marked);
    assert_eq!(person.fetch(&format!("/v1/documents/{id}/pages/2.png"), &[]).await.status(), 404);
    for path in [original, format!("/v1/documents/{id}/pages/1.png")] {
        assert_eq!(other.fetch(&path, &[]).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_scan_is_read() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let id = added(&person, "kiln.pdf", pdf("A kiln cools overnight.")).await;
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    let page = person.fetch(&format!("/v1/documents/{id}/pages/1.png?width=1800"), &[]).await;
    let scan = added(&person, "scan.png", page.bytes().await.unwrap().to_vec()).await;
    let row = person.until_shown(&format!("/v1/documents/{scan}"), |row| row["status"] != "added").await;
    assert_eq!(row["status"], "indexed", "{row}");
    let passage = person.get(&format!("/v1/documents/{scan}/passages/0")).await.body;
    assert!(passage["text"].as_str().unwrap().contains("kiln cools overnight"), "{passage}");
}

#[tokio::test]
async fn the_same_file_sent_twice_at_once_is_one_document() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let send = |_| person.upload("kiln.md", b"# Kiln\n\nA kiln cools overnight.".to_vec(), &[]);
    let answers = futures::future::join_all((0..6).map(send)).await;
    let ids: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.body["document_id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{answers:?}");

    let id = answers[0].body["document_id"].as_str().unwrap();
    let version = b"# Kiln\n\nA kiln cools for two nights.".to_vec();
    let replaced = person.upload("kiln.md", version, &[("document_id", id)]).await;
    assert_eq!((replaced.status, &replaced.body["document_id"]), (202, &json!(id)), "{replaced:?}");
    let later = b"# Kiln\n\nA kiln cools for three nights.".to_vec();
    let fields = [("document_id", id)];
    let again = |_| person.upload("kiln.md", later.clone(), &fields);
    let answers = futures::future::join_all((0..4).map(again)).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 200..=202)), "{answers:?}");
    let path = format!("/v1/documents/{id}");
    let row = person.until_shown(&path, |row| row["status"] != "added" && row["size"] == later.len()).await;
    assert_eq!(row["status"], "indexed", "{row}");
    let kept = person.fetch(&format!("{path}/original"), &[]).await;
    assert_eq!(kept.bytes().await.unwrap().to_vec(), later);
    let invented = "cfbff0d1-9375-5685-968c-48ce8b15ae17";
    let refused = person.upload("new.md", b"# New".to_vec(), &[("document_id", invented)]).await;
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("document_id")), "{refused:?}");
}
