//! The body of a command. Parsed from the types that also describe it in the OpenAPI document.

use aggregates::conversation::{Answer, AskQuestion, Intent, Rating};
use aggregates::{AnswerId, Comment, DocumentId, ModelName, QuestionId, QuestionText, Tags, Title};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::instruct::Instruct;
use crate::api::problem::Problem;

/// Longest detail of a problem, in characters. Details quote values of the request.
const MAX_DETAIL_CHARACTERS: usize = 200;

/// One command, tagged by `type`.
// `Deserialize` is not derived, because the errors of an internally tagged enum do not name the field.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::api) enum Command {
    /// Asks a question. Starts the conversation if it is new.
    Ask(Ask),
    /// Requests one more answer to a question.
    Regenerate(Regenerate),
    /// Stops a pending answer. Its text so far is kept.
    Stop(Stop),
    /// Rates an answer.
    Rate(Rate),
    /// Changes the title of the conversation.
    Rename(Rename),
    /// Pins the conversation.
    Pin,
    /// Unpins the conversation.
    Unpin,
    /// Archives the conversation.
    Archive,
    /// Takes the conversation out of the archive.
    Unarchive,
    /// Replaces all tags of the conversation.
    Tag(Tag),
    /// Replaces the instructions and the temperature for the answers of the conversation.
    Instruct(Instruct),
    /// Deletes the conversation.
    Delete,
    /// Restores a conversation that was deleted in the last 30 days.
    Restore,
}

/// The fields of `ask`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = AskCommand)]
pub(in crate::api) struct Ask {
    /// Made by the client, as `UUIDv7`.
    #[schema(value_type = Uuid)]
    question_id: QuestionId,
    /// 1 to 32,768 bytes after trimming.
    text: QuestionText,
    /// The answer that the question follows; by default the newest answer. An older one starts a branch.
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<AnswerId>,
    /// Documents to answer from, up to 100; by default all that the user can read. The answer waits for a
    /// document that is being indexed. Documents that were removed are left out while others remain.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 100)]
    documents: Option<Vec<DocumentId>>,
    /// Tags of documents to answer from, beside `documents`: those that have one of the tags when the
    /// question is asked.
    #[serde(default)]
    document_tags: Option<Tags>,
    /// The language model to answer this and the later questions of the conversation with: one of `GET
    /// /v1/models`. By default the one of the last question.
    model: Option<ModelName>,
}

/// The fields of `regenerate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = RegenerateCommand)]
pub(in crate::api) struct Regenerate {
    /// Id of the question.
    #[schema(value_type = Uuid)]
    question_id: QuestionId,
    /// Id of the new answer. Made by the client, as `UUIDv7`.
    #[schema(value_type = Uuid)]
    answer_id: AnswerId,
    /// The language model to answer with: one of `GET /v1/models`. By default the one of the last question.
    model: Option<ModelName>,
}

/// The fields of `stop`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = StopCommand)]
pub(in crate::api) struct Stop {
    /// The pending answer.
    #[schema(value_type = Uuid)]
    answer_id: AnswerId,
}

/// The fields of `rate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = RateCommand)]
pub(in crate::api) struct Rate {
    /// Id of the answer.
    #[schema(value_type = Uuid)]
    answer_id: AnswerId,
    /// The rating; `none` takes an earlier rating back.
    rating: Rating,
    /// Up to 2,000 characters.
    comment: Option<Comment>,
}

/// The fields of `rename`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = RenameCommand)]
pub(in crate::api) struct Rename {
    /// 1 to 200 characters after trimming.
    title: Title,
}

/// The fields of `tag`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = TagCommand)]
pub(in crate::api) struct Tag {
    /// Up to 20 tags of up to 50 characters each.
    tags: Tags,
}

