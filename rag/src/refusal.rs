//! The answer when no source answers the question, in the language of the question.

use words::Language;

/// The refusal of a question in English, and of one in a language without its own.
pub const NO_ANSWER: &str = "The sources do not answer this.";

const LANGUAGES: [Language; 19] = [
    Language::English,
    Language::German,
    Language::French,
    Language::Spanish,
    Language::Italian,
    Language::Portuguese,
    Language::Dutch,
    Language::Swedish,
    Language::Danish,
    Language::Norwegian,
    Language::Russian,
    Language::Greek,
    Language::Arabic,
    Language::Hindi,
    Language::Hebrew,
    Language::Thai,
    Language::Chinese,
    Language::Japanese,
    Language::Korean,
];

/// The refusal of a question in a language.
pub const fn in_language(language: Option<Language>) -> &'static str {
    match language {
        None | Some(Language::English) => NO_ANSWER,
        Some(Language::German) => "Die Quellen beantworten das nicht.",
        Some(Language::French) => "Les sources ne répondent pas à cette question.",
        Some(Language::Spanish) => "Las fuentes no responden a esta pregunta.",
        Some(Language::Italian) => "Le fonti non rispondono a questa domanda.",
        Some(Language::Portuguese) => "As fontes não respondem a esta pergunta.",
        Some(Language::Dutch) => "De bronnen beantwoorden dit niet.",
        Some(Language::Swedish) => "Källorna besvarar inte detta.",
        Some(Language::Danish) => "Kilderne besvarer ikke dette.",
        Some(Language::Norwegian) => "Kildene besvarer ikke dette.",
        Some(Language::Russian) => "В источниках нет ответа на этот вопрос.",
        Some(Language::Greek) => "Οι πηγές δεν απαντούν σε αυτό.",
        Some(Language::Arabic) => "المصادر لا تجيب عن هذا السؤال.",
        Some(Language::Hindi) => "स्रोत इस प्रश्न का उत्तर नहीं देते।",
        Some(Language::Hebrew) => "המקורות אינם עונים על שאלה זו.",
        Some(Language::Thai) => "แหล่งข้อมูลไม่ได้ตอบคำถามนี้",
        Some(Language::Chinese) => "资料中没有这个问题的答案。",
        Some(Language::Japanese) => "資料にはこの質問の答えがありません。",
        Some(Language::Korean) => "자료에 이 질문에 대한 답이 없습니다.",
    }
}

/// The refusal of a question, in its language.
pub fn of(question: &str) -> &'static str {
    in_language(Language::of(question))
}

/// Whether a text is or contains a refusal, in any language and without regard to its last mark.
pub fn is_in(text: &str) -> bool {
    let text = text.to_lowercase();
    LANGUAGES.into_iter().any(|language| {
        let refusal = in_language(Some(language)).trim_end_matches(['.', '。', '।']).to_lowercase();
        text.contains(&refusal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_in_the_language_of_the_question() {
        assert_eq!(of("Who won the race?"), NO_ANSWER);
        assert_eq!(of("Wer hat das Rennen gewonnen?"), "Die Quellen beantworten das nicht.");
        assert_eq!(of("比赛是谁赢了？"), "资料中没有这个问题的答案。");
        assert_eq!(of("???"), NO_ANSWER);
    }

    #[test]
    fn a_refusal_is_recognised_among_other_words() {
        assert!(is_in("I am sorry. The sources do not answer this question."));
        assert!(LANGUAGES.into_iter().all(|language| is_in(in_language(Some(language)))));
        assert!(!is_in("The sources say so."));
    }
}
