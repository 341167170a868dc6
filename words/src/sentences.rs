//! The sentences of a text, and what kind of sentence one is.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::script::{Script, is_unspaced};

/// Characters of a script without spaces that are about as long as a word.
const CHARACTERS_OF_A_WORD: usize = 2;
/// From this length on, a Thai text is divided at its spaces, which stand between clauses.
const LONG_CLAUSE_CHARS: usize = 60;

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 34] = [
    "abs.", "art.", "bzw.", "ca.", "cf.", "d.h.", "dr.", "e.g.", "etc.", "evtl.", "fig.", "ggf.", "i.e.",
    "inkl.", "max.", "min.", "mr.", "mrs.", "n.b.", "no.", "nr.", "núm.", "p.ex.", "p.", "pág.", "prof.",
    "s.", "sog.", "sr.", "sra.", "usw.", "vgl.", "vs.", "z.b.",
];

/// The sentences of a text on one line, in order, without the spaces around them. Text in backticks
/// is never divided.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let (mut start, mut end) = (0, 0);
    for part in text.split_sentence_bounds() {
        end += part.len();
        let open = &text[start..end];
        if open.matches('`').count().is_multiple_of(2) && !ends_with_abbreviation(open) {
            push(&mut sentences, open);
            start = end;
        }
    }
    push(&mut sentences, &text[start..]);
    sentences
}

fn push<'a>(sentences: &mut Vec<&'a str>, sentence: &'a str) {
    let sentence = sentence.trim();
    if sentence.chars().any(has_no_stops) && sentence.chars().count() > LONG_CLAUSE_CHARS {
        sentences.extend(clauses(sentence));
    } else if !sentence.is_empty() {
        sentences.push(sentence);
    }
}

/// Whether a character is of a script that writes no full stops.
fn has_no_stops(c: char) -> bool {
    matches!(Script::of(c), Script::Thai | Script::SouthEastAsian)
}

/// The parts of a text in such a script between its spaces. The spaces around numbers and foreign words divide
/// no clauses.
fn clauses(text: &str) -> Vec<&str> {
    let (mut clauses, mut start) = (Vec::new(), 0);
    for (at, _) in text.match_indices(' ') {
        let is_end = text[..at].ends_with(has_no_stops) && text[at + 1..].starts_with(has_no_stops);
        if is_end {
            clauses.push(text[start..at].trim());
            start = at + 1;
        }
    }
    clauses.push(text[start..].trim());
    clauses.retain(|clause| !clause.is_empty());
    clauses
}

fn ends_with_abbreviation(text: &str) -> bool {
    let last = text.trim_end().rsplit([' ', '(']).next().unwrap_or_default().to_lowercase();
    ABBREVIATIONS.contains(&last.as_str())
}

/// The length of a text in words. Characters of scripts without spaces count by their number.
pub fn length(text: &str) -> usize {
    let unspaced = text.chars().filter(|c| is_unspaced(*c)).count();
    let spaced =
        text.split_whitespace().filter(|word| word.chars().any(|c| c.is_alphanumeric() && !is_unspaced(c)));
    spaced.count() + unspaced.div_ceil(CHARACTERS_OF_A_WORD)
}

/// Whether a sentence ends with a mark of a statement, in any script.
pub fn ends_a_statement(sentence: &str) -> bool {
    let sentence =
        sentence.trim_end_matches(['"', '”', '“', '»', '«', '’', '\'', ')', '）', '」', '』', '*', '`']);
    sentence.ends_with([
        '.', '!', ':', ';', '…', '。', '！', '：', '；', '．', '।', '॥', '۔', '؛', '።', '။', '។', '‥',
    ])
}

/// Whether a sentence asks something.
pub fn is_question(sentence: &str) -> bool {
    sentence.trim_end().ends_with(['?', '？', '؟', '՞', '፧'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_with_the_marks_of_their_script() {
        assert_eq!(
            sentences("退款须在十四天内申请。逾期不予受理！"),
            ["退款须在十四天内申请。", "逾期不予受理！"]
        );
        assert_eq!(
            sentences("दुकान नौ बजे खुलती है। रविवार को बंद रहती है।"),
            ["दुकान नौ बजे खुलती है।", "रविवार को बंद रहती है।"]
        );
        assert_eq!(sentences("هل الباب مفتوح؟ نعم."), ["هل الباب مفتوح؟", "نعم."]);
        assert_eq!(
            sentences("One, e.g. This one, with `a. B` in it! Two!"),
            ["One, e.g. This one, with `a. B` in it!", "Two!"]
        );
    }

    #[test]
    fn spaces_around_numbers_divide_no_clauses() {
        let text = "ใบพัดมีขนาด 16 นิ้ว ควรทำความสะอาดทุก 2 เดือน รุ่น FN-16 รับประกันหนึ่งปีนับจากวันที่ซื้อ ไม่รวมน้ำ";
        let clauses =
            ["ใบพัดมีขนาด 16 นิ้ว", "ควรทำความสะอาดทุก 2 เดือน", "รุ่น FN-16 รับประกันหนึ่งปีนับจากวันที่ซื้อ", "ไม่รวมน้ำ"];
        assert_eq!(sentences(text), clauses);
    }

    #[test]
    fn the_length_of_a_text_is_comparable_between_scripts() {
        assert_eq!(length("The shop opens at nine."), 5);
        assert_eq!(length("商店九点开门。"), 3);
        assert_eq!(length("| - |"), 0);
    }

    #[test]
    fn statements_and_questions_are_told_apart_in_any_script() {
        for statement in ["It opens.", "开门。", "खुलती है।", "(It opens.)", "ある。」"]
        {
            assert!(ends_a_statement(statement) && !is_question(statement), "{statement}");
        }
        for question in ["Does it?", "开门吗？", "هل الباب مفتوح؟"] {
            assert!(is_question(question) && !ends_a_statement(question), "{question}");
        }
    }
}
