//! The events that a stream tells a client.

use futures::StreamExt as _;
use serde_json::Value;

/// An event of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: Value,
}

/// Reads an open stream until the condition holds; returns all events.
pub(crate) async fn read_until(response: reqwest::Response, enough: impl Fn(&Told) -> bool) -> Vec<Told> {
    let mut bytes = response.bytes_stream();
    let (mut buffer, mut told) = (Vec::new(), Vec::new());
    let reading = async {
        while let Some(Ok(chunk)) = bytes.next().await {
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = buffer.drain(..end + 2).collect();
                if let Some(event) = read(&String::from_utf8(block).unwrap()) {
                    let done = enough(&event);
                    told.push(event);
                    if done {
                        return;
                    }
                }
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), reading)
        .await
        .expect("the stream ended without the expected event");
    told
}

fn read(block: &str) -> Option<Told> {
    let field = |name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    Some(Told {
        id: field("id:").unwrap_or_default(),
        event: field("event:")?,
        data: serde_json::from_str(&field("data:")?).unwrap(),
    })
}
