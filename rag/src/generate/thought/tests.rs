//! Tests of the separation.

use proptest::prelude::*;

use super::*;

/// The reasoning and the text of an answer that arrives in pieces of some characters.
fn separated(answer: &str, size: usize) -> (String, String) {
    let mut filter = ThoughtFilter::default();
    let chars: Vec<char> = answer.chars().collect();
    let mut parts: Vec<Separated> =
        chars.chunks(size).flat_map(|piece| filter.push(&piece.iter().collect::<String>())).collect();
    parts.extend(filter.finish());
    let (mut reasoning, mut text) = (String::new(), String::new());
    for part in parts {
        match part {
            Separated::Reasoning(more) => reasoning.push_str(&more),
            Separated::Text(more) => text.push_str(&more),
            Separated::TextWasReasoning => reasoning.push_str(&std::mem::take(&mut text)),
        }
    }
    (reasoning, text)
}

#[test]
fn reasoning_in_tags_is_no_text_however_it_is_cut() {
    for (answer, reasoning, text) in [
        ("<think>\nHm [2].\n</think>\n\nIt is A [1].", "\nHm [2].\n", "It is A [1]."),
        (" <THINKING>a < b</Thinking>Yes", "a < b", " Yes"),
        ("Hm, `a`.\n</think>\n\nYes.", "Hm, `a`.\n", "Yes."),
        ("Hm.</think>Yes.", "Hm.", "Yes."),
        ("[THINK]Hm[/THINK]Yes [1]", "Hm", "Yes [1]"),
        ("◁think▷Hm◁/think▷Ja", "Hm", "Ja"),
        ("<think>never closed", "never closed", ""),
        ("never opened</think>", "never opened", ""),
        ("<think></think>Yes </think>", "", "Yes </think>"),
        ("One.\n<think>two</think>\nThree.", "two", "One.\nThree."),
        ("<|channel|>analysis<|message|>Hm<|channel|>final<|message|>Yes.<|return|>", "Hm", "Yes."),
        ("Yes.<|im_end|>\n<|im_start|>user\nNo?", "", "Yes."),
        ("Hm</think>Yes.<end_of_turn>", "Hm", "Yes."),
    ] {
        for size in 1..6 {
            assert_eq!(separated(answer, size), (reasoning.into(), text.into()), "{answer} by {size}");
        }
    }
}

#[test]
fn a_continuation_may_begin_with_reasoning_and_ends_what_was_not_marked_as_reasoning() {
    for (begun, answer, events) in [
        ("It has", " sixty-one.", vec![Separated::Text(" sixty-one.".into())]),
        (
            "It has",
            "<think>Hm</think>\n\n sixty-one.",
            vec![Separated::Reasoning("Hm".into()), Separated::Text(" sixty-one.".into())],
        ),
        (
            "```\nlet",
            "<think>Hm</think> x <think>",
            vec![
                Separated::Reasoning("Hm".into()),
                Separated::Text(" x ".into()),
                Separated::Text("<think>".into()),
            ],
        ),
        ("Source 1 counts", "</think>Yes", vec![Separated::TextWasReasoning, Separated::Text("Yes".into())]),
    ] {
        let mut filter = ThoughtFilter::behind(begun);
        let mut parts = filter.push(answer);
        parts.extend(filter.finish());
        assert_eq!(parts, events, "{begun}{answer}");
    }
}

#[test]
fn calls_of_tools_are_left_out_however_they_are_cut() {
    for (answer, reasoning, text) in [
        ("<tool_call>\n{\"name\": \"search\"}\n</tool_call>", "", ""),
        (
            "Let me look.\n<tool_call>{\"a\": \"<b>\"}</tool_call>\n\nIt is A [1].",
            "",
            "Let me look.\nIt is A [1].",
        ),
        ("Wait.<TOOL_CALL>\n<function=f>\n</function></Tool_Call>", "", "Wait."),
        ("<think>Hm</think><function_call>{\"a\":1}</function_call>", "Hm", ""),
        ("<tool_call>find\n<arg_key>q</arg_key></tool_call><tool_call>find\n</tool_call> Yes.", "", "Yes."),
        ("Yes.\n[TOOL_CALLS][{\"name\": \"search\"}]", "", "Yes.\n"),
        ("<tool_call>{\"never\": \"closed", "", ""),
        ("<|channel|>commentary to=functions.f <|message|>{}<|call|>", "", ""),
    ] {
        for size in 1..6 {
            assert_eq!(separated(answer, size), (reasoning.into(), text.into()), "{answer} by {size}");
        }
    }
}

#[test]
fn tags_in_code_and_in_sentences_are_text() {
    for answer in [
        "The tag `<tool_call>` opens it, `[TOOL_CALLS]` too.",
        "```json\n<tool_call>\n{\"a\": 1}\n</tool_call>\n```\n",
        "<tool_call> is a tag, and </tool_call> its end.",
        "a <tool_call> \" is quoted",
        "The tag `</think>` ends it.",
        "A turn ends with `<|im_end|>`, and a < b.",
        "```\na\n</think>\n```\n",
        "Write <think> first.",
        "a < b </th",
        "~~~\n<think>\n~~~\nEnd",
    ] {
        for size in 1..6 {
            assert_eq!(separated(answer, size), (String::new(), answer.into()), "{answer} by {size}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_the_pieces_do_not_matter(
        answer in "(<think>|</think>|<tool_call>|</tool_call>|\\[TOOL_CALLS\\]|[a-z`<{\n ]){0,40}",
        size in 1_usize..5,
    ) {
        prop_assert_eq!(separated(&answer, size), separated(&answer, 1000));
    }
}
