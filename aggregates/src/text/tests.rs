use serde_json::json;

use super::*;
use crate::conversation::{RatingComment, Tagged, Titled};

#[test]
fn a_question_is_trimmed_and_kept_within_its_bytes() {
    assert_eq!(QuestionText::parse("  why?\n").map(QuestionText::into_string), Ok("why?".into()));
    assert_eq!(QuestionText::parse(" \n\t "), Err(InvalidText::Empty));
    assert_eq!(QuestionText::parse("a\0b"), Err(InvalidText::Nul));
    assert!(QuestionText::parse(&"x".repeat(32_768)).is_ok());
    assert!(matches!(QuestionText::parse(&"x".repeat(32_769)), Err(InvalidText::TooLong { .. })));
}

#[test]
fn a_title_counts_characters_and_not_bytes() {
    assert!(Title::parse(&"ü".repeat(200)).is_ok());
    assert!(Title::parse(&"ü".repeat(201)).is_err());
}

#[test]
fn tags_are_counted_before_duplicates_are_dropped() {
    let tags = Tags::parse(&vec!["rust"; 20]);
    assert_eq!(tags.map(|tags| tags.as_slice().len()), Ok(1));
    assert_eq!(Tags::parse(&vec!["rust"; 21]), Err(InvalidText::TooManyTags(20)));
    let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    assert_eq!(Tags::parse(&many), Err(InvalidText::TooManyTags(20)));
}

#[test]
fn a_text_never_shows_in_a_debug_print() {
    let printed = format!("{:?}", QuestionText::parse("my secret"));
    assert!(!printed.contains("secret"), "{printed}");
}

fn refused<T: DeserializeOwned>(value: serde_json::Value) -> String {
    serde_json::from_value::<T>(value).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_text_of_a_request_is_trimmed_and_checked_when_it_is_deserialized() {
    assert_eq!(serde_json::from_value::<Title>(json!(" One ")).unwrap().as_str(), "One");
    assert_eq!(serde_json::to_value(Title::parse("One").unwrap()).unwrap(), json!("One"));
    assert_eq!(refused::<Title>(json!("x".repeat(201))), "the text is longer than 200 characters");
    assert_eq!(refused::<QuestionText>(json!(" ")), "the text is empty");
    assert_eq!(refused::<Comment>(json!("a\u{0}b")), "the text contains the NUL character");
    assert_eq!(refused::<Tags>(json!(["x", "y".repeat(51)])), "the text is longer than 50 characters");
}

#[test]
fn a_text_of_a_stored_event_is_not_checked_again() {
    let long = "x".repeat(40_000);
    let titled: Titled = serde_json::from_value(json!({ "title": long })).unwrap();
    assert_eq!(titled.title.as_str(), long);
    let tagged: Tagged = serde_json::from_value(json!({ "tags": ["a", "a", " "] })).unwrap();
    assert_eq!(tagged.tags.as_slice(), ["a", "a", " "]);
    let commented: RatingComment = serde_json::from_value(json!({ "comment": "" })).unwrap();
    assert_eq!(commented.comment.map(Comment::into_string), Some(String::new()));
    let silent: RatingComment = serde_json::from_value(json!({})).unwrap();
    assert_eq!(silent.comment, None);
}

#[cfg(feature = "openapi")]
#[test]
fn openapi_gives_the_limits_that_are_checked() {
    use utoipa::PartialSchema;

    fn limits<T: PartialSchema>() -> (u64, u64) {
        let schema = serde_json::to_value(T::schema()).unwrap();
        (schema["minLength"].as_u64().unwrap(), schema["maxLength"].as_u64().unwrap())
    }

    assert_eq!(limits::<QuestionText>(), (1, QuestionText::MAX_BYTES as u64));
    assert_eq!(limits::<Title>(), (1, Title::MAX_CHARACTERS as u64));
    assert_eq!(limits::<Comment>(), (1, Comment::MAX_CHARACTERS as u64));
}
