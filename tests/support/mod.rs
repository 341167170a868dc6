//! Support for end-to-end tests: a product per test on the services of the run, with its own
//! database and subjects.

pub(crate) mod accounts;
pub(crate) mod answering;
pub(crate) mod backbone;
pub(crate) mod backup;
pub(crate) mod backup_set;
pub(crate) mod containers;
pub(crate) mod dictionary;
pub(crate) mod embedding_server;
pub(crate) mod erasing;
pub(crate) mod files;
pub(crate) mod hostile;
pub(crate) mod link;
pub(crate) mod model_server;
pub(crate) mod nats_operator;
pub(crate) mod openapi;
pub(crate) mod person;
pub(crate) mod poison;
pub(crate) mod pooler;
pub(crate) mod product;
pub(crate) mod raw;
pub(crate) mod served;
pub(crate) mod tls;
pub(crate) mod told;
pub(crate) mod waiting;

/// The value of a variable that `colloquy-dev services` sets for the run.
pub(crate) fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run the tests by `make test`, or see docs/development.md")
    })
}

/// A folder of one's own for documents' files, in the run's data: it goes when the run's services end.
pub(crate) fn files_url() -> String {
    format!("file://{}/files/{}", service("COLLOQUY_TEST_DATA"), uuid::Uuid::now_v7().simple())
}
