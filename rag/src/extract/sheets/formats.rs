//! Numbers as their cells show them: with what their format says of their meaning.

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// A number in a format of a spreadsheet: zeros in front, a percentage, and the words around it. All its digits
/// are kept.
pub(super) fn number(value: f64, format: &str) -> String {
    let section = format.split(';').next().unwrap_or_default();
    let (before, pattern, after) = parts(section);
    if pattern.len() > 1 && pattern.bytes().all(|byte| byte == b'0') && value.fract() == 0.0 && value >= 0.0 {
        return format!("{before}{value:0>width$}{after}", width = pattern.len());
    }
    let value = if pattern.contains('%') { digits(value * 100.0) + "%" } else { digits(value) };
    format!("{before}{value}{after}")
}

/// A number without the digits that binary fractions add.
fn digits(value: f64) -> String {
    // A workbook keeps 15 digits.
    format!("{value:.14e}").parse().unwrap_or(value).to_string()
}

/// A time that may be longer than a day, in days.
pub(super) fn duration(days: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
    let seconds = (days * DAY).round() as i64;
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let time = format!("{sign}{hours}:{minutes:02}:{rest:02}");
    time.strip_suffix(":00").map_or(time.clone(), str::to_owned)
}

/// The words before the digits, the digits, and the words behind them.
fn parts(section: &str) -> (String, String, String) {
    let (mut before, mut pattern, mut after) = (String::new(), String::new(), String::new());
    let mut chars = section.chars();
    while let Some(c) = chars.next() {
        let word = match c {
            '"' => chars.by_ref().take_while(|c| *c != '"').collect(),
            '\\' => chars.next().map(String::from).unwrap_or_default(),
            // A currency stands before its country: `[$€-407]`. Other brackets hold colours and conditions.
            '[' => {
                let bracket: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let symbol = bracket.strip_prefix('$').and_then(|rest| rest.split('-').next());
                symbol.unwrap_or_default().to_owned()
            }
            '$' | '€' | '£' | '¥' | ' ' => c.to_string(),
            '_' | '*' => {
                chars.next();
                String::new()
            }
            _ => {
                pattern.push(c);
                continue;
            }
        };
        if pattern.is_empty() { before.push_str(&word) } else { after.push_str(&word) }
    }
    (before.trim_start().to_owned(), pattern, after.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_the_meaning_of_their_format() {
        for (value, format, shown) in [
            (417.0, "00000", "00417"),
            (0.19, "0%", "19%"),
            (0.075, "0.0%", "7.5%"),
            (4.5, "#,##0.00\\ \"€\"", "4.5 €"),
            (4.5, "[$€-407] #,##0.00;[Red]-0", "€ 4.5"),
            (14.5, "0.0\" kg\"", "14.5 kg"),
            (12.0, "_-* #,##0_-", "12"),
            (12.0, "General", "12"),
            (-3.0, "000", "-3"),
        ] {
            assert_eq!(number(value, format), shown, "{format}");
        }
        let plain = [3.0, 0.1 + 0.2, 2180.0, -1.5, 0.0, 1_234_567.891].map(|value| number(value, ""));
        assert_eq!(plain, ["3", "0.3", "2180", "-1.5", "0", "1234567.891"]);
    }

    #[test]
    fn durations_may_be_longer_than_a_day() {
        let shown = [1.260_416_666_666_667, 0.5, -0.25].map(duration);
        assert_eq!(shown, ["30:15", "12:00", "-6:00"]);
    }
}
