//! In place of the account service: signs tokens for the seeded users and serves the public key.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::population;

const KEY_ID: &str = "bench";
/// Lifetime of a token, longer than any run.
const LIFETIME: u64 = 6 * 3_600;

/// Signs tokens, and serves its public key until it is dropped.
#[derive(Debug)]
pub(crate) struct Accounts {
    header: Header,
    key: EncodingKey,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Serialize)]
struct Claims {
    sub: String,
    role: &'static str,
    sid: Uuid,
    email_verified: bool,
    iss: &'static str,
    aud: &'static str,
    iat: u64,
    exp: u64,
}

impl Accounts {
    /// Makes a key and serves it.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let pair = Ed25519KeyPair::generate().context("failed to make a key")?;
        let private = pair.to_pkcs8v1().context("failed to write the key")?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let document = serde_json::json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": KEY_ID, "x": public}]});
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(KEY_ID.to_owned());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(serve(listener, document.to_string()));
        Ok(Self { header, key: EncodingKey::from_ed_der(private.as_ref()), address, serving })
    }

    /// For `AUTH_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A token of a seeded user.
    pub(crate) fn token(&self, user: usize) -> anyhow::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = Claims {
            sub: population::user(user).to_string(),
            role: "user",
            sid: Uuid::new_v4(),
            email_verified: true,
            iss: "colloquy",
            aud: "colloquy",
            iat: now,
            exp: now + LIFETIME,
        };
        Ok(encode(&self.header, &claims, &self.key)?)
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, document: String) {
    while let Ok((stream, _)) = listener.accept().await {
        if let Err(error) = answer(stream, &document).await {
            eprintln!("the keys could not be served: {error}");
        }
    }
}

/// Answers every request with the public keys.
async fn answer(mut stream: TcpStream, document: &str) -> std::io::Result<()> {
    let mut request = vec![0; 8 << 10];
    let _ = stream.read(&mut request).await?;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        document.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(document.as_bytes()).await?;
    stream.shutdown().await
}
