//! Every operation of the OpenAPI document, tried with what belongs to another person.
//!
//! The requests are made from the document. A parameter that [`Belongings`] does not know fails the test, so
//! that a new operation is tried as soon as it exists.

use std::io::{Cursor, Read as _};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::openapi::{Document, Operation};
use crate::support::person::{Answered, Person, read_until};
use crate::support::product::Product;
use crate::support::waiting::until;

/// A word in all texts of the owner.
const MARK: &str = "zanzibar";

/// A person's data, as values of parameters.
struct Belongings {
    user: String,
    conversation: Uuid,
    question: Uuid,
    answer: Uuid,
    document: Uuid,
    cursor: String,
    etag: String,
    event_id: String,
}

impl Belongings {
    async fn of(owner: &Person) -> Self {
        let (conversation, answer) = (Uuid::now_v7(), Uuid::now_v7());
        let question = owner.ask(conversation, &format!("Where is the {MARK} treasure?")).await;
        for command in [
            json!({"type": "regenerate", "question_id": question, "answer_id": answer}),
            json!({"type": "stop", "answer_id": answer}),
            json!({"type": "rename", "title": format!("{MARK} title")}),
            json!({"type": "tag", "tags": [MARK]}),
            json!({"type": "instruct", "instructions": format!("Speak of the {MARK} alone.")}),
        ] {
            assert_eq!(owner.command(conversation, &command).await.status, 202, "{command}");
        }
        let instruct = json!({"type": "instruct", "instructions": format!("Remember the {MARK}.")});
        assert_eq!(owner.post("/v1/me/commands", &instruct).await.status, 202);
        owner.ask(Uuid::now_v7(), &format!("Another {MARK} question")).await;
        let text = format!("The {MARK} text").into_bytes();
        let document = owner.upload("a.md", text, &[("title", &format!("{MARK} document"))]).await;
        assert_eq!(document.status, 202, "{document:?}");
        let whole = |list: &Value| list["items"].as_array().is_some_and(|items| items.len() == 2);
        owner.until_shown("/v1/conversations", whole).await;
        let list = owner.get("/v1/conversations?limit=1").await;
        let stream = format!("/v1/conversations/{conversation}/stream");
        let told = owner.listen(&stream, None, |event| !event.id.is_empty()).await;
        Self {
            user: owner.get("/v1/me").await.body["id"].as_str().unwrap().to_owned(),
            conversation,
            question,
            answer,
            document: document.body["document_id"].as_str().unwrap().parse().unwrap(),
            cursor: list.body["next_cursor"].as_str().unwrap().to_owned(),
            etag: list.headers["etag"].clone(),
            event_id: told.last().unwrap().id.clone(),
        }
    }

    /// The value of a parameter or property that names it; `None` if it cannot name anything of a person.
    fn value(&self, name: &str) -> Option<String> {
        let value = match name {
            "conversation_id" | "conversation" => self.conversation.to_string(),
            "question_id" | "branch" => self.question.to_string(),
            "answer_id" | "parent_id" => self.answer.to_string(),
            "document_id" | "documents" => self.document.to_string(),
            "user" | "user_id" => self.user.clone(),
            "role" => "auditor".to_owned(),
            "cursor" => self.cursor.clone(),
            "If-None-Match" => self.etag.clone(),
            "last_event_id" | "Last-Event-ID" => self.event_id.clone(),
            "tag" | "q" | "document_tags" => MARK.to_owned(),
            // The receipt of an erasure gives access to its progress, without an account.
            "receipt" => Uuid::now_v7().to_string(),
            "number" | "passage" => "0".to_owned(),
            "page" => "1".to_owned(),
            "rating" => "up".to_owned(),
            "email" => "stranger@example.org".to_owned(),
            "comment" | "title" | "text" | "instructions" => "stolen".to_owned(),
            "archived" | "pinned" | "from" | "to" | "limit" | "min_version" | "min_position" | "after"
            | "as_of" | "type" | "scope" | "If-Match" | "Idempotency-Key" | "tags" | "file" | "model"
            | "sort" | "width" | "temperature" => return None,
            unknown => {
                panic!("this test does not know what to send as {unknown}: add it to Belongings::value")
            }
        };
        Some(value)
    }

    /// Texts that no response to another person contains.
    fn marks(&self) -> Vec<String> {
        let ids = [self.conversation, self.question, self.answer, self.document].map(|id| id.to_string());
        ids.into_iter().chain([self.user.clone()]).collect()
    }
}

/// One request made from an operation.
struct Attempt {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    is_form: bool,
    names_belongings: bool,
}

