//! Tests of the filter with marks and with brackets that are none.

use proptest::prelude::*;

use crate::cite::filter;

fn filtered(text: &str, source_count: usize) -> (String, Vec<u32>) {
    filter([text], source_count)
}

#[test]
fn numbers_of_sources_stay_and_others_are_removed() {
    for (text, kept, cited) in [
        ("A [2]. B [7]. See[1] [2]", "A [2]. B. See[1] [2]", vec![2, 1]),
        ("Both [1, 2] and [1,9]", "Both [1][2] and [1]", vec![1, 2]),
        ("All [1-2] and [1–2; 2].", "All [1][2] and [1][2].", vec![1, 2]),
        ("**Bold**[1] and (so [2]) and ([1]).", "**Bold**[1] and (so [2]) and ([1]).", vec![1, 2]),
        ("退款须在十四天内提交[1]。", "退款须在十四天内提交[1]。", vec![1]),
        ("| a | [2] |\n|---|---|\n| b[1] | c |", "| a | [2] |\n|---|---|\n| b[1] | c |", vec![2]),
        ("- One [1]\n\n    more [9] [2]\n", "- One [1]\n\n    more [2]\n", vec![1, 2]),
        ("It costs $5 now [1], 10$ later [2].", "It costs $5 now [1], 10$ later [2].", vec![1, 2]),
        ("As [[1]] says, in 2015[2] and [see [1]].", "As [[1]] says, in 2015[2] and [see [1]].", vec![1, 2]),
        ("The tick ` is open [1].\n\nNext [9].", "The tick ` is open [1].\n\nNext.", vec![1]),
        ("[1] begins [3]", "[1] begins", vec![1]),
    ] {
        assert_eq!(filtered(text, 2), (kept.to_owned(), cited), "{text}");
    }
    assert_eq!(filtered("None [1]", 0), ("None".into(), vec![]));
}

#[test]
fn marks_of_models_with_habits_of_their_own_are_read() {
    for (text, kept, cited) in [
        ("At eight【1】. At nine 【2†source】.", "At eight[1]. At nine [2].", vec![1, 2]),
        ("At eight [Source 1]; (Source 2), (sources: 1 and 2)", "At eight [1]; [2], [1][2]", vec![1, 2]),
        ("八時に出ます［１］。", "八時に出ます[1]。", vec![1]),
        ("末班船八点出发（来源2）。", "末班船八点出发[2]。", vec![2]),
        ("At eight [#1] and nine [#1, #2].", "At eight [1] and nine [1][2].", vec![1, 2]),
        ("At eight [¹]; at nine[²].", "At eight [1]; at nine[2].", vec![1, 2]),
        (
            "At eight [1](#1), nine [2](#source-2) and ten[1](#Cite_1).",
            "At eight [1], nine [2] and ten[1].",
            vec![1, 2],
        ),
        ("Um acht [Quelle 1] und neun [1 und 2].", "Um acht [1] und neun [1][2].", vec![1, 2]),
        ("Invented [Source 7], 【9】 and (source 8).", "Invented, and.", vec![]),
    ] {
        assert_eq!(filtered(text, 2), (kept.to_owned(), cited), "{text}");
    }
}

#[test]
fn brackets_that_are_no_marks_are_unchanged() {
    for text in [
        "`v[1]` and ```\nlet x = v[7];\n```",
        "```rust\nlet x = [1, 2]; // `\nlet y = v [1];\n```",
        "~~~\nv [1]\n~~~",
        "    let x = v [1];\n    let y = [2];\n",
        "a [link](http://x) [] [x] [1a",
        "[",
        " [12",
        "a  b [",
        "a value in [0, 1] or [-1, 1]",
        "row[0] and row[1], f(x)[1], self.rows[2], x_i[1], a[1] and matrix[1][2]",
        "Standard [2015] replaces [1998], ISO [420]",
        "the list x = [1, 2] and f([1, 2]) and [[1, 2], [2, 1]] and [\"a\", [1]]",
        "$\\sqrt[1]{8}$, $x \\in [1, 2]$, $$a [1]$$, \\(b [1]\\), \\[c [2]\\] and \\sqrt[1]{2}",
        "[12](https://x.org/a_(b)), [1](u), [text][ref], [1][ref], [text](u[1])",
        "a note[^1] and [^2]\n\n[^1]: Text\n[1]: https://x.org\n",
        "https://x.org/a[1]?b=[2] and <https://x.org/[1]> and <a title=\"[1]\">",
        "escaped \\[1\\] and [x] [ ] and 10 [7, 8]",
        "[1-9]+ and [1]{2}",
        "x² + y² = 10², 5 m³, a week.¹ A word² and [x²]",
        "fixed in [#12] and [#1, #9], note [⁷], [3](#3), [1](#2), [1](#usage), [1](#source), [1, 2](#1), [1](x#1)",
        "f(source), (see source code), (1), (source one) and 【note】 ［注］",
    ] {
        assert_eq!(filtered(text, 2), (text.to_owned(), vec![]));
    }
}

#[test]
fn little_text_is_held_back() {
    let mut filter = super::CitationFilter::new(1);
    assert_eq!(filter.push("The ferry leaves at eight [1"), "The ferry leaves at eight");
    assert_eq!(filter.push("]. And"), " [1]. And");
    let open = format!(" $x [{}", "word ".repeat(200));
    assert!(filter.push(&open).len() > 300, "a span without an end is text");
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_the_boundaries_of_the_deltas(
        text in r"([a-z \[\]`,$~\n\\(<:-]|\[[0-9]{1,2}\]|\[#1|\(#1\)|¹|```\n|    |https://|é|【|】|\(Source |2\)){0,60}",
        source_count in 0_usize..12,
        cut in 1_usize..5,
    ) {
        let (whole, cited) = filtered(&text, source_count);
        let chars: Vec<char> = text.chars().collect();
        let pieces: Vec<String> = chars.chunks(cut).map(|piece| piece.iter().collect()).collect();
        let (kept, numbers) = filter(pieces.iter().map(String::as_str), source_count);
        prop_assert_eq!(&kept, &whole);
        prop_assert_eq!(&numbers, &cited);
        prop_assert!(numbers.iter().all(|n| (1..=source_count).contains(&(*n as usize))));
    }

    #[test]
    fn text_without_brackets_is_unchanged(text in "[^\\[]{0,80}") {
        prop_assert_eq!(filtered(&text, 3).0, text);
    }
}