impl Command {
    /// Parses a body. The problem names the field that is not valid.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = parse_object(body)?;
        let name = fields.remove("type").filter(|name| !name.is_null());
        let name = name.ok_or_else(|| missing("type"))?;
        match name.as_str().unwrap_or_default() {
            "ask" => parse_fields(fields).map(Self::Ask),
            "regenerate" => parse_fields(fields).map(Self::Regenerate),
            "stop" => parse_fields(fields).map(Self::Stop),
            "rate" => parse_fields(fields).map(Self::Rate),
            "rename" => parse_fields(fields).map(Self::Rename),
            "tag" => parse_fields(fields).map(Self::Tag),
            "instruct" => parse_fields(fields).map(Self::Instruct),
            "pin" => Ok(Self::Pin),
            "unpin" => Ok(Self::Unpin),
            "archive" => Ok(Self::Archive),
            "unarchive" => Ok(Self::Unarchive),
            "delete" => Ok(Self::Delete),
            "restore" => Ok(Self::Restore),
            _ => Err(Problem::invalid_field("type", "The value is not the name of a command.")),
        }
    }

    /// The tags of the documents to answer a question from.
    pub(super) fn document_tags(&self) -> Tags {
        match self {
            Self::Ask(Ask { document_tags: Some(tags), .. }) => tags.clone(),
            _ => Tags::default(),
        }
    }

    /// The intent of the command. `new_answer` becomes the id of the first answer to a question;
    /// `text_so_far` gives the text of a pending answer.
    pub(super) fn into_intent(
        self,
        new_answer: AnswerId,
        text_so_far: impl FnOnce(AnswerId) -> Answer,
    ) -> Intent {
        match self {
            Self::Ask(Ask { question_id, text, parent_id, documents, document_tags: _, model }) => {
                let (answer_id, documents) = (new_answer, documents.unwrap_or_default());
                let by_tags = None;
                Intent::Ask(AskQuestion {
                    question_id,
                    answer_id,
                    text,
                    parent_id,
                    documents,
                    by_tags,
                    model,
                })
            }
            Self::Regenerate(Regenerate { question_id, answer_id, model }) => {
                Intent::Regenerate { question_id, answer_id, model }
            }
            Self::Stop(Stop { answer_id }) => Intent::Stop { answer_id, so_far: text_so_far(answer_id) },
            Self::Rate(Rate { answer_id, rating, comment }) => Intent::Rate { answer_id, rating, comment },
            Self::Rename(Rename { title }) => Intent::Rename(title),
            Self::Pin => Intent::Pin,
            Self::Unpin => Intent::Unpin,
            Self::Archive => Intent::Archive,
            Self::Unarchive => Intent::Unarchive,
            Self::Tag(Tag { tags }) => Intent::Tag(tags),
            Self::Instruct(Instruct { instructions, temperature }) => {
                Intent::Instruct { instructions, temperature }
            }
            Self::Delete => Intent::Delete,
            Self::Restore => Intent::Restore,
        }
    }
}

/// Parses a body that is a JSON object.
pub(in crate::api) fn parse_object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("The body is not valid UTF-8."))?;
    let value = serde_json::from_str(text).map_err(|error| {
        Problem::malformed(format!("The body is not valid JSON (line {}).", error.line()))
    })?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Problem::malformed("The body must be a JSON object.")),
    }
}

/// Parses the fields of a command. The problem names the field that is not valid.
pub(in crate::api) fn parse_fields<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let detail = error.inner().to_string();
        // The path of a missing field is that of the object; only the message has its name.
        if let Some(field) = detail.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            return missing(field.to_owned());
        }
        let path = error.path().to_string();
        let field = path.split(['.', '[']).next().unwrap_or_default().to_owned();
        let detail: String = detail.chars().take(MAX_DETAIL_CHARACTERS).collect();
        Problem::invalid_field(field, format!("The value is not valid: {detail}."))
    })
}

