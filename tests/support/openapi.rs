//! The operations of the OpenAPI document, to try all of them.

use serde_json::Value;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    /// Media type and schema of the body.
    pub(crate) body: Option<(String, Value)>,
    /// Media types of a successful response.
    pub(crate) media_types: Vec<String>,
}

/// A parameter of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// `path`, `query` or `header`.
    pub(crate) place: String,
}

/// The document of this build.
#[derive(Debug, Clone)]
pub(crate) struct Document(Value);

impl Document {
    pub(crate) fn new() -> Self {
        Self(serde_json::from_str(&colloquy::api::openapi()).unwrap())
    }

    /// All operations.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
        });
        operations.map(|(path, method, operation)| self.operation(path, method, operation)).collect()
    }

    fn operation(&self, path: &str, method: &str, operation: &Value) -> Operation {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let body = operation["requestBody"]["content"].as_object().map(|content| {
            let (media_type, content) = content.iter().next().unwrap();
            (media_type.clone(), self.resolved(&content["schema"]))
        });
        let responses = operation["responses"].as_object().unwrap();
        let successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
        Operation {
            method: method.to_uppercase(),
            path: path.to_owned(),
            parameters: parameters
                .iter()
                .map(|parameter| Parameter { name: text(&parameter["name"]), place: text(&parameter["in"]) })
                .collect(),
            body,
            media_types: successes
                .filter_map(|(_, response)| response["content"].as_object())
                .flat_map(|content| content.keys().cloned())
                .collect(),
        }
    }

    /// The schema that a reference names, or the schema itself.
    pub(crate) fn resolved(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            None => schema.clone(),
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        }
    }

    /// The variants of a schema, each with the names of its properties and the constant of its tag. A schema
    /// without variants is one without a tag.
    pub(crate) fn variants(&self, schema: &Value) -> Vec<(Option<String>, Vec<String>)> {
        let Some(variants) = schema["oneOf"].as_array() else {
            return vec![(None, schema["properties"].as_object().unwrap().keys().cloned().collect())];
        };
        variants
            .iter()
            .map(|variant| {
                let parts = variant["allOf"].as_array().cloned().unwrap_or_else(|| vec![variant.clone()]);
                let mut properties = serde_json::Map::new();
                for part in &parts {
                    properties.extend(self.resolved(part)["properties"].as_object().unwrap().clone());
                }
                let tag = properties.remove("type").unwrap()["enum"][0].as_str().unwrap().to_owned();
                (Some(tag), properties.keys().cloned().collect())
            })
            .collect()
    }
}
