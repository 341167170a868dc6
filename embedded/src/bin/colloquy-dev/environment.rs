//! The environment variables that commands and the product get: where each service is.

use std::path::Path;

use embedded::{DataDir, Llama, Parts, Services};

/// Names and values, to be added to the environment of a process.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// The value of an environment variable that somebody has set to something.
pub(crate) fn configured(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What tests find the shared services by.
///
/// `DATABASE_URL` is not among it: sqlx would check queries against that empty database while it compiles.
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

/// What the product finds the services by; what is configured stays as it is.
pub(crate) fn for_product(services: &Services, parts: &Parts) -> Variables {
    let mut variables: Variables = vec![("DATABASE_URL", services.database_url.clone())];
    if services.postgres.is_some() {
        // One that is configured belongs to another database.
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
    vec![("EMBEDDING_MODEL_DIR", text(&parts.embedding_model)), ("ORT_DYLIB_PATH", text(&parts.onnxruntime))]
}
