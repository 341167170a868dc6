use super::*;

fn texts(markdown: &str) -> Vec<String> {
    segments(markdown).iter().map(|segment| segment.text().to_owned()).collect()
}

#[test]
fn wrapped_paragraphs_are_split_into_sentences() {
    assert_eq!(
        texts(
            "One sentence goes\non here. Another, e.g. This one, with `a. B` in it! *Third* [one](http://x) [a][b] [c]?"
        ),
        ["One sentence goes on here.", "Another, e.g. This one, with `a. B` in it!", "Third one a [c]?"]
    );
}

#[test]
fn list_items_table_rows_and_code_blocks_are_segments() {
    let markdown = "# Heading\n\nIntro:\n\n- first item. Still first\n- second\n\n| a | b |\n|---|---|\n| x | y |\n\n```rust,ignore\nfn main() {}\n```\n";
    assert_eq!(
        segments(markdown),
        [
            Segment::Heading("Heading".into()),
            Segment::Sentence { text: "Intro:".into(), paragraph: 1 },
            Segment::Item("first item. Still first".into()),
            Segment::Item("second".into()),
            Segment::Row {
                text: "a: x; b: y".into(),
                header: vec!["a".into(), "b".into()],
                cells: vec!["x".into(), "y".into()],
                table: 1,
                row: 1
            },
            Segment::Code { text: "fn main() {}".into(), language: "rust".into() },
        ]
    );
}

#[test]
fn lines_that_stand_for_themselves_are_segments() {
    assert_eq!(
        texts("Front desk: 555 0101\nNight porter: 555 0102"),
        ["Front desk: 555 0101", "Night porter: 555 0102"]
    );
    assert_eq!(
        texts("The desk opens at nine\nand closes at five."),
        ["The desk opens at nine and closes at five."]
    );
}

#[test]
fn a_line_break_within_a_chinese_sentence_is_no_space() {
    assert_eq!(texts("商店在每天早上\n九点开门。周日\n休息。"), ["商店在每天早上九点开门。", "周日休息。"]);
}

#[test]
fn a_snippet_is_one_short_line() {
    assert_eq!(snippet("Some *words*\nhere and there.", 12), "Some words…");
    assert_eq!(snippet("Short.", 100), "Short.");
    assert_eq!(snippet("", 100), "");
}
