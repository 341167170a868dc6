//! Questions for what something is, and the sentences that define it.

/// What stands before the subject of a question for a definition, by language.
const BEFORE: [&str; 42] = [
    "what is ",
    "what's ",
    "what are ",
    "who is ",
    "define ",
    "was ist ",
    "was sind ",
    "was bedeutet ",
    "wer ist ",
    "qu'est-ce que ",
    "qu'est-ce qu'",
    "c'est quoi ",
    "qui est ",
    "qué es ",
    "que es ",
    "qué son ",
    "quién es ",
    "che cos'è ",
    "cos'è ",
    "cosa sono ",
    "che cosa è ",
    "chi è ",
    "o que é ",
    "o que são ",
    "quem é ",
    "wat is ",
    "wat zijn ",
    "wie is ",
    "vad är ",
    "vem är ",
    "hvad er ",
    "hva er ",
    "hvem er ",
    "что такое ",
    "кто такой ",
    "τι είναι ",
    "ما هو ",
    "ما هي ",
    "מה זה ",
    "מהו ",
    "什么是",
    "什麼是",
];
/// What stands behind the subject. A longer ending comes before one that it contains.
const BEHIND: [&str; 19] = [
    "是什么",
    "是什麼",
    "是谁",
    "とは何ですか",
    "とはなんですか",
    "とは何",
    "って何ですか",
    "って何",
    "とは",
    "이란 무엇인가요",
    "란 무엇인가요",
    "이란 무엇입니까",
    "란 무엇입니까",
    "은 무엇인가요",
    "는 무엇인가요",
    "이 뭐예요",
    "가 뭐예요",
    " क्या है",
    "คืออะไร",
];
const ARTICLES: [&str; 28] = [
    "a ", "an ", "the ", "one ", "ein ", "eine ", "der ", "die ", "das ", "un ", "une ", "le ", "la ",
    "les ", "l'", "una ", "uno ", "el ", "los ", "il ", "lo ", "um ", "uma ", "een ", "het ", "en ", "ett ",
    "et ",
];
/// Verbs that define with an article behind them.
const IS: [&str; 14] = [
    "is ", "was ", "are ", "ist ", "sind ", "est ", "es ", "è ", "é ", "är ", "er ", "sont ", "son ", "zijn ",
];
/// Verbs and signs that define by themselves.
const MEANS: [&str; 30] = [
    "means ",
    "refers to ",
    "stands for ",
    "describes ",
    "bezeichnet ",
    "bedeutet ",
    "désigne ",
    "signifie ",
    "significa ",
    "indica ",
    "betekent ",
    "betyder ",
    "— ",
    "– ",
    "это ",
    "είναι ",
    "هو ",
    "هي ",
    "הוא ",
    "היא ",
    "एक ",
    "คือ",
    "是",
    "指",
    "とは",
    "は",
    "란 ",
    "이란 ",
    "은 ",
    "는 ",
];
/// Quotation marks, and marks of Markdown.
const MARKS: [char; 15] = ['"', '\'', '`', '*', '_', '“', '”', '„', '‚', '‘', '’', '«', '»', '「', '」'];
/// The longest subject of a definition, in words.
const MAX_SUBJECT_WORDS: usize = 5;
/// The shortest sentence that defines the name above it, in words.
const MIN_WORDS_BELOW: usize = 4;

/// The subject of a question for a definition, in lower case.
pub(super) fn subject(question: &str) -> Option<String> {
    let question = words::normalized(question).trim().to_lowercase().replace('’', "'");
    let question = question.trim_end_matches(['?', '？', '؟', '.', '。', '!', ' ', '\u{a0}']);
    let question = question.trim_start_matches(['¿', '¡', ' ']);
    let subject = BEFORE
        .iter()
        .find_map(|before| question.strip_prefix(before))
        .or_else(|| BEHIND.iter().find_map(|behind| question.strip_suffix(behind)))?;
    let subject = bare(subject);
    let is_short = (1..=MAX_SUBJECT_WORDS).contains(&words::length(subject));
    is_short.then(|| subject.to_owned())
}

