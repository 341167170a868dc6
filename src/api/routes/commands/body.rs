//! A command's body: read field by field, so that what is wrong can be named.

use aggregates::conversation::{Answer, AskQuestion, Intent, Rating};
use aggregates::{AnswerId, Comment, InvalidText, QuestionText, Tags, Title};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::problem::Problem;

/// One command, tagged by `type`: as the description of the API shows it.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the body in the API's description; bodies are read by `parse`")]
pub(in crate::api) enum Command {
    /// Starts the conversation if it is new. `text` has 1 to 32,768 bytes after trimming.
    Ask {
        question_id: Uuid,
        text: String,
        parent_id: Option<Uuid>,
    },
    /// One more answer to the same question.
    Regenerate {
        question_id: Uuid,
        answer_id: Uuid,
    },
    /// Keeps what was written so far.
    Stop {
        answer_id: Uuid,
    },
    /// `rating` is `up`, `down` or `none`.
    Rate {
        answer_id: Uuid,
        rating: String,
        comment: Option<String>,
    },
    /// `title` has 1 to 200 characters.
    Rename {
        title: String,
    },
    Pin,
    Unpin,
    Archive,
    Unarchive,
    /// Replaces the set: up to 20 tags, each up to 50 characters.
    Tag {
        tags: Vec<String>,
    },
    Delete,
    /// Within 30 days.
    Restore,
}

/// Reads a body.
pub(super) fn parse(body: &[u8]) -> Result<Intent, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("The body is not valid UTF-8."))?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Problem::malformed(format!("The body is not valid JSON (line {}).", error.line()))
    })?;
    let Value::Object(fields) = value else {
        return Err(Problem::malformed("The body has to be a JSON object."));
    };
    let fields = Fields(fields);
    match fields.text("type")? {
        "ask" => Ok(Intent::Ask(AskQuestion {
            question_id: fields.id("question_id")?.into(),
            answer_id: AnswerId::new(Uuid::now_v7()),
            text: QuestionText::parse(fields.text("text")?).map_err(wrong("text"))?,
            parent_id: fields.optional_id("parent_id")?.map(AnswerId::new),
        })),
        "regenerate" => Ok(Intent::Regenerate {
            question_id: fields.id("question_id")?.into(),
            answer_id: fields.id("answer_id")?.into(),
        }),
        "stop" => Ok(Intent::Stop { answer_id: fields.id("answer_id")?.into(), so_far: Answer::default() }),
        "rate" => Ok(Intent::Rate {
            answer_id: fields.id("answer_id")?.into(),
            rating: fields.rating()?,
            comment: fields.comment()?,
        }),
        "rename" => Ok(Intent::Rename(Title::parse(fields.text("title")?).map_err(wrong("title"))?)),
        "tag" => Ok(Intent::Tag(fields.tags()?)),
        "pin" => Ok(Intent::Pin),
        "unpin" => Ok(Intent::Unpin),
        "archive" => Ok(Intent::Archive),
        "unarchive" => Ok(Intent::Unarchive),
        "delete" => Ok(Intent::Delete),
        "restore" => Ok(Intent::Restore),
        _ => Err(Problem::invalid_field("type", "There is no such command.")),
    }
}

fn wrong(field: &'static str) -> impl Fn(InvalidText) -> Problem {
    move |error| Problem::invalid_field(field, format!("It is not accepted: {error}."))
}

struct Fields(Map<String, Value>);

impl Fields {
    fn present(&self, field: &'static str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn text(&self, field: &'static str) -> Result<&str, Problem> {
        match self.present(field) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Problem::invalid_field(field, "It must be a string.")),
            None => Err(Problem::invalid_field(field, "It is missing.")),
        }
    }

    fn id(&self, field: &'static str) -> Result<Uuid, Problem> {
        let not_an_id = |_| Problem::invalid_field(field, "It must be a UUID.");
        Uuid::try_parse(self.text(field)?).map_err(not_an_id)
    }

    fn optional_id(&self, field: &'static str) -> Result<Option<Uuid>, Problem> {
        self.present(field).map(|_| self.id(field)).transpose()
    }

    fn rating(&self) -> Result<Rating, Problem> {
        match self.text("rating")? {
            "up" => Ok(Rating::Up),
            "down" => Ok(Rating::Down),
            "none" => Ok(Rating::None),
            _ => Err(Problem::invalid_field("rating", "It must be up, down or none.")),
        }
    }

    fn comment(&self) -> Result<Option<Comment>, Problem> {
        match self.present("comment") {
            None => Ok(None),
            Some(_) => Comment::parse(self.text("comment")?).map(Some).map_err(wrong("comment")),
        }
    }

    fn tags(&self) -> Result<Tags, Problem> {
        let not_tags = || Problem::invalid_field("tags", "It must be an array of strings.");
        let tags = self.present("tags").and_then(Value::as_array).ok_or_else(not_tags)?;
        let tags: Vec<&str> =
            tags.iter().map(|tag| tag.as_str().ok_or_else(not_tags)).collect::<Result<_, _>>()?;
        Tags::parse(&tags).map_err(wrong("tags"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        format!("{:?}", parse(body.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_question_is_read() {
        let id = Uuid::now_v7();
        let body = format!(r#"{{"type":"ask","question_id":"{id}","text":" why? ","parent_id":null}}"#);
        let Ok(Intent::Ask(ask)) = parse(body.as_bytes()) else { panic!("not read") };
        assert_eq!((ask.question_id.uuid(), ask.text.as_str(), ask.parent_id), (id, "why?", None));
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let id = Uuid::now_v7();
        for (body, field) in [
            (r#"{"text":"x"}"#.to_owned(), "type"),
            (r#"{"type":"dance"}"#.to_owned(), "type"),
            (r#"{"type":"ask","text":"x"}"#.to_owned(), "question_id"),
            (r#"{"type":"ask","question_id":"7","text":"x"}"#.to_owned(), "question_id"),
            (format!(r#"{{"type":"ask","question_id":"{id}","text":"  "}}"#), "text"),
            (format!(r#"{{"type":"ask","question_id":"{id}","text":"a\u0000b"}}"#), "text"),
            (format!(r#"{{"type":"ask","question_id":"{id}","text":7}}"#), "text"),
            (format!(r#"{{"type":"rate","answer_id":"{id}","rating":"good"}}"#), "rating"),
            (r#"{"type":"tag","tags":"x"}"#.to_owned(), "tags"),
            (r#"{"type":"rename","title":""}"#.to_owned(), "title"),
        ] {
            assert!(refused(&body).contains(&format!("Some(\"{field}\")")), "{body}");
        }
    }

    #[test]
    fn what_is_not_json_in_utf_8_is_malformed() {
        assert!(refused("{").contains("malformed"));
        assert!(refused("[]").contains("malformed"));
        assert!(format!("{:?}", parse(b"{\"type\":\"\xff\"}").unwrap_err()).contains("malformed"));
    }
}
