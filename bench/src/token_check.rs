//! Cost of checking a token, in this process and on one core.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use colloquy::api::identity::TokenCheck as Check;
use colloquy::config::{ApiConfig, ConnectionLimits, LimitsConfig};
use secrecy::SecretString;

use crate::accounts::Accounts;

const TOKENS: usize = 2_000;
const ROUNDS: usize = 200;

/// The time of one check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenCheck {
    pub(crate) first: Duration,
    pub(crate) again: Duration,
}

/// Measures both.
pub(crate) async fn measure(accounts: &Accounts) -> anyhow::Result<TokenCheck> {
    let check = Check::connect(&ApiConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: "http://localhost".parse()?,
        trusted_proxies: vec![],
        web_dir: None,
        database_connections: 1,
        auth_url: accounts.url(),
        auth_issuer: "colloquy".to_owned(),
        auth_audience: "colloquy".to_owned(),
        cors_origins: vec![],
        limits: LimitsConfig::default(),
        connections: ConnectionLimits::default(),
    })
    .await?;
    let tokens: Vec<SecretString> =
        (0..TOKENS).map(|user| Ok(accounts.token(user)?.into())).collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    for token in &tokens {
        ensure!(check.accepts(token).await, "a token was refused");
    }
    let first = began.elapsed();
    let began = Instant::now();
    for _ in 0..ROUNDS {
        for token in &tokens {
            ensure!(check.accepts(token).await, "a token was refused");
        }
    }
    let again = began.elapsed();
    Ok(TokenCheck { first: first.div_f64(TOKENS as f64), again: again.div_f64((TOKENS * ROUNDS) as f64) })
}
