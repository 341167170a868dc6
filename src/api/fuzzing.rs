//! The parsers of requests as functions of bytes, for `fuzz/` and for the tests below.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use sealing::MasterKey;

use super::cursor::Cursors;
use super::routes::{commands, documents};
use super::stream;

/// Reads the cursor of a page. No text is a cursor that the service did not make.
///
/// # Panics
/// If the text is accepted.
pub fn cursor(bytes: &[u8]) {
    let Ok(key) = MasterKey::parse(&"2a".repeat(32).into()) else { return };
    let text = String::from_utf8_lossy(bytes);
    assert!(Cursors::new(&key).decode::<serde_json::Value>("fuzz", &text).is_err());
}

/// Reads the id of a stream's event.
pub fn last_event_id(bytes: &[u8]) {
    let _ = stream::is_event_id(&String::from_utf8_lossy(bytes));
}

/// Reads a command.
pub fn command(bytes: &[u8]) {
    let _ = commands::is_command(bytes);
}

/// Reads the form of a document, whose parts are separated by `--b`.
pub fn upload_form(bytes: &[u8]) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    runtime.block_on(async {
        let body = Body::from(bytes.to_vec());
        let request = Request::builder().header(CONTENT_TYPE, "multipart/form-data; boundary=b").body(body);
        let Ok(request) = request else { return };
        if let Ok(form) = Multipart::from_request(request, &()).await {
            documents::read_fields(form).await;
        }
    });
}

/// Reads an event from JetStream.
pub fn envelope(bytes: &[u8]) {
    let _ = nats::Envelope::read(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes of any kind, and texts that are nearly right.
    fn input() -> impl Strategy<Value = Vec<u8>> {
        let form = "(--b\r\n[Cc]ontent-[Dd]isposition: form-data; name=\"(file|title|scope|x)\"(; filename=\"[a-z.\\\\/]{0,9}\")?\r\n\r\n[a-z\r\n-]{0,30}\r\n){0,4}(--b--)?";
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "[0-9.~:a-f-]{0,120}".prop_map(String::into_bytes),
            "\\{(\"(type|text|question_id|title|tags)\": ?(\"[a-z0-9-]{0,40}\"|[0-9]{1,3}|null|\\[\\]),?){0,5}\\}".prop_map(String::into_bytes),
            form.prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_parser_panics(bytes in input()) {
            cursor(&bytes);
            last_event_id(&bytes);
            command(&bytes);
            upload_form(&bytes);
            envelope(&bytes);
        }
    }
}
