//! Tests of the reader of documents.

use super::*;
use crate::extract::docx::numbering::Numbering;

fn read(body: &str, beside: &Beside) -> String {
    Body::new(beside).read(&format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>")).unwrap()
}

fn run(text: &str) -> String {
    format!("<w:r><w:t>{text}</w:t></w:r>")
}

#[test]
fn styles_become_headings_and_runs_become_text() {
    let body = "<w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr><w:r><w:t>Tea &amp; milk</w:t></w:r></w:p>
        <w:p><w:r><w:t>Steep </w:t></w:r><w:r><w:t>well.</w:t></w:r></w:p>";
    assert_eq!(read(body, &Beside::default()), "## Tea & milk\n\nSteep well.\n\n");
}

#[test]
fn a_text_box_stands_once_behind_its_paragraph() {
    let inner = format!("<w:txbxContent><w:p>{}</w:p></w:txbxContent>", run("In the box."));
    let both = format!(
        "<mc:AlternateContent><mc:Choice>{inner}</mc:Choice><mc:Fallback>{inner}</mc:Fallback></mc:AlternateContent>"
    );
    let body = format!("<w:p>{}<w:r>{both}</w:r>{}</w:p>", run("Before. "), run("After."));
    assert_eq!(read(&body, &Beside::default()), "Before. After.\n\nIn the box.\n\n");
    let fallback = format!(
        "<mc:AlternateContent><mc:Choice></mc:Choice><mc:Fallback>{inner}</mc:Fallback></mc:AlternateContent>"
    );
    let body = format!("<w:p>{}<w:r>{fallback}</w:r></w:p>", run("Before."));
    assert_eq!(read(&body, &Beside::default()), "Before.\n\nIn the box.\n\n");
}

#[test]
fn notes_stand_behind_their_paragraph() {
    let mut beside = Beside::default();
    beside.notes.insert(("footnote", "2".into()), "Not on Sundays.".into());
    let body =
        format!("<w:p>{}<w:r><w:footnoteReference w:id='2'/></w:r>{}</w:p>", run("Open daily"), run("."));
    assert_eq!(read(&body, &beside), "Open daily.\n\nNot on Sundays.\n\n");
}

#[test]
fn tables_and_items_are_markdown() {
    let cell = |text: &str, properties: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr><w:p>{}</w:p></w:tc>", run(text))
    };
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let body = format!(
        "<w:p><w:pPr><w:numPr><w:ilvl w:val='0'/><w:numId w:val='3'/></w:numPr></w:pPr>{}</w:p><w:tbl>{}{}{}</w:tbl>",
        run("an item"),
        row(&[cell("kind", ""), cell("minutes", "")]),
        row(&[cell("green", "<w:vMerge w:val='restart'/>"), cell("2", "")]),
        row(&[cell("", "<w:vMerge/>"), cell("3", "")]),
    );
    assert_eq!(
        read(&body, &Beside::default()),
        "- an item\n\n| kind | minutes |\n|---|---|\n| green | 2 |\n| green | 3 |\n\n"
    );
}

#[test]
fn glosses_are_left_out_and_raised_digits_stay_apart_from_their_number() {
    let body = format!(
        "<w:p><w:r><w:ruby><w:rt>{}</w:rt><w:rubyBase>{}</w:rubyBase></w:ruby></w:r>{}\
         <w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>6</w:t></w:r>{}</w:p>",
        run("かま"),
        run("窯"),
        run(" 10"),
        run(" g")
    );
    assert_eq!(read(&body, &Beside::default()), "窯 10⁶ g\n\n");
}

#[test]
fn names_over_several_columns_are_part_of_the_name_of_each() {
    let cell = |text: &str, properties: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr><w:p>{}</w:p></w:tc>", run(text))
    };
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let body = format!(
        "<w:tbl>{}{}{}</w:tbl>",
        row(&[cell("kiln", "<w:vMerge w:val='restart'/>"), cell("hours", "<w:gridSpan w:val='2'/>")]),
        row(&[cell("", "<w:vMerge/>"), cell("cold", ""), cell("hot", "")]),
        row(&[cell("A", ""), cell("8", ""), cell("9", "")]),
    );
    assert_eq!(
        read(&body, &Beside::default()),
        "| kiln | hours cold | hours hot |\n|---|---|---|\n| A | 8 | 9 |\n\n"
    );
}

#[test]
fn numbers_of_lists_stand_in_front_of_items_and_headings() {
    let level = |ilvl: usize, format: &str, text: &str| {
        format!(
            "<w:lvl w:ilvl='{ilvl}'><w:start w:val='1'/><w:numFmt w:val='{format}'/><w:lvlText w:val='{text}'/></w:lvl>"
        )
    };
    let list =
        |id: u8, levels: &str| format!("<w:abstractNum w:abstractNumId='{id}'>{levels}</w:abstractNum>");
    let num = |id: u8| format!("<w:num w:numId='{id}'><w:abstractNumId w:val='{id}'/></w:num>");
    let rules = [
        list(1, &(level(0, "decimal", "%1") + &level(1, "decimal", "%1.%2"))),
        list(2, &(level(0, "decimal", "%1.") + &level(1, "lowerLetter", "%2)") + &level(2, "bullet", "•"))),
        num(1),
        num(2),
    ]
    .concat();
    let numbering = Numbering::read(&format!("<w:numbering xmlns:w='w'>{rules}</w:numbering>")).unwrap();
    let mut beside = Beside { numbering, ..Beside::default() };
    beside.lists_of_styles.insert("Heading1".into(), ("1".into(), Some(0)));
    beside.lists_of_styles.insert("Heading2".into(), ("1".into(), Some(1)));
    let paragraph =
        |properties: &str, text: &str| format!("<w:p><w:pPr>{properties}</w:pPr>{}</w:p>", run(text));
    let styled = |style: &str, text: &str| paragraph(&format!("<w:pStyle w:val='{style}'/>"), text);
    let item = |ilvl: usize, text: &str| {
        let listed = format!("<w:numPr><w:ilvl w:val='{ilvl}'/><w:numId w:val='2'/></w:numPr>");
        let before = "<w:pPrChange><w:pPr><w:pStyle w:val='Heading1'/><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:pPrChange>";
        paragraph(&format!("{listed}{before}"), text)
    };
    let unnumbered = "<w:pStyle w:val='Heading2'/><w:numPr><w:numId w:val='0'/></w:numPr>";
    let body = [
        styled("Heading1", "Kilns"),
        styled("Heading2", "Firing"),
        styled("Heading1", "Glazes"),
        styled("Heading1", ""),
        styled("Heading2", "Salt"),
        paragraph(unnumbered, "Notes"),
        item(0, "Load."),
        item(1, "shelves"),
        item(1, "props"),
        item(2, "of clay"),
        item(0, "Fire."),
    ]
    .concat();
    assert_eq!(
        read(&body, &beside),
        "# 1 Kilns\n\n## 1.1 Firing\n\n# 2 Glazes\n\n## 3.1 Salt\n\n## Notes\n\n1. Load.\n  - a) shelves\n  - b) props\n\
         \x20   - of clay\n2. Fire.\n\n"
    );
}

#[test]
fn nesting_costs_no_stack() {
    let open = "<w:tbl><w:tr><w:tc><w:p>".repeat(50_000);
    assert!(read(&format!("{open}{}", run("Deep.")), &Beside::default()).contains("Deep."));
}
