//! Converts passages to payloads of Qdrant points and back.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use qdrant_client::Payload;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector_output::Vector;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use qdrant_client::qdrant::{PayloadIncludeSelector, ScoredPoint, Value};
use uuid::Uuid;

use super::{Candidate, DENSE, IndexError, PointPart};
use crate::embed;
use crate::vocabulary::{
    ContentVersion, DocumentId, PassageBody, PassageId, PassageText, Scope, SegmentVectors,
};

pub(super) const SCOPE: &str = "scope";
pub(super) const OWNER: &str = "owner";
pub(super) const DOCUMENT_ID: &str = "document_id";
pub(super) const ORDINAL: &str = "ordinal";
/// Existing collections store the content version under this key.
pub(super) const CONTENT_VERSION: &str = "generation";
pub(super) const SHARED: &str = "shared";
pub(super) const USER: &str = "user";
/// How the term ids of an owner's passage were made; missing in passages of earlier releases, whose ids are
/// those of shared passages.
pub(super) const TERMS: &str = "terms";
pub(super) const OWNER_TERMS: &str = "owner-1";
/// How the vectors of a passage's segments were made; missing in passages of earlier releases and of models
/// that make none.
pub(super) const SEGMENTS: &str = "segments";
pub(super) const SEGMENTS_IN_CONTEXT: &str = "in-context-1";
const TITLE: &str = "title";
const HEADING: &str = "heading";
const TEXT: &str = "text";
/// A passage's place, as JSON.
const PLACE: &str = "place";
/// The vectors of a passage's segments, in Base64.
const VECTORS: &str = "vectors";
const SEALED: &str = "sealed";

/// Builds the payload of a passage.
pub(super) fn of(id: PassageId, version: ContentVersion, scope: Scope, body: PassageBody) -> Payload {
    let mut payload = Payload::new();
    match scope {
        Scope::Shared => payload.insert(SCOPE, SHARED),
        Scope::User(owner) => {
            payload.insert(SCOPE, USER);
            payload.insert(OWNER, owner.to_string());
            payload.insert(TERMS, OWNER_TERMS);
        }
    }
    payload.insert(DOCUMENT_ID, id.document_id.to_string());
    payload.insert(ORDINAL, i64::from(id.ordinal));
    payload.insert(CONTENT_VERSION, version.0.cast_signed());
    match body {
        PassageBody::Open(passage) => {
            payload.insert(TITLE, passage.title);
            payload.insert(HEADING, passage.heading);
            payload.insert(TEXT, passage.text);
            if let Some(place) = passage.place.and_then(|place| serde_json::to_string(&place).ok()) {
                payload.insert(PLACE, place);
            }
            if !passage.vectors.is_empty() {
                payload.insert(VECTORS, passage.vectors.to_base64());
            }
        }
        PassageBody::Sealed(bytes) => payload.insert(SEALED, BASE64.encode(bytes)),
    }
    payload
}

/// Merges the points of both searches into one list of candidates, each once with both scores.
pub(super) fn candidates(
    question: &[f32],
    by_vector: Vec<ScoredPoint>,
    by_terms: Vec<ScoredPoint>,
) -> Result<Vec<Candidate>, IndexError> {
    let capacity = by_vector.len() + by_terms.len();
    let mut candidates: Vec<Candidate> = Vec::with_capacity(capacity);
    let mut positions: HashMap<(PassageId, ContentVersion), usize> = HashMap::with_capacity(capacity);
    let by_vector = by_vector.into_iter().map(|point| (point, 0.0));
    let by_terms = by_terms.into_iter().map(|point| {
        let bm25 = point.score;
        (point, bm25)
    });
    for (mut point, bm25) in by_vector.chain(by_terms) {
        let (id, version) = (id(&point.payload)?, content_version(&point.payload));
        if let Some(&position) = positions.get(&(id, version)) {
            candidates[position].bm25 = bm25;
            continue;
        }
        positions.insert((id, version), candidates.len());
        let vector = dense_vector(&mut point).ok_or(IndexError::InvalidPoint(PointPart::Vector))?;
        let cosine = embed::cosine(question, &vector);
        candidates.push(Candidate { id, version, vector, cosine, bm25 });
    }
    Ok(candidates)
}

fn dense_vector(point: &mut ScoredPoint) -> Option<Vec<f32>> {
    let VectorsOptions::Vectors(mut named) = point.vectors.take()?.vectors_options? else { return None };
    match named.vectors.remove(DENSE)?.into_vector() {
        Vector::Dense(vector) => Some(vector.data),
        Vector::Sparse(_) | Vector::MultiDense(_) => None,
    }
}

