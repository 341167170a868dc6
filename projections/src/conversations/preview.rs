//! Excerpts of questions and answers for the list: plain text on one line.

/// The line of a question that stands for the title until one is set: the first line that has a
/// letter or a digit.
pub(super) fn first_line(question: &str, max_characters: usize) -> String {
    let has_word = |line: &&str| line.contains(char::is_alphanumeric);
    excerpt(question.lines().find(has_word).unwrap_or(question), max_characters)
}

/// The beginning of a text on one line. A text that is cut ends in an ellipsis. It is cut between words, or
/// inside a word where the cut would lose half of the length.
pub(super) fn excerpt(text: &str, max_characters: usize) -> String {
    let mut line = String::with_capacity(max_characters * 2);
    let mut count = 0;
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let length = word.chars().count();
        let space = usize::from(count > 0);
        // A word that is not the last one leaves a character for the ellipsis.
        let room = max_characters.saturating_sub(count + space + usize::from(words.peek().is_some()));
        if length > room {
            let room = max_characters.saturating_sub(count + space + 1);
            if count < max_characters / 2 && room > 0 {
                line.extend((space > 0).then_some(' '));
                line.extend(word.chars().take(room));
            }
            line.push('…');
            return line;
        }
        line.extend((space > 0).then_some(' '));
        line.push_str(word);
        count += space + length;
    }
    line
}

/// The beginning of an answer without Markdown and citation marks. It removes the markup that answers
/// commonly contain and is not a Markdown parser.
pub(super) fn markdown_excerpt(
    answer: &str,
    is_citation: impl Fn(u32) -> bool,
    max_characters: usize,
) -> String {
    let mut plain = String::with_capacity(max_characters * 4);
    for line in answer.lines() {
        // Enough for the excerpt, even if each character takes four bytes.
        if plain.len() > max_characters * 5 {
            break;
        }
        let line = beginning(line, max_characters * LINE_BYTES_PER_CHARACTER).trim();
        if !line.starts_with("```") && !line.starts_with("~~~") {
            push_inline(&mut plain, strip_block_marks(line), &is_citation);
            plain.push(' ');
        }
    }
    excerpt(&plain, max_characters)
}

/// Bytes of a line that are examined for one character of the excerpt: markup is seldom longer than its text,
/// and the time to examine a line grows with the square of its length where brackets do not match.
const LINE_BYTES_PER_CHARACTER: usize = 16;

/// The beginning of a text, of at most so many bytes.
fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// Removes the marks of a heading, a quotation or a list item.
fn strip_block_marks(line: &str) -> &str {
    let heading = line.trim_start_matches('#');
    let line = if heading.starts_with(' ') { heading } else { line };
    let line = line.trim_start_matches(['>', ' ']);
    ["- ", "* ", "+ "].iter().find_map(|bullet| line.strip_prefix(bullet)).unwrap_or(line)
}

/// Appends a line without the marks of code, emphasis, links, images and citations.
fn push_inline(plain: &mut String, line: &str, is_citation: &impl Fn(u32) -> bool) {
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        rest = match letter {
            '`' => after,
            '*' if !(after.starts_with(' ') && plain.ends_with(' ')) => after,
            '~' if after.starts_with('~') => after.trim_start_matches('~'),
            '!' if after.starts_with('[') => after,
            '[' => match bracket(after) {
                Some(Bracket { label, target: None, rest }) if label.parse().is_ok_and(is_citation) => {
                    plain.truncate(plain.trim_end().len());
                    rest
                }
                Some(Bracket { label, target: Some(_), rest }) => {
                    push_inline(plain, label, is_citation);
                    rest
                }
                _ => {
                    plain.push(letter);
                    after
                }
            },
            _ => {
                plain.push(letter);
                after
            }
        };
    }
}

/// The text in square brackets, and the link target in parentheses that may follow them.
struct Bracket<'a> {
    label: &'a str,
    target: Option<&'a str>,
    rest: &'a str,
}

fn bracket(after: &str) -> Option<Bracket<'_>> {
    let (label, rest) = after.split_once(']')?;
    if label.contains('[') {
        return None;
    }
    let link = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    Some(link.map_or(Bracket { label, target: None, rest }, |(target, rest)| Bracket {
        label,
        target: Some(target),
        rest,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_line_and_ends_at_a_word() {
        assert_eq!(excerpt("  one\n two  ", 80), "one two");
        assert_eq!(excerpt("alpha beta gamma", 11), "alpha beta…");
        assert_eq!(excerpt("alpha beta gamma", 16), "alpha beta gamma");
        assert_eq!(excerpt("alpha beta gamma", 10), "alpha…");
        assert_eq!(excerpt("", 10), "");
    }

    #[test]
    fn an_excerpt_is_never_longer_than_its_limit() {
        assert_eq!(excerpt("incomprehensibilities", 5), "inco…");
        for text in
            ["ü".repeat(500), "ab ".repeat(300), format!("a {}", "x".repeat(400)), "日本 語".repeat(99)]
        {
            for limit in [2, 10, 80, 160] {
                let cut = excerpt(&text, limit);
                assert!(cut.chars().count() <= limit && cut.ends_with('…'), "{cut}");
            }
        }
    }

    #[test]
    fn the_first_line_with_a_word_stands_for_the_title() {
        assert_eq!(first_line("Why?\nI wonder.", 80), "Why?");
        assert_eq!(first_line("```\nlet x = 1;\n```", 80), "let x = 1;");
        assert_eq!(first_line("???", 80), "???");
    }

    #[test]
    fn an_excerpt_of_an_answer_has_no_markup() {
        let answer = "## Ownership\n\n- Each **value** has *one* `owner` [1].\n> See [the book](https://x.y/z)[2] ![i](a)\n\
                      ```rust\nlet a = b * c[3];\n```\n";
        assert_eq!(
            markdown_excerpt(answer, |mark| mark < 3, 160),
            "Ownership Each value has one owner. See the book i let a = b * c[3];"
        );
    }

    #[test]
    fn an_excerpt_examines_the_beginning_of_a_line_alone() {
        let cases = ["[", "[[a](b)", "![", "[a", "`", "*"].map(|mark| mark.repeat(4_000_000 / mark.len()));
        for text in cases {
            assert!(markdown_excerpt(&text, |_| true, 160).chars().count() <= 160);
        }
        assert_eq!(beginning("äöü", 3), "ä");
    }

    #[test]
    fn brackets_that_are_not_citations_stay() {
        assert_eq!(markdown_excerpt("a[0] [maybe] [", |_| false, 160), "a[0] [maybe] [");
        assert_eq!(markdown_excerpt("#hashtag #1 5 * 3", |_| false, 160), "#hashtag #1 5 * 3");
    }
}
