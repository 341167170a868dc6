//! Turns a follow-up question ("and how do I undo that?") into a query that can be searched without
//! the conversation.

mod rewrite;
mod signs;

use std::borrow::Cow;

use crate::vocabulary::Turn;
pub(crate) use rewrite::rewrite;

/// Returns the query to search for: the question, preceded by the one before it if it is a
/// follow-up question.
pub(crate) fn search_query<'a>(question: &'a str, history: &[Turn]) -> Cow<'a, str> {
    let previous = history.iter().rev().find_map(|turn| match turn {
        Turn::Question(text) => Some(text.as_str()),
        Turn::Answer(_) => None,
    });
    match previous {
        Some(previous) if is_followup(question) => Cow::Owned(format!("{previous} {question}")),
        _ => Cow::Borrowed(question),
    }
}

/// Whether the question can be understood only with the conversation before it.
pub(crate) fn is_followup(question: &str) -> bool {
    signs::leans_on_the_conversation(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> [Turn; 2] {
        [Turn::Question("How do I create a branch in git?".into()), Turn::Answer("With git branch.".into())]
    }

    #[test]
    fn a_followup_question_is_searched_with_the_one_before_it() {
        for question in ["and how do I undo that?", "Why?", "What about tags?", "Can I rename it"] {
            let query = search_query(question, &history());
            assert!(query.contains("create a branch") && query.ends_with(question), "{question}");
        }
    }

    #[test]
    fn followup_questions_are_recognised_in_many_languages() {
        for question in [
            "Und ab welchem Gleis?",
            "Wie lange gilt das?",
            "Et pour les enfants ?",
            "Combien ça coûte ?",
            "¿Y los domingos?",
            "¿Cuánto cuesta eso?",
            "E per i bambini?",
            "E aos domingos?",
            "En op zondag?",
            "А по воскресеньям?",
            "那周末呢？",
            "它要多少钱？",
            "では日曜日は？",
            "それはいくらですか",
            "그럼 일요일은요?",
            "그건 얼마예요?",
            "और रविवार को?",
            "وماذا عن الأحد؟",
            "แล้ววันอาทิตย์ล่ะ",
            "Wie hoch sind seine Kosten?",
            "Quel est son poids ?",
            "¿Cuál es su peso?",
            "Qual è il suo peso?",
            "Qual é o seu peso?",
            "其重量是多少？",
            "그 무게는 얼마예요?",
            "كم وزنه؟",
            "وما سعرها؟",
        ] {
            assert!(is_followup(question), "{question}");
        }
    }

    #[test]
    fn questions_with_a_subject_of_their_own_are_recognised_in_many_languages() {
        for question in [
            "Wann fährt der Zug nach Wien?",
            "À quelle heure part le train de nuit ?",
            "¿Dónde se alquilan las bicicletas?",
            "Quando parte il treno per Vienna?",
            "Quando parte o comboio para Viena?",
            "去维也纳的夜车几点出发？",
            "ウィーン行きの夜行列車は何時に出ますか",
            "빈으로 가는 야간열차는 몇 시에 출발하나요?",
            "वियना की रेलगाड़ी कब चलती है?",
            "متى يغادر القطار إلى فيينا؟",
            "كم وزن المضخة؟",
            "Wann muss der Antrag fertig sein?",
        ] {
            assert!(!is_followup(question), "{question}");
        }
    }

    #[test]
    fn a_question_that_names_its_subject_is_unchanged() {
        for question in
            ["How do I install Docker?", "What are the limits of a database in the free plan of the service?"]
        {
            assert_eq!(search_query(question, &history()), question);
        }
        assert_eq!(search_query("and that?", &[]), "and that?");
    }
}
