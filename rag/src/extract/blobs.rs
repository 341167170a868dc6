//! Leaves out files that are encoded in a text, such as pictures in notebooks, contacts and Markdown. Each would
//! become hundreds of passages without a word.

/// The shortest run of such letters on one line, in bytes.
const MIN_RUN: usize = 512;
/// The shortest line of a file that stands on many lines, and the least number of them.
const MIN_LINE: usize = 60;
const MIN_LINES: usize = 8;
/// The replacement of a file.
const LEFT_OUT: &str = "…";

/// The text without files in Base64.
pub(super) fn left_out(text: String) -> String {
    let has_long_words = text.split_ascii_whitespace().any(|word| word.len() >= MIN_LINE);
    if !has_long_words {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split_inclusive('\n') {
        let word = line.trim();
        let is_last = lines.len() >= MIN_LINES && word.ends_with('=');
        let is_of_file = (MIN_LINE..MIN_RUN).contains(&word.len()) || is_last;
        if is_of_file && word.bytes().all(is_base64) {
            lines.push(line);
        } else {
            end_lines(&mut lines, &mut kept);
            push_line(line, &mut kept);
        }
    }
    end_lines(&mut lines, &mut kept);
    kept
}

fn end_lines(lines: &mut Vec<&str>, kept: &mut String) {
    if lines.len() >= MIN_LINES && is_mixed(&lines.concat()) {
        kept.extend([LEFT_OUT, "\n"]);
    } else {
        kept.extend(lines.iter().copied());
    }
    lines.clear();
}

fn push_line(line: &str, kept: &mut String) {
    let mut rest = line;
    while let Some(start) = rest.bytes().position(is_base64) {
        let length = rest[start..].bytes().position(|byte| !is_base64(byte)).unwrap_or(rest.len() - start);
        let run = &rest[start..start + length];
        kept.push_str(&rest[..start]);
        kept.push_str(if length >= MIN_RUN && is_mixed(run) { LEFT_OUT } else { run });
        rest = &rest[start + length..];
    }
    kept.push_str(rest);
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// Whether a text has letters of both cases and digits among each other, as compressed data has.
fn is_mixed(text: &str) -> bool {
    let share = |is: fn(&u8) -> bool| text.bytes().filter(is).count() * 50 > text.len();
    share(u8::is_ascii_uppercase) && share(u8::is_ascii_lowercase) && share(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters as those of a compressed file.
    fn file(length: usize) -> String {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        (0..length).map(|index| char::from(letters[(index * 37 + index / 5) % 64])).collect()
    }

    #[test]
    fn files_are_left_out_and_what_stands_around_them_stays() {
        let data = file(2_000);
        let lines =
            (0..20).map(|line| [" ", &data[line * 76..][..76], "\n"].concat()).collect::<Vec<_>>().concat();
        for (text, kept) in [
            (
                format!("A kiln: ![kiln](data:image/png;base64,{data}) cools.\n"),
                "A kiln: ![kiln](data:image/png;base64,…) cools.\n",
            ),
            (format!("FN:Ada\nPHOTO:\n{lines} QUJD==\nEND\n"), "FN:Ada\nPHOTO:\n…\nEND\n"),
        ] {
            assert_eq!(left_out(text), kept);
        }
    }

    #[test]
    fn long_words_stay() {
        let path = "src/kilns/".repeat(90);
        for text in ["ACGT".repeat(900), "x".repeat(9_000), path, format!("{}\n", file(100))] {
            assert_eq!(left_out(text.clone()), text);
        }
    }
}
