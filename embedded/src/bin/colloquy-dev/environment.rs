//! The environment variables by which commands and the product find the services.

use std::path::Path;

use embedded::{DataDir, Llama, Parts, Services};

/// Names and values to add to the environment of a process.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// The value of an environment variable; `None` if it is unset or empty.
pub(crate) fn configured(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables by which tests find the shared services.
///
/// `DATABASE_URL` is not among them: with it, sqlx would check queries against an empty database.
pub(crate) fn for_tests(services: &Services, parts: &Parts, data: &DataDir, public_url: &str) -> Variables {
    let mut variables = model_files(parts);
    variables.push(("COLLOQUY_TEST_DATA", text(data.path())));
    variables.push(("COLLOQUY_TEST_POSTGRES_URL", services.database_url.clone()));
    if let Some(postgres) = &services.postgres {
        variables.push(("COLLOQUY_TEST_POSTGRES_SUPERUSER_URL", postgres.superuser_url("postgres")));
    }
    if let Some(nats) = &services.nats {
        variables.push(("COLLOQUY_TEST_NATS_URL", nats.url()));
    }
    if let Some(qdrant) = &services.qdrant {
        variables.push(("COLLOQUY_TEST_QDRANT_URL", qdrant.url()));
    }
    if let Some(auth) = &services.auth {
        variables.push(("COLLOQUY_TEST_AUTH_URL", auth.url()));
        variables.push(("COLLOQUY_TEST_AUTH_DATABASE_URL", services.database_url.clone()));
        variables.push(("COLLOQUY_TEST_PUBLIC_URL", public_url.to_owned()));
    }
    if let Some(llama) = &services.llama {
        variables.push(("COLLOQUY_TEST_MODEL_URL", llama.url()));
        variables.push(("COLLOQUY_TEST_MODEL_NAME", Llama::MODEL.to_owned()));
    }
    variables
}

/// The variables by which the product finds the services. Configured variables keep their values.
pub(crate) fn for_product(services: &Services, parts: &Parts) -> Variables {
    let mut variables: Variables = vec![("DATABASE_URL", services.database_url.clone())];
    if services.postgres.is_some() {
        // A configured direct URL belongs to another database.
        variables.push(("DATABASE_DIRECT_URL", services.database_url.clone()));
    }
    variables.extend(services.nats.as_ref().map(|nats| ("NATS_URL", nats.url())));
    variables.extend(services.qdrant.as_ref().map(|qdrant| ("QDRANT_URL", qdrant.url())));
    variables.extend(services.auth.as_ref().map(|auth| ("AUTH_URL", auth.url())));
    if let Some(llama) = &services.llama {
        variables.push(("MODEL_URL", llama.url()));
        variables.push(("MODEL_NAME", Llama::MODEL.to_owned()));
        variables.push(("MODEL_CONTEXT", Llama::CONTEXT.to_string()));
    }
    variables.extend(model_files(parts).into_iter().filter(|(name, _)| configured(name).is_none()));
    variables
}

pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn model_files(parts: &Parts) -> Variables {
    vec![
        ("EMBEDDING_MODEL_DIR", text(&parts.embedding_model)),
        ("ORT_DYLIB_PATH", text(&parts.onnxruntime)),
        ("PDFIUM_LIBRARY", text(&parts.pdfium)),
    ]
}