/// Selects the payload fields that [`id`] and [`content_version`] read.
pub(super) fn id_fields() -> PayloadIncludeSelector {
    let fields = [DOCUMENT_ID, ORDINAL, CONTENT_VERSION].map(str::to_owned);
    PayloadIncludeSelector { fields: fields.to_vec() }
}

/// Reads the id of a passage.
pub(super) fn id(payload: &HashMap<String, Value>) -> Result<PassageId, IndexError> {
    let document_id = text(payload.get(DOCUMENT_ID).cloned())
        .and_then(|id| Uuid::parse_str(&id).ok())
        .map(DocumentId::from)
        .ok_or(IndexError::InvalidPoint(PointPart::DocumentId))?;
    let ordinal = number(payload.get(ORDINAL)).and_then(|ordinal| u32::try_from(ordinal).ok());
    let ordinal = ordinal.ok_or(IndexError::InvalidPoint(PointPart::Ordinal))?;
    Ok(PassageId { document_id, ordinal })
}

/// Reads the content version. A point without one has version 0, which is never current.
pub(super) fn content_version(payload: &HashMap<String, Value>) -> ContentVersion {
    ContentVersion(number(payload.get(CONTENT_VERSION)).map_or(0, i64::unsigned_abs))
}

fn number(value: Option<&Value>) -> Option<i64> {
    match value?.kind.as_ref()? {
        Kind::IntegerValue(number) => Some(*number),
        _ => None,
    }
}

/// Reads the content of a passage.
pub(super) fn body(mut payload: HashMap<String, Value>) -> Result<PassageBody, IndexError> {
    if let Some(sealed) = text(payload.remove(SEALED)) {
        let sealed = BASE64.decode(sealed).map_err(|_| IndexError::InvalidPoint(PointPart::SealedBody))?;
        return Ok(PassageBody::Sealed(sealed));
    }
    Ok(PassageBody::Open(PassageText {
        title: text(payload.remove(TITLE)).unwrap_or_default(),
        heading: texts(payload.remove(HEADING)),
        text: text(payload.remove(TEXT)).ok_or(IndexError::InvalidPoint(PointPart::Text))?,
        place: text(payload.remove(PLACE)).and_then(|place| serde_json::from_str(&place).ok()),
        vectors: text(payload.remove(VECTORS)).map(SegmentVectors::from_base64).unwrap_or_default(),
    }))
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
    use crate::vocabulary::{OwnerId, Place};

    fn id() -> PassageId {
        PassageId { document_id: DocumentId::from(Uuid::from_u128(5)), ordinal: 9 }
    }

    fn written(scope: Scope, body: PassageBody) -> HashMap<String, Value> {
        of(id(), ContentVersion(3), scope, body).into()
    }

    #[test]
    fn a_payload_is_read_back_as_the_same_passage() {
        let mut vectors = SegmentVectors::default();
        vectors.insert("words", &[0.6, 0.8]);
        let open = PassageBody::Open(PassageText {
            title: "T".into(),
            heading: vec!["A".into(), "B".into()],
            text: "words".into(),
            place: Some(Place::Slide { number: 4 }),
            vectors,
        });
        let sealed = PassageBody::Sealed(vec![0, 255, 7]);
        for body in [open, sealed] {
            let owner = OwnerId::from(Uuid::from_u128(1));
            for scope in [Scope::Shared, Scope::User(owner)] {
                let payload = written(scope, body.clone());
                assert_eq!(super::id(&payload).unwrap(), id());
                assert_eq!(super::content_version(&payload), ContentVersion(3));
                assert_eq!(super::body(payload).unwrap(), body);
            }
        }
    }

    #[test]
    fn the_payload_of_a_sealed_passage_holds_no_plaintext() {
        let payload = written(Scope::Shared, PassageBody::Sealed(b"secret".to_vec()));
        assert!(!format!("{payload:?}").contains("secret"));
        assert!(!payload.contains_key(TITLE) && !payload.contains_key(TEXT));
    }

    #[test]
    fn a_point_without_the_fields_of_a_passage_is_an_error() {
        assert!(matches!(super::id(&HashMap::new()), Err(IndexError::InvalidPoint(_))));
        assert!(matches!(super::body(HashMap::new()), Err(IndexError::InvalidPoint(_))));
    }
}
