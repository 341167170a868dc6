//! The parsers of requests as functions of bytes, for `fuzz/` and for the tests below.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::{CONTENT_TYPE, FORWARDED};
use axum::http::{HeaderMap, HeaderValue};
use sealing::MasterKey;

use super::client_address::{TrustedProxies, X_FORWARDED_FOR};
use super::cursor::Cursors;
use super::reads::params::is_value;
use super::routes::{commands, documents};
use super::{account_service, identity, stream};
use crate::audit::verify::verify;
use crate::{config, knowledge};

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

/// Reads the messages of NATS other than events: pieces of answers, announcements of the projector, and the
/// ids of messages.
///
/// # Panics
/// If an announcement is written in another way than it was read.
pub fn messages(bytes: &[u8]) {
    let _ = nats::LiveMessage::from_bytes(bytes).map(|message| message.label());
    if let Some(announced) = nats::Projected::from_bytes(bytes) {
        assert_eq!(announced.to_bytes(), bytes, "an announcement changes");
    }
    let mut headers = async_nats::HeaderMap::new();
    if let Ok(id) = String::from_utf8_lossy(bytes).parse::<async_nats::HeaderValue>() {
        headers.insert(async_nats::header::NATS_MESSAGE_ID, id);
        let _ = nats::position_in(&headers);
    }
}

/// Reads the headers of proxies, one of each kind a line, after which a trusted proxy appends its own.
///
/// # Panics
/// If a client hides the address that the proxy appends.
pub fn forwarded(bytes: &[u8]) {
    const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let proxies = TrustedProxies::new(&[PROXY.into()]);
    for (name, appended) in [(X_FORWARDED_FOR, "192.0.2.7"), (FORWARDED, "for=192.0.2.7;proto=https")] {
        let mut headers = HeaderMap::new();
        for value in bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok())
        {
            headers.append(&name, value);
        }
        headers.append(&name, HeaderValue::from_static(appended));
        assert_eq!(proxies.client(PROXY, &headers).address, CLIENT, "{headers:?}");
        assert_eq!(proxies.client(CLIENT, &headers).address, CLIENT, "{headers:?}");
    }
}

/// Reads a token of the account service, and its document of keys.
pub fn token(bytes: &[u8]) {
    identity::read_token(bytes);
}

/// Reads the value of a parameter, and a path of the account service.
///
/// # Panics
/// If a path of administrators that changes accounts is forwarded.
pub fn parameter(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = is_value(&text);
    let is_forwarded = account_service::is_forwarded(&text);
    assert!(!(is_forwarded && text.contains("admin/set")), "{text} is forwarded");
    let _ = projections::search::SearchQuery::parse(&text);
}

/// Reads a configuration file and a file of models.
pub fn settings(bytes: &[u8]) {
    config::read_files(&String::from_utf8_lossy(bytes));
}

/// Reads what the process that reads a file writes.
pub fn extraction(bytes: &[u8]) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    runtime.block_on(knowledge::extraction::read_frames(bytes));
}

/// Verifies an export.
///
/// # Panics
/// If the bytes are called an export with events: they are signed by nobody.
pub fn export(bytes: &[u8]) {
    if let Ok(verified) = verify(bytes, 0, None) {
        assert_eq!(verified.events, 0, "an export was forged");
    }
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
            "((for|proto|by)=\"?[0-9a-f.:\\[\\]\\\\]{0,12}\"?[;, \n]{0,2}){0,5}".prop_map(String::into_bytes),
            "([A-Z_\\[\\]a-z]{1,12} ?= ?['\"0-9a-z\\[\\],.:/-]{0,20}\n){0,4}".prop_map(String::into_bytes),
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
            messages(&bytes);
            forwarded(&bytes);
            token(&bytes);
            parameter(&bytes);
            settings(&bytes);
            extraction(&bytes);
            export(&bytes);
        }
    }
}
