//! Responses of the running product, byte for byte, with ids, times and keys masked (`tests/snapshots`).

use serde_json::json;
use uuid::Uuid;

use crate::support::person::Person;
use crate::support::product::Product;

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
/// Fields whose values differ in each run and have no form of their own.
const MASKED_FIELDS: [&str; 6] = ["sealed", "signature", "public_key", "key_id", "traceparent", "trace_id"];

fn assert_text(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/product"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, masked(text)));
}

/// The text with the values masked that differ in each run.
fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    for field in MASKED_FIELDS {
        text = with_values_masked(&text, field);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        let (mask, length) = if is_form(rest, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh") {
            ("[uuid]", 36)
        } else if is_form(rest, "dddd-dd-ddTdd:dd:dd") {
            // The number of decimals depends on the time.
            ("[time]", rest.find('Z').unwrap() + 1)
        } else if is_form(rest, &"h".repeat(64)) {
            ("[hash]", 64)
        } else {
            let length = character.len_utf8();
            (&rest[..length], length)
        };
        masked.push_str(mask);
        rest = &rest[length..];
    }
    masked
}

/// Whether a text begins with a form: `h` is a hexadecimal digit, `d` a decimal one.
fn is_form(text: &str, form: &str) -> bool {
    text.len() >= form.len()
        && form.bytes().zip(text.bytes()).all(|(form, byte)| match form {
            b'h' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

fn with_values_masked(text: &str, field: &str) -> String {
    let begin = format!("\"{field}\":\"");
    let mut parts = text.split(&begin);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('"').unwrap();
        masked.extend([&begin, "[", field, "]\"", rest]);
    }
    masked
}

/// A conversation with a question, a stopped and rated answer, a title and tags.
async fn conversation_of(person: &Person) -> Uuid {
    let (conversation, answer) = (Uuid::now_v7(), Uuid::now_v7());
    let question = person.ask(conversation, "When is the lamp of the lighthouse lit?").await;
    for command in [
        json!({"type": "regenerate", "question_id": question, "answer_id": answer}),
        json!({"type": "stop", "answer_id": answer}),
        json!({"type": "rate", "answer_id": answer, "rating": "up", "comment": "clear"}),
        json!({"type": "rename", "title": "Lighthouses"}),
        json!({"type": "tag", "tags": ["sea"]}),
    ] {
        let answered = person.command(conversation, &command).await;
        assert_eq!(answered.status, 202, "{command} {answered:?}");
    }
    conversation
}

#[tokio::test]
async fn responses_to_queries_match_their_snapshots() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let conversation = conversation_of(&person).await;
    let version = 8;
    let row = format!("/v1/conversations/{conversation}");
    person.get(&format!("{row}?min_version={version}")).await;
    person.until_shown("/v1/search?q=lamp", |page| page["items"] != json!([])).await;
    person.until_shown("/v1/me", |me| !me["opened_at"].is_null()).await;
    for (name, path) in [
        ("conversations", "/v1/conversations".to_owned()),
        ("conversation", row.clone()),
        ("messages", format!("{row}/messages")),
        ("search", "/v1/search?q=lamp".to_owned()),
        ("me", "/v1/me".to_owned()),
        ("usage", "/v1/usage".to_owned()),
        ("documents", "/v1/documents".to_owned()),
        ("not_found", format!("/v1/conversations/{}", Uuid::now_v7())),
        ("invalid_limit", "/v1/conversations?limit=0".to_owned()),
    ] {
        let (_, text) = person.text(&path, JSON).await;
        assert_text(name, &text);
    }
}

#[tokio::test]
async fn an_export_of_the_ledger_matches_its_snapshot() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let conversation = conversation_of(&person).await;
    let auditor = Person::auditor(&product).await;
    let events = format!("/v1/audit/events?conversation={conversation}");
    auditor.until_shown(&events, |page| page["items"].as_array().is_some_and(|items| items.len() == 8)).await;
    let (status, page) = auditor.text(&format!("{events}&limit=2"), JSON).await;
    assert_eq!(status, 200);
    assert_text("audit_events", &page);
    let (status, lines) = auditor.text(&events, NDJSON).await;
    assert_eq!(status, 200);
    // The signed head depends on the accesses that were recorded while the test waited.
    let (lines, head) = lines.trim_end().rsplit_once('\n').unwrap();
    assert!(head.starts_with(r#"{"checkpoint":{"position":"#), "{head}");
    assert_text("export", lines);
}

#[test]
fn masks_replace_what_differs_in_each_run() {
    let text =
        r#"{"id":"0197b3f0-0000-7000-8000-000000000001","at":"2026-11-18T11:06:40.123Z","key_id":"k","n":1}"#;
    assert_eq!(masked(text), r#"{"id":"[uuid]","at":"[time]","key_id":"[key_id]","n":1}"#);
}
