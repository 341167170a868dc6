//! The attack of a reader of the index who has a word list: hashes every word, and looks for the hashes in
//! the sparse vectors.

use std::collections::{BTreeSet, HashMap};

use qdrant_client::Qdrant;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector_output::Vector;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use qdrant_client::qdrant::{Condition, Filter, PointId, RetrievedPoint, ScrollPointsBuilder};
use rag::sparse::SparseVector;

/// Points read at once.
const PAGE: u32 = 256;

/// The index as its operator reads it.
pub(crate) fn client(qdrant_url: &str) -> Qdrant {
    Qdrant::from_url(qdrant_url).skip_compatibility_check().build().unwrap()
}

/// The points whose payload has a value under a key, with payload and vectors.
pub(crate) async fn points(index: &Qdrant, collection: &str, key: &str, value: &str) -> Vec<RetrievedPoint> {
    let (mut points, mut offset): (Vec<RetrievedPoint>, Option<PointId>) = (Vec::new(), None);
    loop {
        let mut request = ScrollPointsBuilder::new(collection)
            .filter(Filter::must([Condition::matches(key, value.to_owned())]))
            .limit(PAGE)
            .with_payload(true)
            .with_vectors(true);
        if let Some(offset) = offset.take() {
            request = request.offset(offset);
        }
        let page = index.scroll(request).await.unwrap();
        points.extend(page.result);
        match page.next_page_offset {
            Some(next) => offset = Some(next),
            None => return points,
        }
    }
}

/// The term ids of points.
pub(crate) fn term_ids(points: &[RetrievedPoint]) -> BTreeSet<u32> {
    points.iter().flat_map(term_ids_of).collect()
}

fn term_ids_of(point: &RetrievedPoint) -> Vec<u32> {
    match vector(point, "bm25") {
        Vector::Sparse(sparse) => sparse.indices,
        other => panic!("{other:?} is not sparse"),
    }
}

/// The dense vector of a point.
pub(crate) fn dense_vector(point: &RetrievedPoint) -> Vec<f32> {
    match vector(point, "dense") {
        Vector::Dense(dense) => dense.data,
        other => panic!("{other:?} is not dense"),
    }
}

fn vector(point: &RetrievedPoint, name: &str) -> Vector {
    let options = point.vectors.clone().and_then(|vectors| vectors.vectors_options);
    let Some(VectorsOptions::Vectors(mut named)) = options else { panic!("a point without vectors") };
    named.vectors.remove(name).expect("the vector exists").into_vector()
}

/// The words of a list whose hashes are among the term ids of points.
pub(crate) fn revealed<'a>(points: &[RetrievedPoint], words: &[&'a str]) -> BTreeSet<&'a str> {
    let hashes: HashMap<u32, &str> = words
        .iter()
        .flat_map(|word| SparseVector::of_query(word).indices.into_iter().map(|id| (id, *word)))
        .collect();
    term_ids(points).iter().filter_map(|id| hashes.get(id).copied()).collect()
}

/// A text in a point's payload.
pub(crate) fn payload_text(point: &RetrievedPoint, key: &str) -> Option<String> {
    match point.payload.get(key)?.kind.clone()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}
