//! Vectors: how requests carry them (in two generations of fields), whether they fit the collection, how answers
//! carry them.

use std::collections::HashMap;

use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::with_vectors_selector::SelectorOptions;
use qdrant_client::qdrant::{self as grpc, vector, vector_input, vector_output, vectors_output};
use qdrant_edge::{
    DEFAULT_VECTOR_NAME, EdgeConfig, OperationError, SparseVector, VectorInternal, VectorPersisted,
    VectorStructInternal, VectorStructPersisted, WithVector,
};

use crate::failure::Failure;

const MULTIVECTORS: Failure = Failure::NotOffered("a multivector");
const INFERENCE: Failure = Failure::NotOffered("inference");

/// The vectors of a point to store, once they are known to fit the collection.
pub(crate) fn to_store(
    vectors: Option<grpc::Vectors>,
    config: &EdgeConfig,
) -> Result<VectorStructPersisted, Failure> {
    let named = match vectors.and_then(|vectors| vectors.vectors_options) {
        None => return Err(Failure::Malformed("Expected some vectors".to_owned())),
        Some(VectorsOptions::Vector(single)) => HashMap::from([(DEFAULT_VECTOR_NAME.to_owned(), single)]),
        Some(VectorsOptions::Vectors(named)) => named.vectors,
    };
    let mut stored = HashMap::with_capacity(named.len());
    for (name, vector) in named {
        let vector = vector_internal(vector)?;
        check(&name, &vector, config)?;
        stored.insert(name, VectorPersisted::from(vector));
    }
    Ok(VectorStructPersisted::Named(stored))
}

/// Refuses a vector that the collection has no place for, as the server does.
pub(crate) fn check(name: &str, vector: &VectorInternal, config: &EdgeConfig) -> Result<(), Failure> {
    if let Some(params) = config.vectors.get(name) {
        return match vector {
            VectorInternal::Dense(values) if values.len() == params.size => Ok(()),
            VectorInternal::Dense(values) => Err(OperationError::WrongVectorDimension {
                expected_dim: params.size,
                received_dim: values.len(),
            }
            .into()),
            VectorInternal::Sparse(_) => Err(OperationError::WrongSparse.into()),
            VectorInternal::MultiDense(_) => Err(OperationError::WrongMulti.into()),
        };
    }
    if config.sparse_vectors.contains_key(name) {
        return match vector {
            VectorInternal::Sparse(_) => Ok(()),
            VectorInternal::Dense(_) | VectorInternal::MultiDense(_) => {
                Err(OperationError::WrongSparse.into())
            }
        };
    }
    Err(OperationError::VectorNameNotExists { received_name: name.to_owned() }.into())
}

#[expect(deprecated, reason = "clients before 1.16 fill the older fields")]
fn vector_internal(vector: grpc::Vector) -> Result<VectorInternal, Failure> {
    match vector.vector {
        Some(vector::Vector::Dense(dense)) => Ok(VectorInternal::Dense(dense.data)),
        Some(vector::Vector::Sparse(values)) => sparse(values.indices, values.values),
        Some(vector::Vector::MultiDense(_)) => Err(MULTIVECTORS),
        Some(vector::Vector::Document(_) | vector::Vector::Image(_) | vector::Vector::Object(_)) => {
            Err(INFERENCE)
        }
        None if vector.vectors_count.is_some() => Err(MULTIVECTORS),
        None => match vector.indices {
            Some(indices) => sparse(indices.data, vector.data),
            None => Ok(VectorInternal::Dense(vector.data)),
        },
    }
}

fn sparse(indices: Vec<u32>, values: Vec<f32>) -> Result<VectorInternal, Failure> {
    SparseVector::new(indices, values)
        .map(VectorInternal::Sparse)
        .map_err(|error| Failure::WrongInput(format!("invalid sparse vector: {}", error.to_string().trim())))
}

/// What a query compares with: a vector, or the vector of a stored point.
pub(crate) enum Target {
    /// This vector.
    Vector(VectorInternal),
    /// The vector of this point, which itself is left out of the results.
    Point(grpc::PointId),
}

/// Reads what a query compares with.
pub(crate) fn target(input: Option<grpc::VectorInput>) -> Result<Target, Failure> {
    match input.and_then(|input| input.variant) {
        Some(vector_input::Variant::Id(id)) => Ok(Target::Point(id)),
        Some(vector_input::Variant::Dense(dense)) => Ok(Target::Vector(VectorInternal::Dense(dense.data))),
        Some(vector_input::Variant::Sparse(values)) => {
            Ok(Target::Vector(sparse(values.indices, values.values)?))
        }
        Some(vector_input::Variant::MultiDense(_)) => Err(MULTIVECTORS),
        Some(
            vector_input::Variant::Document(_)
            | vector_input::Variant::Image(_)
            | vector_input::Variant::Object(_),
        ) => Err(INFERENCE),
        None => Err(Failure::Malformed("VectorInput variant is missing".to_owned())),
    }
}

/// Which vectors an answer carries; none when the request does not say.
pub(crate) fn with_vectors(selector: Option<grpc::WithVectorsSelector>) -> WithVector {
    match selector.and_then(|selector| selector.selector_options) {
        None => WithVector::Bool(false),
        Some(SelectorOptions::Enable(enable)) => WithVector::Bool(enable),
        Some(SelectorOptions::Include(include)) => WithVector::Selector(include.names),
    }
}

/// The vectors of an answer.
pub(crate) fn grpc_vectors(vectors: Option<VectorStructInternal>) -> Option<grpc::VectorsOutput> {
    let options = match vectors? {
        VectorStructInternal::Single(values) => {
            vectors_output::VectorsOptions::Vector(grpc_vector(VectorInternal::Dense(values)))
        }
        VectorStructInternal::MultiDense(values) => {
            vectors_output::VectorsOptions::Vector(grpc_vector(VectorInternal::MultiDense(values)))
        }
        VectorStructInternal::Named(named) => {
            let vectors = named.into_iter().map(|(name, vector)| (name, grpc_vector(vector))).collect();
            vectors_output::VectorsOptions::Vectors(grpc::NamedVectorsOutput { vectors })
        }
    };
    Some(grpc::VectorsOutput { vectors_options: Some(options) })
}

fn grpc_vector(vector: VectorInternal) -> grpc::VectorOutput {
    let vector = match vector {
        VectorInternal::Dense(data) => vector_output::Vector::Dense(grpc::DenseVector { data }),
        VectorInternal::Sparse(SparseVector { indices, values }) => {
            vector_output::Vector::Sparse(grpc::SparseVector { values, indices })
        }
        VectorInternal::MultiDense(many) => vector_output::Vector::MultiDense(grpc::MultiDenseVector {
            vectors: many
                .flattened_vectors
                .chunks(many.dim.max(1))
                .map(|data| grpc::DenseVector { data: data.to_vec() })
                .collect(),
        }),
    };
    grpc::VectorOutput { vector: Some(vector), ..Default::default() }
}
