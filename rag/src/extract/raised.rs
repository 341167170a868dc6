//! Raised digits: an exponent or the number of a note must not read as digits of the line.

/// Returns raised text in raised characters, if it is a number behind other text.
pub(super) fn raised(before: &str, text: &str) -> Option<String> {
    let is_behind = before.ends_with(|c: char| !c.is_whitespace());
    is_behind.then(|| text.trim().chars().map(raised_char).collect::<Option<String>>()).flatten()
}

const fn raised_char(c: char) -> Option<char> {
    Some(match c {
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        '+' => '⁺',
        '-' | '−' | '–' => '⁻',
        'n' => 'ⁿ',
        _ => return None,
    })
}

/// Raises the end of a text from this byte on, if it is a number behind other text.
pub(super) fn raise_end(text: &mut String, start: usize) {
    let raised = text.get(..start).zip(text.get(start..)).and_then(|(before, end)| raised(before, end));
    if let Some(raised) = raised {
        text.truncate(start);
        text.push_str(&raised);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_behind_text_are_raised() {
        for (before, text, read) in [
            ("10", "6", Some("10⁶")),
            ("3 × 10", "−4", Some("3 × 10⁻⁴")),
            ("a year.", "3", Some("a year.³")),
            ("4", "th", None),
            ("m ", "2", None),
        ] {
            assert_eq!(raised(before, text).map(|raised| before.to_owned() + &raised).as_deref(), read);
        }
        let mut text = String::from("2015");
        raise_end(&mut text, 9);
        raise_end(&mut text, 3);
        assert_eq!(text, "201⁵");
    }
}
