//! Splits the text of a migration into its statements.

/// The statements of a text, without comments. Knows quotes, dollar quotes and nested comments, not the
/// bodies `BEGIN ATOMIC … END` of functions.
pub(super) fn statements(sql: &str) -> Vec<String> {
    let (mut found, mut statement) = (Vec::new(), String::new());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '\'' => {
                let is_escaped = statement.ends_with(['e', 'E'])
                    && !statement.trim_end_matches(['e', 'E']).ends_with(char::is_alphanumeric);
                quoted(rest, '\'', is_escaped)
            }
            '"' => quoted(rest, '"', false),
            '$' => dollar_quoted(rest),
            _ => first.len_utf8(),
        };
        let (text, behind) = rest.split_at(token);
        rest = behind;
        match text {
            ";" => finish(&mut statement, &mut found),
            comment if comment.starts_with("--") || comment.starts_with("/*") => statement.push(' '),
            text => statement.push_str(text),
        }
    }
    finish(&mut statement, &mut found);
    found
}

fn finish(statement: &mut String, found: &mut Vec<String>) {
    let text = statement.trim();
    if !text.is_empty() {
        found.push(text.to_owned());
    }
    statement.clear();
}

/// Length of a comment, which may hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth.saturating_sub(1), at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of a quotation. A doubled quote belongs to it: it ends one and begins the next.
fn quoted(text: &str, quote: char, is_escaped: bool) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if is_escaped && character == '\\' {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Length of a dollar-quoted text, or of the dollar sign if none begins there.
fn dollar_quoted(text: &str) -> usize {
    let is_tag = |tag: &str| {
        tag.chars().all(|c| c.is_alphanumeric() || c == '_') && !tag.starts_with(|c: char| c.is_ascii_digit())
    };
    let Some(tag) =
        text.get(1..).and_then(|rest| rest.split_once('$')).map(|(tag, _)| tag).filter(|tag| is_tag(tag))
    else {
        return 1;
    };
    let mark = tag.len() + 2;
    let (Some(quote), Some(body)) = (text.get(..mark), text.get(mark..)) else { return 1 };
    body.find(quote).map_or(text.len(), |end| mark + end + mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_quotes_and_comments_end_no_statement() {
        let sql = "-- one; two\nSELECT 'a;''b;', E'\\';', \"c;\" /* d; /* e; */ f; */;\n\
                   DO $$ BEGIN x; END $$; CREATE FUNCTION f() AS $body$ $$;$$ $body$;;\nSELECT $1";
        assert_eq!(
            statements(sql),
            [
                "SELECT 'a;''b;', E'\\';', \"c;\"",
                "DO $$ BEGIN x; END $$",
                "CREATE FUNCTION f() AS $body$ $$;$$ $body$",
                "SELECT $1",
            ]
        );
    }

    #[test]
    fn a_quotation_without_an_end_is_one_statement() {
        for sql in ["SELECT 'a; b", "DO $$ a; b", "SELECT /* a; b", "SELECT \"ä; b"] {
            assert_eq!(statements(sql).len(), 1, "{sql}");
        }
    }
}
