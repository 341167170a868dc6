//! What stands beside a passage's vectors in Qdrant, written and read back.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use qdrant_client::Payload;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector_output::Vector;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use qdrant_client::qdrant::{PayloadIncludeSelector, ScoredPoint, Value};
use uuid::Uuid;

use super::{Candidate, DENSE, IndexError};
use crate::embed;
use crate::vocabulary::{ContentVersion, DocumentId, PassageBody, PassageId, PassageText, Scope};

pub(super) const SCOPE: &str = "scope";
pub(super) const OWNER: &str = "owner";
pub(super) const DOCUMENT_ID: &str = "document_id";
pub(super) const ORDINAL: &str = "ordinal";
pub(super) const GENERATION: &str = "generation";
pub(super) const SHARED: &str = "shared";
pub(super) const USER: &str = "user";
const TITLE: &str = "title";
const HEADING: &str = "heading";
const TEXT: &str = "text";
const SEALED: &str = "sealed";

/// The payload of a passage.
pub(super) fn of(id: PassageId, version: ContentVersion, scope: Scope, body: PassageBody) -> Payload {
    let mut payload = Payload::new();
    match scope {
        Scope::Shared => payload.insert(SCOPE, SHARED),
        Scope::User(owner) => {
            payload.insert(SCOPE, USER);
            payload.insert(OWNER, owner.to_string());
        }
    }
    payload.insert(DOCUMENT_ID, id.document_id.to_string());
    payload.insert(ORDINAL, i64::from(id.ordinal));
    payload.insert(GENERATION, version.0.cast_signed());
    match body {
        PassageBody::Open(passage) => {
            payload.insert(TITLE, passage.title);
            payload.insert(HEADING, passage.heading);
            payload.insert(TEXT, passage.text);
        }
        PassageBody::Sealed(bytes) => payload.insert(SEALED, BASE64.encode(bytes)),
    }
    payload
}

/// The points found by vector and by terms as one list, each once, with both scores.
pub(super) fn candidates(
    question: &[f32],
    near: Vec<ScoredPoint>,
    worded: Vec<ScoredPoint>,
) -> Result<Vec<Candidate>, IndexError> {
    let mut found: Vec<Candidate> = Vec::with_capacity(near.len() + worded.len());
    let mut places: HashMap<(PassageId, ContentVersion), usize> =
        HashMap::with_capacity(near.len() + worded.len());
    let by_vector = near.into_iter().map(|point| (point, 0.0));
    let by_terms = worded.into_iter().map(|point| {
        let bm25 = point.score;
        (point, bm25)
    });
    for (mut point, bm25) in by_vector.chain(by_terms) {
        let (passage, version) = (id(&point.payload)?, generation(&point.payload));
        if let Some(&at) = places.get(&(passage, version)) {
            found[at].bm25 = bm25;
            continue;
        }
        places.insert((passage, version), found.len());
        let vector = dense(&mut point).ok_or(IndexError::Unreadable("its vector"))?;
        let cosine = embed::cosine(question, &vector);
        let body = body(point.payload)?;
        found.push(Candidate { id: passage, version, body, vector, cosine, bm25 });
    }
    Ok(found)
}

fn dense(point: &mut ScoredPoint) -> Option<Vec<f32>> {
    let VectorsOptions::Vectors(mut named) = point.vectors.take()?.vectors_options? else { return None };
    match named.vectors.remove(DENSE)?.into_vector() {
        Vector::Dense(vector) => Some(vector.data),
        Vector::Sparse(_) | Vector::MultiDense(_) => None,
    }
}

/// Asks for no more of the payload than [`id`] needs.
pub(super) fn place() -> PayloadIncludeSelector {
    PayloadIncludeSelector { fields: vec![DOCUMENT_ID.to_owned(), ORDINAL.to_owned()] }
}

/// Which passage it is.
pub(super) fn id(payload: &HashMap<String, Value>) -> Result<PassageId, IndexError> {
    let document_id = text(payload.get(DOCUMENT_ID).cloned())
        .and_then(|id| Uuid::parse_str(&id).ok())
        .map(DocumentId::from)
        .ok_or(IndexError::Unreadable("its document"))?;
    let ordinal = number(payload.get(ORDINAL)).and_then(|ordinal| u32::try_from(ordinal).ok());
    let ordinal = ordinal.ok_or(IndexError::Unreadable("its ordinal"))?;
    Ok(PassageId { document_id, ordinal })
}

/// Of which version it is; of none that counts where that is not written down.
fn generation(payload: &HashMap<String, Value>) -> ContentVersion {
    ContentVersion(number(payload.get(GENERATION)).map_or(0, i64::unsigned_abs))
}

fn number(value: Option<&Value>) -> Option<i64> {
    match value?.kind.as_ref()? {
        Kind::IntegerValue(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn body(mut payload: HashMap<String, Value>) -> Result<PassageBody, IndexError> {
    Ok(match text(payload.remove(SEALED)) {
        Some(sealed) => {
            PassageBody::Sealed(BASE64.decode(sealed).map_err(|_| IndexError::Unreadable("its sealed body"))?)
        }
        None => PassageBody::Open(PassageText {
            title: text(payload.remove(TITLE)).unwrap_or_default(),
            heading: texts(payload.remove(HEADING)),
            text: text(payload.remove(TEXT)).ok_or(IndexError::Unreadable("its text"))?,
        }),
    })
}

fn text(value: Option<Value>) -> Option<String> {
    match value?.kind? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

fn texts(value: Option<Value>) -> Vec<String> {
    match value.and_then(|value| value.kind) {
        Some(Kind::ListValue(list)) => {
            list.values.into_iter().filter_map(|value| text(Some(value))).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> PassageId {
        PassageId { document_id: DocumentId::from(Uuid::from_u128(5)), ordinal: 9 }
    }

    fn written(scope: Scope, body: PassageBody) -> HashMap<String, Value> {
        of(id(), ContentVersion(3), scope, body).into()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let open = PassageBody::Open(PassageText {
            title: "T".into(),
            heading: vec!["A".into(), "B".into()],
            text: "words".into(),
        });
        let sealed = PassageBody::Sealed(vec![0, 255, 7]);
        for body in [open, sealed] {
            let owner = crate::vocabulary::OwnerId::from(Uuid::from_u128(1));
            for scope in [Scope::Shared, Scope::User(owner)] {
                let payload = written(scope, body.clone());
                assert_eq!(super::id(&payload).unwrap(), id());
                assert_eq!(super::generation(&payload), ContentVersion(3));
                assert_eq!(super::body(payload).unwrap(), body);
            }
        }
    }

    #[test]
    fn a_sealed_passage_shows_no_word() {
        let payload = written(Scope::Shared, PassageBody::Sealed(b"secret".to_vec()));
        assert!(!format!("{payload:?}").contains("secret"));
        assert!(!payload.contains_key(TITLE) && !payload.contains_key(TEXT));
    }

    #[test]
    fn a_foreign_point_is_refused() {
        assert!(matches!(super::id(&HashMap::new()), Err(IndexError::Unreadable(_))));
        assert!(matches!(super::body(HashMap::new()), Err(IndexError::Unreadable(_))));
    }
}