/// Whether a sentence says what the subject is. The first sentence below the `name` of the subject may
/// leave it out.
pub(super) fn defines(subject: &str, sentence: &str, name: Option<&str>) -> bool {
    let sentence = words::normalized(sentence).to_lowercase().replace('’', "'");
    let sentence = sentence.replace(['*', '`', '"', '“', '”', '„'], "");
    let sentence = sentence.trim_start_matches(['「', '『', '«', '»', ' ', '_']);
    let without = without_article(sentence);
    if let Some(rest) = without.strip_prefix(subject) {
        let ends_here = subject.chars().next_back().is_some_and(words::is_wide)
            || !rest.chars().next().is_some_and(|c| c.is_alphanumeric() && !words::is_unspaced(c));
        let said = behind_brackets(rest).trim_start_matches(['」', '』', '«', '»', ',', '，', '、', ' ']);
        let is_something = |verb: &&str| said.strip_prefix(*verb).is_some_and(has_article);
        return ends_here && (IS.iter().any(is_something) || starts(said, &MEANS));
    }
    has_article(sentence)
        && without.split(' ').count() >= MIN_WORDS_BELOW
        && name.is_some_and(|name| bare(&words::normalized(name).to_lowercase()) == subject)
}

fn starts(text: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| text.starts_with(beginning))
}

fn has_article(text: &str) -> bool {
    starts(text, &ARTICLES)
}

fn without_article(text: &str) -> &str {
    ARTICLES.iter().find_map(|article| text.strip_prefix(article)).unwrap_or(text)
}

/// A name without its article and the marks around it. Other signs are part of it: `C++`, `.NET`.
fn bare(name: &str) -> &str {
    let is_mark = |c: char| c.is_whitespace() || MARKS.contains(&c);
    without_article(name.trim_matches(is_mark)).trim_matches(is_mark)
}

/// What follows an abbreviation or another name in brackets.
fn behind_brackets(text: &str) -> &str {
    let inside = text.trim_start().strip_prefix(['(', '（']);
    inside.and_then(|inside| inside.split_once([')', '）'])).map_or(text, |(_, behind)| behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_for_a_definition_names_its_subject() {
        for (question, expected) in [
            ("What is Colloquy?", "colloquy"),
            ("what's a halyard", "halyard"),
            ("Was ist ein Fockschot?", "fockschot"),
            ("Qu’est-ce que le foc ?", "foc"),
            ("¿Qué es una driza?", "driza"),
            ("Che cos'è la randa?", "randa"),
            ("Что такое фал?", "фал"),
            ("什么是主帆？", "主帆"),
            ("主帆是什么？", "主帆"),
            ("スプリットとは何ですか？", "スプリット"),
            ("돛대란 무엇인가요?", "돛대"),
            ("What is C++?", "c++"),
            ("Que\u{301} es una \"driza\"?", "driza"),
        ] {
            assert_eq!(subject(question).as_deref(), Some(expected), "{question}");
        }
        for other in [
            "How do I rig a halyard?",
            "Was kostet das?",
            "What is the best way to rig a halyard on a gaff cutter?",
        ] {
            assert_eq!(subject(other), None, "{other}");
        }
    }

    #[test]
    fn a_sentence_that_says_what_the_subject_is_defines_it() {
        let defines = |subject, sentence| defines(subject, sentence, None);
        for (subject, sentence) in [
            ("halyard", "A halyard is a rope that hoists a sail."),
            ("halyard", "The **halyard** (or hoist) is a rope."),
            ("halyards", "Halyards are the ropes of a sail."),
            ("fall", "Das Fall ist ein Tau."),
            ("foc", "Le foc est une voile d'avant."),
            ("фал", "Фал — это снасть."),
            ("主帆", "主帆是挂在主桅上的帆。"),
            ("スプリット", "スプリットとは、帆を張る棒です。"),
            ("돛대", "돛대는 돛을 다는 기둥입니다."),
            ("돛대", "돛대(mast)는 돛을 다는 기둥입니다."),
            ("תורן", "תורן הוא עמוד שנושא מפרש."),
            ("c++", "C++ is a language of 1985."),
        ] {
            assert!(defines(subject, sentence), "{sentence}");
        }
        for (subject, sentence) in [
            ("halyard", "The halyard is worn."),
            ("halyard", "Halyards of hemp last a year."),
            ("halyard", "A sheet is a rope, and so is a halyard."),
            ("rust", "Rustic is a style."),
            ("c++", "C is a language of 1972."),
        ] {
            assert!(!defines(subject, sentence), "{sentence}");
        }
    }

    #[test]
    fn the_first_sentence_below_the_name_of_the_subject_may_leave_it_out() {
        let below = |heading| defines("halyard", "A rope that hoists a sail.", Some(heading));
        assert!(below("Halyard") && below("The `halyard`"));
        assert!(!below("Sheet"));
    }
}
