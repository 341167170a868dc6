//! NATS as hosted services run it: accounts and users are JWTs, and users have credentials files.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// The keys of an operator with one account.
pub(crate) struct HostedNats {
    operator: KeyPair,
    system: KeyPair,
    account: KeyPair,
}

impl HostedNats {
    pub(crate) fn new() -> Self {
        Self {
            operator: KeyPair::new_operator(),
            system: KeyPair::new_account(),
            account: KeyPair::new_account(),
        }
    }

    /// The same operator with another account in place of its account.
    pub(crate) fn with_new_account(self) -> Self {
        Self { account: KeyPair::new_account(), ..self }
    }

    /// The configuration of a server of the operator, whose account has to limit the bytes of each stream.
    pub(crate) fn server(&self) -> String {
        let operator = &self.operator;
        let id = operator.public_key();
        let operator_jwt = jwt(operator, &id, &json!({"type": "operator", "version": 2}));
        let [system, account] = [&self.system, &self.account].map(|account| {
            let of_account = json!({"type": "account", "version": 2, "limits": {
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
                "conn": -1, "leaf": -1, "mem_storage": 1_000_000_000, "disk_storage": 10_000_000_000_i64,
                "streams": -1, "consumer": -1, "max_bytes_required": true,
            }});
            (account.public_key(), of_account)
        });
        // The system account must not have JetStream.
        let of_system = json!({"type": "account", "version": 2, "limits": {
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
            "leaf": -1,
        }});
        format!(
            "operator: {operator_jwt}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}, {}: {} }}\n\
             jetstream {{ max_memory_store: 2GB, max_file_store: 20GB }}\n",
            system.0,
            system.0,
            jwt(operator, &system.0, &of_system),
            account.0,
            jwt(operator, &account.0, &account.1),
        )
    }

    /// The credentials file of a new user of the account.
    pub(crate) fn credentials(&self) -> String {
        let user = KeyPair::new_user();
        let claims = json!({"type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1});
        format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            jwt(&self.account, &user.public_key(), &claims),
            user.seed().unwrap()
        )
    }
}

fn jwt(issuer: &KeyPair, subject: &str, claims: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let body = json!({
        "jti": subject, "iat": 1_700_000_000, "iss": issuer.public_key(), "name": subject, "sub": subject,
        "nats": claims,
    });
    let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(body.to_string()));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64.encode(signature))
}
