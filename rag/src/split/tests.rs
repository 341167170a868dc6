//! Tests of the splitter with a tokenizer that counts words.

use proptest::prelude::*;
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::pre_tokenizers::whitespace::Whitespace;

use super::*;
use crate::vocabulary::{Content, Part as FilePart, Place, Table};

fn splitter() -> Splitter {
    let vocabulary = std::iter::once(("[UNK]".to_owned(), 0)).collect();
    let words = WordLevel::builder().vocab(vocabulary).unk_token("[UNK]".into()).build().unwrap();
    let mut tokenizer = Tokenizer::new(words);
    tokenizer.with_pre_tokenizer(Some(Whitespace {}));
    Splitter::new(tokenizer)
}

fn words(word: &str, count: usize) -> String {
    vec![word; count].join(" ")
}

#[test]
fn each_passage_has_the_headings_above_it() {
    let document = format!(
        "# Book\n\n{}\n\n## Chapter\n\n{}\n\n### Part\n\n{}\n\n## Other\n\n{}\n",
        words("a", 40),
        words("b", 40),
        words("c", 40),
        words("d", 40)
    );
    let passages = splitter().split(Markup::Markdown, &document);
    let headings: Vec<_> = passages.iter().map(|p| p.heading.join("/")).collect();
    assert_eq!(headings, ["Book", "Book/Chapter", "Book/Chapter/Part", "Book/Other"]);
    assert_eq!(passages.iter().map(|p| p.ordinal).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_short_section_is_joined_with_the_next() {
    let document = format!("# Book\n\nJust this.\n\n## Chapter\n\n{}\n", words("b", 40));
    let passages = splitter().split(Markup::Markdown, &document);
    assert_eq!(passages.len(), 1);
    assert!(passages[0].text.contains("## Chapter"));
}

#[test]
fn a_code_block_within_the_limit_is_not_split() {
    let code = format!("```rust\n{}\n```", ["let a = b;"; 12].join("\n"));
    let document = format!("{}\n\n{code}\n\n{}\n", words("before", 170), words("after", 170));
    let passages = splitter().split(Markup::Markdown, &document);
    assert!(passages.iter().any(|p| p.text.contains(&code)), "{passages:#?}");
}

#[test]
fn each_part_of_a_split_code_block_has_fences() {
    let document = format!("~~~rust\n{}\n~~~\n", ["let a = b;"; 200].join("\n"));
    let passages = splitter().split(Markup::Markdown, &document);
    assert!(passages.len() > 2);
    for passage in passages {
        assert!(passage.text.starts_with("~~~rust\n") && passage.text.ends_with("\n~~~"), "{}", passage.text);
    }
}

#[test]
fn a_sentence_with_a_colon_stays_with_the_list_it_introduces() {
    let document = format!("# A\n\n{}\n\nThese are the three:\n\n- {}\n", words("a", 175), words("b", 100));
    let passages = splitter().split(Markup::Markdown, &document);
    assert!(passages[1].text.starts_with("These are the three:\n\n- b"), "{passages:#?}");
}

#[test]
fn headings_inside_quotes_start_no_section() {
    let document = format!("# A\n\n{}\n\n> # B\n>\n> quoted\n\nlast\n", words("a", 40));
    assert!(splitter().split(Markup::Markdown, &document).iter().all(|p| p.heading == ["A"]));
}

#[test]
fn a_document_without_text_has_no_passages() {
    for document in ["", "\n\n", "# Title\n", "---\n", "<!-- x -->", "```\n```"] {
        assert!(splitter().split(Markup::Markdown, document).is_empty(), "{document:?}");
    }
    assert!(splitter().split(Markup::Plain, " \n ").is_empty());
}

#[test]
fn a_very_long_word_is_split() {
    let document = "x".repeat(50_000);
    let passages = splitter().split(Markup::Plain, &document);
    assert!(passages.iter().all(|p| p.text.len() <= (MAX_TOKENS + 1) * MAX_BYTES_PER_TOKEN));
}

#[test]
fn a_long_text_is_split_as_its_parts_are() {
    let sentence = |number: usize| format!("Sentence {number} has some words and ends here.");
    let text: String = (0..3_000).map(|number| sentence(number) + "\n\n").collect();
    let splitter = splitter();
    for markup in [Markup::Plain, Markup::Markdown] {
        let passages = splitter.split(markup, &text);
        let kept: Vec<_> = passages.iter().flat_map(|passage| passage.text.split_whitespace()).collect();
        assert_eq!(kept, text.split_whitespace().collect::<Vec<_>>());
        let short = passages.iter().filter(|passage| splitter.sizer.size(&passage.text) < TARGET_TOKENS / 2);
        assert!(short.count() <= 1, "only the last passage is short");
        assert!(passages.iter().all(|passage| passage.text.ends_with('.')), "no sentence is cut");
    }
}

#[test]
fn a_block_longer_than_a_window_is_split_at_its_lines() {
    let lines = |before: &str, after: &str| -> String {
        (0..4_000_u32).map(|number| [before, &number.to_string(), after, "\n"].concat()).collect()
    };
    let (list, code) = (lines("- item ", " of the list"), lines("let a", " = b;"));
    let document = format!("# A\n\n{list}\n\n```rust\n{code}```\n\nLast words.\n");
    let passages = splitter().split(Markup::Markdown, &document);
    let all: String = passages.iter().map(|passage| passage.text.clone() + "\n").collect();
    assert_eq!(all.lines().filter(|line| line.starts_with("- item ")).count(), 4_000);
    assert_eq!(all.lines().filter(|line| line.starts_with("let a")).count(), 4_000);
    assert!(all.trim_end().ends_with("Last words."));
    for passage in passages.iter().filter(|passage| passage.text.contains("let a")) {
        assert!(passage.text.contains("```rust"), "{}", passage.text);
    }
}

#[test]
fn a_long_heading_is_not_repeated_in_full() {
    let document = format!("# {}\n\n{}", "h".repeat(100_000), words("a", 40));
    let passages = splitter().split(Markup::Markdown, &document);
    assert!(passages.iter().all(|passage| passage.heading[0].len() == MAX_TITLE_CHARS));
    let fences = format!("{}{}\n{}", "`".repeat(50_000), "x".repeat(50_000), "let a = b;\n".repeat(2_000));
    let passages = splitter().split(Markup::Markdown, &fences);
    assert!(passages.iter().skip(1).all(|passage| passage.text.len() < 4_000));
}

#[test]
fn the_title_is_the_first_heading_or_line() {
    assert_eq!(title(Markup::Markdown, "<!-- x -->\n# The `Name`\n\ntext").as_deref(), Some("The Name"));
    assert_eq!(title(Markup::Plain, "\n First line \nmore").as_deref(), Some("First line"));
    assert_eq!(title(Markup::Plain, ""), None);
}

fn document() -> impl Strategy<Value = String> {
    let word = "[a-zé漢]{1,9}";
    let prose = prop::collection::vec(word, 1..120).prop_map(|words| words.join(" "));
    let block = prop_oneof![
        4 => prose.clone(),
        1 => prose.clone().prop_map(|p| format!("## {}", p.chars().take(20).collect::<String>())),
        1 => prose.clone().prop_map(|p| format!("```\n{}\n```", p.replace(' ', "\n"))),
        1 => prose.clone().prop_map(|p| format!("- {}", p.replace(' ', "\n- "))),
        1 => "\\PC{0,80}",
    ];
    prop::collection::vec(block, 0..12).prop_map(|blocks| blocks.join("\n\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn passages_fit_the_budget_and_are_numbered(document in document()) {
        let splitter = splitter();
        for markup in [Markup::Markdown, Markup::Plain] {
            for (passage, ordinal) in splitter.split(markup, &document).iter().zip(0..) {
                prop_assert_eq!(passage.ordinal, ordinal);
                prop_assert!(splitter.sizer.size(&passage.text) <= MAX_TOKENS, "{}", passage.text);
            }
        }
    }

    #[test]
    fn plain_text_keeps_all_its_words(document in "([a-z]{1,8}[ \n]{1,2}){0,600}") {
        let passages = splitter().split(Markup::Plain, &document);
        let kept: Vec<_> = passages.iter().flat_map(|p| p.text.split_whitespace()).collect();
        prop_assert_eq!(kept, document.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn the_rows_of_a_passage_have_consecutive_numbers() {
    let rows = [(4, "birch"), (6, "alder"), (40, "oak")];
    let rows = rows.map(|(number, tree)| (number, vec![tree.to_owned()])).to_vec();
    let content = Content::Table(Table { header: vec!["Tree".into()], rows });
    let place = Some(Place::Rows { first: 1, last: 40 });
    let passages = splitter().part_passages("Trees", &[FilePart { heading: vec![], content, place }]);
    let found: Vec<_> = passages.into_iter().map(|passage| (passage.text, passage.place)).collect();
    let at = |first, last| Some(Place::Rows { first, last });
    let both = "| Tree |\n|---|\n| birch |\n|  |\n| alder |\n".to_owned();
    assert_eq!(found, [(both, at(4, 6)), ("| Tree |\n|---|\n| oak |\n".to_owned(), at(40, 40))]);
}
