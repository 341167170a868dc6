//! Searches with hostile texts and words.

use std::fmt::Write as _;

use serde_json::json;
use uuid::Uuid;

use crate::support::person::Person;
use crate::support::product::Product;

/// The most words that a search looks for.
fn words() -> String {
    let mut words = String::new();
    for number in 0..32 {
        let _ = write!(words, "quixotically{number:02} ");
    }
    words
}

#[tokio::test]
async fn a_search_for_many_words_in_many_long_texts_finds_them_all() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let words = words();
    let filler = "b c d f ".repeat((32_000 - words.len()) / 8);
    for _ in 0..40 {
        person.ask(Uuid::now_v7(), &format!("{words}{filler}")).await;
    }
    let query = words.trim().replace(' ', "+");
    let path = format!("/v1/search?limit=100&q={query}");
    let found = person.until_shown(&path, |page| page["items"].as_array().unwrap().len() == 40).await;
    for hit in found["items"].as_array().unwrap() {
        assert!(hit["snippet"].as_str().unwrap().contains("quixotically00"), "{hit}");
    }
    assert_ne!(found["items"][0]["highlights"], json!([]));
}