fn missing(field: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::invalid_field(field, "The field is missing.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema as _;
    use uuid::Uuid;

    use super::*;

    const ID: &str = "0197b3f0-5d5a-7cc2-b6f5-0f0d7f1f2a3b";

    fn problem(body: &Value) -> (String, String) {
        let problem = Command::parse(body.to_string().as_bytes()).unwrap_err();
        (problem.field().unwrap().to_owned(), problem.detail().to_owned())
    }

    #[test]
    fn a_question_is_parsed_and_trimmed() {
        let body =
            json!({"type": "ask", "question_id": ID, "text": " why? ", "parent_id": null, "unknown": 1});
        let new_answer = AnswerId::new(Uuid::from_u128(7));
        let command = Command::parse(body.to_string().as_bytes()).unwrap();
        let Intent::Ask(ask) = command.into_intent(new_answer, |_| Answer::default()) else { panic!() };
        assert_eq!(ask.question_id.to_string(), ID);
        assert_eq!((ask.text.as_str(), ask.parent_id, ask.answer_id), ("why?", None, new_answer));
    }

    #[test]
    fn a_problem_names_the_field_that_is_not_valid() {
        for (body, field, detail) in [
            (json!({"text": "x"}), "type", "The field is missing."),
            (json!({"type": "dance"}), "type", "The value is not the name of a command."),
            (json!({"type": 7}), "type", "The value is not the name of a command."),
            (json!({"type": "ask", "text": "x"}), "question_id", "The field is missing."),
            (json!({"type": "ask", "question_id": "7", "text": "x"}), "question_id", "UUID"),
            (json!({"type": "ask", "question_id": ID, "text": "  "}), "text", "the text is empty"),
            (json!({"type": "ask", "question_id": ID, "text": "a\0b"}), "text", "NUL"),
            (json!({"type": "ask", "question_id": ID, "text": 7}), "text", "invalid type: integer `7`"),
            (json!({"type": "ask", "question_id": ID, "text": "x", "parent_id": "y"}), "parent_id", "UUID"),
            (json!({"type": "stop", "answer_id": null}), "answer_id", "null"),
            (json!({"type": "rate", "answer_id": ID, "rating": "good"}), "rating", "expected one of `up`"),
            (json!({"type": "rate", "answer_id": ID, "rating": "up", "comment": ""}), "comment", "empty"),
            (json!({"type": "tag", "tags": "x"}), "tags", "expected a sequence"),
            (json!({"type": "tag", "tags": ["x", 7]}), "tags", "invalid type: integer `7`"),
            (json!({"type": "tag", "tags": vec!["a".repeat(51)]}), "tags", "longer than 50 characters"),
            (json!({"type": "rename", "title": ""}), "title", "the text is empty"),
            (
                json!({"type": "instruct", "instructions": "x".repeat(4_001)}),
                "instructions",
                "4000 characters",
            ),
            (json!({"type": "instruct", "temperature": 2.1}), "temperature", "from 0 to 2"),
            (json!({"type": "instruct", "temperature": "warm"}), "temperature", "invalid type"),
        ] {
            let (named, said) = problem(&body);
            assert_eq!(named, field, "{body}");
            assert!(said.contains(detail), "{body}: {said}");
        }
    }

    #[test]
    fn a_long_value_is_quoted_in_part() {
        let (_, detail) = problem(&json!({"type": "rate", "answer_id": ID, "rating": "x".repeat(100_000)}));
        assert!(detail.len() < 300, "{detail}");
    }

    #[test]
    fn a_body_that_is_not_a_json_object_in_utf_8_is_malformed() {
        for body in [b"{".as_slice(), b"[]", b"{\"type\":\"\xff\"}"] {
            let problem = Command::parse(body).unwrap_err();
            assert!(format!("{problem:?}").contains("malformed-request"));
        }
    }

    #[test]
    fn each_command_of_the_schema_is_parsed() {
        let schema = serde_json::to_value(Command::schema()).unwrap();
        let commands = schema["oneOf"].as_array().unwrap();
        for command in commands {
            let tagged = command["allOf"].as_array().and_then(|parts| parts.last()).unwrap_or(command);
            let name = &tagged["properties"]["type"]["enum"][0];
            assert!(name.is_string(), "{command}");
            let body = json!({
                "type": name, "question_id": ID, "answer_id": ID, "text": "x", "rating": "up", "title": "x", "tags": [],
            });
            assert!(Command::parse(body.to_string().as_bytes()).is_ok(), "{name}");
        }
        assert_eq!(commands.len(), 13);
    }
}
