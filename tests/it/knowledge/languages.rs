//! Documents and questions in many languages, facts without a full stop, and follow-up questions.

use std::fmt::Write as _;

use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::answering::answer_to;
use crate::support::person::Person;
use crate::support::product::Product;

/// Documents with a question that each answers, and what the answer contains.
const ANSWERED: [(&str, &str, &str); 8] = [
    (
        "# 借书规则\n\n每位读者一次最多可以借六本书。逾期归还须支付罚款。\n",
        "一次最多可以借几本书？",
        "六本书",
    ),
    (
        "# 図書館の案内\n\n閲覧室は毎朝八時半に開きます。飲食は禁止されています。\n",
        "閲覧室は何時に開きますか",
        "八時半",
    ),
    (
        "# 도서관\n\n회원증을 다시 발급하려면 수수료 삼천 원을 내야 합니다.\n",
        "회원증 재발급 수수료는 얼마인가요?",
        "삼천 원",
    ),
    (
        "# पुस्तकालय\n\nखोई हुई किताब के लिए सदस्य को पाँच सौ रुपये देने होते हैं।\n",
        "खोई हुई किताब के लिए कितने रुपये देने होते हैं?",
        "पाँच सौ",
    ),
    ("# المكتبة\n\nتغلق المكتبة أبوابها يوم الجمعة طوال فصل الصيف.\n", "متى تغلق المكتبة أبوابها؟", "الجمعة"),
    (
        "Keypad of the boat shed: heron-19\n\nHarbour master on call: 555 0177\n",
        "What is the keypad of the boat shed?",
        "heron-19",
    ),
    (
        "# Lager\n\nDie Mindestbestellmenge für Zwischenböden beträgt vierzig Stück.\n",
        "Wie hoch ist die Mindestmenge für eine Bestellung von Zwischenböden?",
        "vierzig",
    ),
    (
        "# Pie\u{302}ces\n\nLe ressort de\u{301}montable coûte neuf euros.\n",
        "Combien coûte le ressort démontable ?",
        "neuf euros",
    ),
];

async fn upload(person: &Person, name: &str, text: &str) {
    let added = person.upload(name, text.as_bytes().to_vec(), &[]).await;
    let id = added.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
}

#[tokio::test]
async fn documents_in_many_languages_are_quoted_and_other_questions_refused_in_their_language() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    for (text, ..) in ANSWERED {
        upload(&person, "a.md", text).await;
    }
    for (_, question, expected) in ANSWERED {
        let answer = answer_to(&person, question).await;
        assert!(answer["text"].as_str().unwrap().contains(expected), "{question}: {answer}");
        assert!(answer["citations"][0].is_object(), "{question}: {answer}");
    }
    for (question, refusal) in [
        ("Welche Farbe hat der Mantel des Königs von Norwegen?", "Die Quellen beantworten das nicht."),
        ("挪威国王的外套是什么颜色？", "资料中没有这个问题的答案。"),
        ("¿De qué color es el abrigo del rey de Noruega?", "Las fuentes no responden a esta pregunta."),
    ] {
        let answer = answer_to(&person, question).await;
        assert_eq!(answer["text"], refusal, "{question}: {answer}");
    }
}

#[tokio::test]
async fn a_row_of_a_long_table_is_quoted_below_the_names_of_its_columns() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let mut rows = String::new();
    for row in 1..=12 {
        let _ = writeln!(rows, "| bracket {row:03} | {} | {} |", 40 + 7 * row, 3 * row);
    }
    let table = format!("# Brackets\n\n| Part | Load in kg | Price in EUR |\n|---|---|---|\n{rows}");
    upload(&person, "brackets.md", &table).await;
    let answer = answer_to(&person, "What load in kg does bracket 009 carry?").await;
    let text = answer["text"].as_str().unwrap();
    assert!(
        text.contains("| Part | Load in kg | Price in EUR |\n|---|---|---|\n| bracket 009 | 103 | 27 |"),
        "{text}"
    );
    assert!(!text.contains("bracket 001"), "{text}");
}

async fn answer_in(person: &Person, conversation: Uuid, question: &str, place: usize) -> Value {
    person.ask(conversation, question).await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let page = person.until_shown(&path, |page| page["items"][place]["status"] == "completed").await;
    page["items"][place].clone()
}

#[tokio::test]
async fn a_question_that_leans_on_the_one_before_is_understood_in_other_languages() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    upload(&person, "seilbahn.md", "# Seilbahn\n\nDie letzte Talfahrt der Seilbahn ist um 17:40 Uhr.\n\nDie Seilbahn fährt im Winter von Plattform Nord ab.\n").await;
    upload(&person, "跑步.md", "# 缆车\n\n缆车单程票价是四十二元。\n\n六岁以下儿童乘坐缆车免费。\n").await;
    for (first, second, expected) in [
        ("Wann ist die letzte Talfahrt der Seilbahn?", "Und von welcher Plattform?", "Plattform Nord"),
        ("缆车单程票价是多少？", "那儿童呢？", "免费"),
    ] {
        let conversation = Uuid::now_v7();
        answer_in(&person, conversation, first, 1).await;
        let answer = answer_in(&person, conversation, second, 3).await;
        assert!(answer["text"].as_str().unwrap().contains(expected), "{second}: {answer}");
    }
}

#[tokio::test]
async fn the_search_of_ones_history_knows_other_scripts_and_short_words() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    for text in [
        "부산에서는 회의가 어디에서 열립니까?",
        "Is the meeting of the IT department on Monday?",
        "Does the WHO publish it?",
        "Gilt das für alle Mietverträge?",
        "Is there cre\u{300}me fraîche?",
        "会议在北京举行吗？",
    ] {
        person.ask(Uuid::now_v7(), text).await;
    }
    for (typed, wanted) in [
        ("부산", "부산"),
        ("IT", "IT department"),
        ("WHO", "WHO publish"),
        ("who", "WHO publish"),
        ("Mietvertrag", "Mietverträge"),
        ("crème", "crème"),
        ("cre\u{300}me", "crème"),
        ("北京", "北京"),
    ] {
        let query: String = form_urlencoded::byte_serialize(typed.as_bytes()).collect();
        let found =
            person.until_shown(&format!("/v1/search?q={query}"), |page| page["items"] != json!([])).await;
        let items = found["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{typed}: {found}");
        assert!(items[0]["snippet"].as_str().unwrap().contains(wanted), "{typed}: {found}");
    }
    assert_eq!(
        person.get("/v1/search?q=%EC%82%B0%EB%B6%80").await.body["items"],
        json!([]),
        "the order counts"
    );
}
