//! What the list shows of a text: its beginning, plain and on one line.

/// The line a conversation is called by until somebody gives it a title: the question's first one with a word in it.
pub(super) fn opening(question: &str, characters: usize) -> String {
    let is_telling = |line: &&str| line.contains(char::is_alphanumeric);
    beginning(question.lines().find(is_telling).unwrap_or(question), characters)
}

/// The beginning of a text on one line: at most so many characters, cut at a word where that loses little.
pub(super) fn beginning(text: &str, characters: usize) -> String {
    let mut line = String::with_capacity(characters * 2);
    let mut count = 0;
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let length = word.chars().count();
        let space = usize::from(count > 0);
        // Whatever is left out leaves a character for the ellipsis.
        let room = characters.saturating_sub(count + space + usize::from(words.peek().is_some()));
        if length > room {
            let room = characters.saturating_sub(count + space + 1);
            if count < characters / 2 && room > 0 {
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

/// The beginning of an answer without its Markdown and without the marks of its citations. Good for a glance: what it takes
/// for markup is what answers are marked up with, not all there is.
pub(super) fn plain_beginning(answer: &str, is_cited: impl Fn(u32) -> bool, characters: usize) -> String {
    let mut plain = String::with_capacity(characters * 4);
    for line in answer.lines() {
        // More than enough, even if all of it takes four bytes a character.
        if plain.len() > characters * 5 {
            break;
        }
        let line = line.trim();
        if !line.starts_with("```") && !line.starts_with("~~~") {
            push_inline(&mut plain, without_block_marks(line), &is_cited);
            plain.push(' ');
        }
    }
    beginning(&plain, characters)
}

/// A line without what makes it a heading, a quotation or an item of a list.
fn without_block_marks(line: &str) -> &str {
    let heading = line.trim_start_matches('#');
    let line = if heading.starts_with(' ') { heading } else { line };
    let line = line.trim_start_matches(['>', ' ']);
    ["- ", "* ", "+ "].iter().find_map(|bullet| line.strip_prefix(bullet)).unwrap_or(line)
}

fn push_inline(plain: &mut String, line: &str, is_cited: &impl Fn(u32) -> bool) {
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        rest = match letter {
            '`' => after,
            '*' if !(after.starts_with(' ') && plain.ends_with(' ')) => after,
            '~' if after.starts_with('~') => after.trim_start_matches('~'),
            '!' if after.starts_with('[') => after,
            '[' => match bracket(after) {
                Some(Bracket { label, target: None, rest }) if label.parse().is_ok_and(is_cited) => {
                    plain.truncate(plain.trim_end().len());
                    rest
                }
                Some(Bracket { label, target: Some(_), rest }) => {
                    push_inline(plain, label, is_cited);
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

/// What stands in brackets, and what may stand in parentheses right behind them.
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
    fn a_beginning_is_one_line_and_ends_at_a_word() {
        assert_eq!(beginning("  one\n two  ", 80), "one two");
        assert_eq!(beginning("alpha beta gamma", 11), "alpha beta…");
        assert_eq!(beginning("alpha beta gamma", 16), "alpha beta gamma");
        assert_eq!(beginning("alpha beta gamma", 10), "alpha…");
        assert_eq!(beginning("", 10), "");
    }

    #[test]
    fn a_beginning_is_never_longer_than_asked_for() {
        assert_eq!(beginning("incomprehensibilities", 5), "inco…");
        for text in
            ["ü".repeat(500), "ab ".repeat(300), format!("a {}", "x".repeat(400)), "日本 語".repeat(99)]
        {
            for most in [2, 10, 80, 160] {
                let cut = beginning(&text, most);
                assert!(cut.chars().count() <= most && cut.ends_with('…'), "{cut}");
            }
        }
    }

    #[test]
    fn a_conversation_is_called_by_the_first_line_that_says_something() {
        assert_eq!(opening("Why?\nI wonder.", 80), "Why?");
        assert_eq!(opening("```\nlet x = 1;\n```", 80), "let x = 1;");
        assert_eq!(opening("???", 80), "???");
    }

    #[test]
    fn a_preview_shows_no_markup() {
        let answer = "## Ownership\n\n- Each **value** has *one* `owner` [1].\n> See [the book](https://x.y/z)[2] ![i](a)\n\
                      ```rust\nlet a = b * c[3];\n```\n";
        assert_eq!(
            plain_beginning(answer, |mark| mark < 3, 160),
            "Ownership Each value has one owner. See the book i let a = b * c[3];"
        );
    }

    #[test]
    fn brackets_that_cite_nothing_stay() {
        assert_eq!(plain_beginning("a[0] [maybe] [", |_| false, 160), "a[0] [maybe] [");
        assert_eq!(plain_beginning("#hashtag #1 5 * 3", |_| false, 160), "#hashtag #1 5 * 3");
    }
}
