//! Parameters as they are sent: without `null`, and with the headers that all operations of a kind read.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr, Required};

use super::operations;

/// The form of an upload, whose fields are texts.
const FORM: &str = "DocumentForm";
const EVENT_STREAM: &str = "text/event-stream";

/// Describes the headers of conditional requests and of resumed streams, and takes `null` out of parameters
/// and form fields, which can be left out but have no value for it.
pub(super) struct Parameters;

impl Modify for Parameters {
    fn modify(&self, document: &mut OpenApi) {
        for (_, operation) in operations(document) {
            if operation.responses.responses.contains_key("304") {
                add(operation, "If-None-Match", "The `ETag` of the representation that the client has");
            }
            if is_event_stream(operation) {
                add(operation, "Last-Event-ID", "Id of the last event received");
            }
            let schemas = operation.parameters.iter_mut().flatten();
            for parameter in schemas {
                if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
                    without_null(schema);
                }
            }
        }
        let components = document.components.get_or_insert_default();
        if let Some(RefOr::T(Schema::Object(form))) = components.schemas.get_mut(FORM) {
            form.properties.values_mut().for_each(without_null);
        }
    }
}

fn add(operation: &mut Operation, name: &str, description: &str) {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let parameter: Parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

fn is_event_stream(operation: &Operation) -> bool {
    let success = operation.responses.responses.get("200");
    matches!(success, Some(RefOr::T(response)) if response.content.contains_key(EVENT_STREAM))
}

fn without_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &object.schema_type
                && let [one, Type::Null] | [Type::Null, one] = types.as_slice()
            {
                object.schema_type = SchemaType::Type(one.clone());
            }
        }
        RefOr::T(Schema::OneOf(one_of)) => {
            one_of.items.retain(|item| !is_null(item));
            if let [only] = one_of.items.as_slice() {
                *schema = only.clone();
            }
        }
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
