//! Recognises calls of tools that a model writes into its text. Servers without a parser for its template pass
//! them on.

/// The tags around a call. An empty closing tag stands for the end of the answer.
const CALLS: [(&str, &str); 12] = [
    ("<tool_call>", "</tool_call>"),
    ("<tool_calls>", "</tool_calls>"),
    ("<function_call>", "</function_call>"),
    ("<function_calls>", "</function_calls>"),
    ("<|tool_call|>", "<|/tool_call|>"),
    ("<|tool_call>", "<tool_call|>"),
    ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    ("<minimax:tool_call>", "</minimax:tool_call>"),
    ("<|channel|>commentary to=", "<|call|>"),
    ("<|python_tag|>", ""),
    ("[TOOL_CALLS]", ""),
];
/// The longest white space before the call, and the longest name in front of its arguments.
const MAX_BLANK_BYTES: usize = 32;
const MAX_NAME_BYTES: usize = 96;

/// The opening tags.
pub(super) fn openings() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(open, _)| *open)
}

/// The closing tag of a call with this opening tag; `None` for other tags.
pub(super) fn closing(tag: &str) -> Option<&'static str> {
    CALLS.iter().find(|(open, _)| *open == tag).map(|(_, close)| *close)
}

/// Whether the text behind an opening tag is a call: JSON, elements, or a name in front of them; `None` if more
/// text is needed. A sentence about the tag is none.
pub(super) fn is_call(tag: &str, behind: &str, is_end: bool) -> Option<bool> {
    // No sentence has the tags that are tokens of their own.
    if !tag.starts_with('<') || tag.starts_with("<|") || tag.starts_with("<｜") {
        return Some(true);
    }
    let call = behind.trim_start();
    if behind.len() - call.len() > MAX_BLANK_BYTES {
        return Some(false);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    let name = call.len() - call.trim_start_matches(is_part).len();
    match call[name..].chars().next() {
        _ if name > MAX_NAME_BYTES => Some(false),
        None => is_end.then_some(name == 0),
        Some('{' | '[' | '<') => Some(true),
        Some(next) => Some(name > 0 && matches!(next, '\n' | '(')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_from_a_sentence_about_its_tag() {
        for (behind, call) in [
            ("\n{\"name\": \"search\"}", Some(true)),
            ("[{", Some(true)),
            ("\n<function=search>", Some(true)),
            ("search\n<arg_key>", Some(true)),
            ("search(query=\"kiln\")", Some(true)),
            ("sea", None),
            (" \n", None),
            (" is a tag.", Some(false)),
            (" and", None),
            (", then", Some(false)),
        ] {
            assert_eq!(is_call("<tool_call>", behind, false), call, "{behind}");
        }
        assert_eq!(is_call("<tool_call>", "", true), Some(true));
        assert_eq!(is_call("<tool_call>", " and", true), Some(false));
        assert_eq!(is_call("<tool_call>", &" ".repeat(MAX_BLANK_BYTES + 1), false), Some(false));
        assert_eq!(is_call("<tool_call>", &"a".repeat(MAX_NAME_BYTES + 1), false), Some(false));
        assert_eq!(is_call("[TOOL_CALLS]", "", false), Some(true));
    }
}
