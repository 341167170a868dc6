//! `GET /v1/models`: the language models that a question can be answered with.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::identity::Caller;
use crate::api::models::ModelChoices;

/// The language models, the default one first. Without one, answers are quotations.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Models {
    /// One item for each model.
    items: Vec<Model>,
}

/// A language model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LanguageModel)]
pub(in crate::api) struct Model {
    /// Name that commands choose the model by.
    name: String,
    /// Whether the model answers where none was chosen.
    is_default: bool,
    /// Size of the context in tokens.
    context: u32,
    /// Price of a million tokens of prompts; 0 where none is configured.
    prompt_price: f64,
    /// Price of a million tokens of answers; 0 where none is configured.
    completion_price: f64,
}

/// List the language models
#[utoipa::path(get, path = "/v1/models", operation_id = "list_models", tag = "Queries",
    responses((status = 200, body = Models)), security(("bearer" = [])))]
pub(in crate::api) async fn list(State(choices): State<ModelChoices>, _: Caller) -> Json<Models> {
    let items = choices.all().enumerate().map(|(number, model)| Model {
        name: model.chat.name.clone(),
        is_default: number == 0,
        context: model.chat.context_tokens,
        prompt_price: model.prompt_price,
        completion_price: model.completion_price,
    });
    Json(Models { items: items.collect() })
}