fn attempts(document: &Document, operation: &Operation, belongings: &Belongings) -> Vec<Attempt> {
    let mut path = operation.path.clone();
    let (mut query, mut headers) = (Vec::new(), Vec::new());
    for parameter in &operation.parameters {
        let Some(value) = belongings.value(&parameter.name) else { continue };
        match parameter.place.as_str() {
            "path" => path = path.replace(&format!("{{{}}}", parameter.name), &value),
            "query" => query.push((parameter.name.clone(), value)),
            "header" => headers.push((parameter.name.clone(), value)),
            place => panic!("parameters in {place} are new"),
        }
    }
    assert!(!path.contains('{'), "this test cannot fill {path}");
    let attempt = |query: &[(String, String)], body: Option<Value>, is_form| {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Attempt {
            method: operation.method.clone(),
            path: if query.is_empty() { path.clone() } else { format!("{path}?{}", query.join("&")) },
            headers: headers.clone(),
            body,
            is_form,
            names_belongings: path != operation.path && !path.contains("/erasures/"),
        }
    };
    match &operation.body {
        None => {
            // Each parameter of the query alone, so that a refusal of one does not hide another.
            let alone = query.iter().map(|parameter| attempt(std::slice::from_ref(parameter), None, false));
            let all = [attempt(&[], None, false), attempt(&query, None, false)];
            all.into_iter().chain(alone).collect()
        }
        Some((media_type, schema)) if media_type == "application/json" => {
            let bodies = document.variants(schema).into_iter().map(|(tag, properties)| {
                let mut body = tag.map_or_else(|| json!({}), |tag| json!({"type": tag, "tags": []}));
                for property in properties {
                    let Some(value) = belongings.value(&property) else { continue };
                    body[&property] = if matches!(property.as_str(), "documents" | "document_tags") {
                        json!([value])
                    } else {
                        value.into()
                    };
                }
                Some(body)
            });
            bodies.map(|body| attempt(&query, body, false)).collect()
        }
        Some((media_type, schema)) if media_type == "multipart/form-data" => {
            let properties = schema["properties"].as_object().unwrap().keys();
            let fields = properties.filter_map(|name| Some((name.clone(), belongings.value(name)?.into())));
            vec![attempt(&query, Some(Value::Object(fields.collect())), true)]
        }
        Some((media_type, _)) => panic!("this test cannot send {media_type}"),
    }
}

async fn send(other: &Person, attempt: &Attempt) -> (Answered, String) {
    let response =
        other.send_attempt(&attempt.method, &attempt.path, &attempt.headers, |request| match &attempt.body {
            None => request,
            Some(body) if attempt.is_form => {
                let file = reqwest::multipart::Part::bytes(b"stolen".to_vec()).file_name("b.md");
                let form = reqwest::multipart::Form::new().part("file", file);
                let fields = body.as_object().unwrap().iter();
                request.multipart(fields.fold(form, |form, (name, value)| {
                    form.text(name.clone(), value.as_str().unwrap().to_owned())
                }))
            }
            Some(body) => request.json(body),
        });
    response.await
}

/// All texts in a ZIP archive.
fn unpacked(bytes: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut all = String::new();
    for index in 0..archive.len() {
        let mut text = Vec::new();
        archive.by_index(index).unwrap().read_to_end(&mut text).unwrap();
        all.push_str(&String::from_utf8_lossy(&text));
    }
    all
}

async fn assert_nothing_is_shown(other: &Person, operation: &Operation, attempt: &Attempt, marks: &[String]) {
    let what = format!("{} {} {:?}", attempt.method, attempt.path, attempt.body);
    let media_types: Vec<&str> = operation.media_types.iter().map(String::as_str).collect();
    let shown = match media_types.as_slice() {
        ["text/event-stream"] => {
            let (status, events) = follow(other, &attempt.path).await;
            assert!(status == 200 || status == 404 || status == 403, "{what}: {status}");
            assert!(!attempt.names_belongings || status == 404, "{what}: {status}");
            events
        }
        ["application/zip"] => unpacked(&other.download(&attempt.path).await.1),
        _ => {
            let (answered, text) = send(other, attempt).await;
            assert!(answered.status < 500, "{what}: {text}");
            if attempt.names_belongings {
                assert!(matches!(answered.status, 400 | 403 | 404 | 422), "{what}: {text}");
            }
            text
        }
    };
    for mark in marks {
        // A problem may quote the id that the request names.
        assert!(!shown.contains(mark), "{what} shows {mark}: {shown}");
    }
    assert!(!shown.contains(MARK), "{what} shows a text: {shown}");
}

/// Status of a stream, and its events until one about the listener's own new conversation.
async fn follow(other: &Person, path: &str) -> (u16, String) {
    let Some(response) = other.try_open(path).await else { return (0, String::new()) };
    let status = response.status().as_u16();
    if status != 200 {
        return (status, response.text().await.unwrap());
    }
    let own = Uuid::now_v7();
    other.ask(own, "mine").await;
    let told = read_until(response, |event| event.data.to_string().contains(&own.to_string())).await;
    let shown: Vec<_> = told.iter().map(|event| format!("{} {}", event.id, event.data)).collect();
    (status, shown.join("\n"))
}

#[tokio::test]
async fn no_operation_shows_or_changes_what_belongs_to_another_person() {
    let product = Product::start().await;
    let owner = Person::new(&product).await;
    let belongings = Belongings::of(&owner).await;
    until("the process is ready", async || (owner.get("/readyz").await.status == 200).then_some(())).await;
    let document = Document::new();
    let mut operations = document.operations();
    // Last, because it ends the account of the other person.
    operations.sort_by_key(|operation| operation.method == "DELETE" && !operation.path.contains('{'));
    let before = [
        owner.get(&format!("/v1/conversations/{}", belongings.conversation)).await.body,
        owner.get(&format!("/v1/documents/{}", belongings.document)).await.body,
    ];
    let mut tried = 0;
    for other in [Person::new(&product).await, Person::with_role(&product, "admin").await] {
        let is_admin = other.get("/v1/me").await.body["role"] == "admin";
        for operation in &operations {
            // Auditors and administrators do see the ledger of all people, and
            // administrators change accounts.
            let is_permitted =
                ["/v1/audit/", "/v1/accounts/"].iter().any(|path| operation.path.starts_with(path));
            if is_admin && is_permitted {
                continue;
            }
            for attempt in attempts(&document, operation, &belongings) {
                assert_nothing_is_shown(&other, operation, &attempt, &belongings.marks()).await;
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
    let after = [
        owner.get(&format!("/v1/conversations/{}", belongings.conversation)).await.body,
        owner.get(&format!("/v1/documents/{}", belongings.document)).await.body,
    ];
    assert_eq!(after, before);
    assert_eq!(owner.get("/v1/me").await.body["id"], json!(belongings.user));
}
