//! Makes JSON readable that servers write although the format forbids it: halves of surrogate pairs, raw
//! control characters in strings, and the numbers `NaN` and `Infinity`.

/// The first of 2048 private characters that stand for the halves of surrogate pairs.
const FIRST_HALF: u32 = 0x10_F800;
/// The first surrogate.
const FIRST_SURROGATE: u32 = 0xD800;
const FIRST_LOW_SURROGATE: u32 = 0xDC00;
const LAST_SURROGATE: u32 = 0xDFFF;

/// Returns JSON that can be parsed, as far as this module knows how. A lone half of a surrogate pair becomes
/// a private character, which [`HalfPairs`] reads.
pub(super) fn repair(json: &str) -> String {
    let mut repaired = String::with_capacity(json.len());
    let mut rest = json;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '"' => {
                in_string = !in_string;
                repaired.push(c);
            }
            '\\' if in_string => length = push_escape(rest, &mut repaired),
            c if in_string && c.is_control() => repaired.push(' '),
            'N' | 'I' | '-' if !in_string => {
                let number = ["NaN", "-NaN", "Infinity", "-Infinity"].iter().find(|n| rest.starts_with(**n));
                match number {
                    Some(number) => {
                        repaired.push_str("null");
                        length = number.len();
                    }
                    None => repaired.push(c),
                }
            }
            c => repaired.push(c),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    repaired
}

/// Copies the escape at the start of a text. Returns its length in bytes.
fn push_escape(text: &str, repaired: &mut String) -> usize {
    let Some(unit) = unit(text) else {
        let length = text.chars().take(2).map(char::len_utf8).sum();
        repaired.push_str(text.get(..length).unwrap_or(text));
        return length;
    };
    let is_low = |unit: u32| (FIRST_LOW_SURROGATE..=LAST_SURROGATE).contains(&unit);
    let escape = text.get(..6).unwrap_or(text);
    if !(FIRST_SURROGATE..=LAST_SURROGATE).contains(&unit) {
        repaired.push_str(escape);
        return escape.len();
    }
    let pair =
        text.get(..12).filter(|pair| !is_low(unit) && pair.get(6..).and_then(self::unit).is_some_and(is_low));
    if let Some(pair) = pair {
        repaired.push_str(pair);
        return pair.len();
    }
    repaired.extend(char::from_u32(FIRST_HALF + unit - FIRST_SURROGATE));
    escape.len()
}

/// The code unit of an escape such as `\ud83d` at the start of a text.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Joins the halves of surrogate pairs, also of pairs that are divided between two texts. A half that stays
/// alone becomes a replacement character.
#[derive(Default)]
pub(super) struct HalfPairs {
    high: Option<u32>,
}

impl HalfPairs {
    /// Reads the next text, in which private characters stand for halves only if it was repaired.
    pub(super) fn join(&mut self, text: String, is_repaired: bool) -> String {
        if text.is_empty() || (!is_repaired && self.high.is_none()) {
            return text;
        }
        let mut joined = String::with_capacity(text.len());
        for c in text.chars() {
            let half = u32::from(c).checked_sub(FIRST_HALF).filter(|_| is_repaired);
            let surrogate = half.map(|half| FIRST_SURROGATE + half);
            match (self.high.take(), surrogate) {
                (Some(high), Some(low)) if low >= FIRST_LOW_SURROGATE => {
                    let code = 0x1_0000 + ((high - FIRST_SURROGATE) << 10) + (low - FIRST_LOW_SURROGATE);
                    joined.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    continue;
                }
                (Some(_), _) => joined.push(char::REPLACEMENT_CHARACTER),
                (None, _) => {}
            }
            match surrogate {
                Some(high) if high < FIRST_LOW_SURROGATE => self.high = Some(high),
                Some(_) => joined.push(char::REPLACEMENT_CHARACTER),
                None => joined.push(c),
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> String {
        serde_json::from_str(&repair(json)).unwrap()
    }

    #[test]
    fn halves_of_a_pair_in_two_texts_are_joined_and_a_lone_half_is_replaced() {
        let mut halves = HalfPairs::default();
        assert_eq!(halves.join(parsed(r#""a \ud83d""#), true), "a ");
        assert_eq!(halves.join(parsed(r#""\ude00 b""#), true), "😀 b");
        assert_eq!(halves.join(parsed(r#""c \ud83d""#), true), "c ");
        assert_eq!(halves.join("d".into(), false), "\u{fffd}d");
        assert_eq!(halves.join(parsed(r#""\ude00\ud83d\ude00 \\ud83d \"""#), true), "\u{fffd}😀 \\ud83d \"");
        assert_eq!(HalfPairs::default().join("\u{10f800}".into(), false), "\u{10f800}");
    }

    #[test]
    fn raw_control_characters_and_foreign_numbers_are_replaced() {
        let json = "{\"a\":\"x\ty\nNaN\",\"b\":NaN,\"c\":[-Infinity, -1]}";
        let value: serde_json::Value = serde_json::from_str(&repair(json)).unwrap();
        assert_eq!(value, serde_json::json!({"a": "x y NaN", "b": null, "c": [null, -1]}));
    }
}
