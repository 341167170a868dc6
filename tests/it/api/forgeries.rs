//! Tokens that an account service with our keys never issued for the API: all of them are refused.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::product::{Product, configuration};

/// An account service that has only keys, and signs whatever a test wants.
struct Issuer {
    pair: Ed25519KeyPair,
    url: String,
}

impl Issuer {
    async fn start() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let other = Ed25519KeyPair::generate().unwrap();
        let keys = json!({"keys": [
            jwk("ours", &pair, &json!({})),
            jwk("for encryption", &pair, &json!({"use": "enc"})),
            jwk("to derive", &pair, &json!({"key_ops": ["deriveBits"]})),
            jwk("another", &other, &json!({})),
        ]});
        let answer = get(async move || axum::Json(keys.clone()));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Router::new().route("/api/auth/jwks", answer);
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { pair, url }
    }

    async fn product(&self) -> Product {
        let mut config = configuration(new_database().await);
        config.api.auth_url.clone_from(&self.url);
        Product::on(config, &[Role::Api]).await
    }

    /// A token whose header and claims differ from those of a valid one; `null` removes an entry.
    fn token(&self, header: &Value, claims: &Value) -> String {
        let now = now();
        let (sub, sid) = (Uuid::now_v7(), Uuid::now_v7());
        let valid = json!({"sub": sub, "sid": sid, "iss": "colloquy", "aud": "colloquy", "role": "user",
            "iat": now, "exp": now + 900});
        let header = changed(json!({"alg": "EdDSA", "kid": "ours", "typ": "JWT"}), header);
        self.sign(&header, &changed(valid, claims).to_string())
    }

    fn sign(&self, header: &Value, claims: &str) -> String {
        let [header, claims] =
            [header.to_string(), claims.to_owned()].map(|part| URL_SAFE_NO_PAD.encode(part));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

fn jwk(id: &str, pair: &Ed25519KeyPair, more: &Value) -> Value {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    changed(json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": id, "x": x}), more)
}

fn changed(mut object: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn status(product: &Product, token: &str) -> u16 {
    let request = reqwest::Client::new().get(format!("{}/v1/me", product.url)).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_signed_token_of_the_account_service_is_accepted() {
    let issuer = Issuer::start().await;
    let product = issuer.product().await;
    let none = json!({});
    let now = now();
    let accepted = [
        (none.clone(), none.clone()),
        (json!({"typ": null}), none.clone()),
        (json!({"typ": "at+jwt"}), none.clone()),
        (none.clone(), json!({"aud": ["elsewhere", "colloquy"]})),
        (none.clone(), json!({"nbf": now})),
    ];
    for (header, claims) in accepted {
        assert_eq!(status(&product, &issuer.token(&header, &claims)).await, 200, "{header} {claims}");
    }
}

#[tokio::test]
async fn a_signed_token_with_an_odd_header_is_refused() {
    let issuer = Issuer::start().await;
    let product = issuer.product().await;
    let none = json!({});
    let headers = [
        json!({"crit": ["exp"]}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": []}),
        json!({"crit": 1}),
        json!({"typ": "secevent+jwt"}),
        json!({"typ": "dpop+jwt"}),
        json!({"typ": ""}),
        json!({"typ": 1}),
        json!({"kid": null}),
        json!({"kid": "unknown"}),
        json!({"kid": "another"}),
        json!({"kid": "for encryption"}),
        json!({"kid": "to derive"}),
        json!({"kid": 1}),
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS256"}),
        json!({"alg": null}),
    ];
    for header in headers {
        assert_eq!(status(&product, &issuer.token(&header, &none)).await, 401, "{header}");
    }
}

#[tokio::test]
async fn a_signed_token_with_an_odd_claim_is_refused() {
    let issuer = Issuer::start().await;
    let product = issuer.product().await;
    let none = json!({});
    let now = now();
    let claims = [
        json!({"nbf": now + 3_600}),
        json!({"nbf": 9_223_372_036_854_775_808_u64}),
        json!({"nbf": "soon"}),
        json!({"nbf": now.to_string()}),
        json!({"nbf": -1}),
        json!({"iat": now + 3_600}),
        json!({"iat": "now"}),
        json!({"iat": null}),
        json!({"exp": now}),
        json!({"exp": now - 3}),
        json!({"exp": 0}),
        json!({"exp": "never"}),
        json!({"exp": null}),
        json!({"exp": 1e300}),
        json!({"iss": "elsewhere"}),
        json!({"iss": ["colloquy"]}),
        json!({"iss": ["elsewhere", "colloquy"]}),
        json!({"iss": {"colloquy": true}}),
        json!({"iss": "colloquy "}),
        json!({"iss": null}),
        json!({"aud": "elsewhere"}),
        json!({"aud": []}),
        json!({"aud": {"colloquy": true}}),
        json!({"aud": null}),
        json!({"sub": "admin"}),
        json!({"sub": Uuid::nil()}),
        json!({"sub": [Uuid::now_v7()]}),
        json!({"sub": null}),
        json!({"sid": "none"}),
        json!({"sid": null}),
        json!({"role": ["admin"]}),
    ];
    for claims in claims {
        assert_eq!(status(&product, &issuer.token(&none, &claims)).await, 401, "{claims}");
    }
}

#[tokio::test]
async fn null_claims_and_repeated_ones_are_refused() {
    let issuer = Issuer::start().await;
    let product = issuer.product().await;
    let header = json!({"alg": "EdDSA", "kid": "ours"});
    let now = now();
    let claims = |more: &str| {
        let (sub, sid) = (Uuid::now_v7(), Uuid::now_v7());
        format!(
            "{{\"sub\":\"{sub}\",\"sid\":\"{sid}\",\"iss\":\"colloquy\",\"aud\":\"colloquy\",\"iat\":{now},\
             \"exp\":{}{more}}}",
            now + 900
        )
    };
    assert_eq!(status(&product, &issuer.sign(&header, &claims(""))).await, 200);
    for more in [",\"nbf\":null", ",\"exp\":9999999999", ",\"iss\":\"colloquy\"", ",\"role\":1"] {
        assert_eq!(status(&product, &issuer.sign(&header, &claims(more))).await, 401, "{more}");
    }
    let critical = json!({"alg": "EdDSA", "kid": "ours", "crit": null});
    assert_eq!(status(&product, &issuer.sign(&critical, &claims(""))).await, 401);
}

#[tokio::test]
async fn a_token_that_was_accepted_is_refused_in_the_second_in_which_it_expires() {
    let issuer = Issuer::start().await;
    let product = issuer.product().await;
    let (token, expires) = loop {
        let expires = now() + 3;
        let token = issuer.token(&json!({}), &json!({"exp": expires}));
        // On a slow machine it expires before it arrives.
        if status(&product, &token).await == 200 {
            break (token, expires);
        }
        assert!(now() >= expires, "a valid token was refused");
    };
    let mut refused_at = None;
    while refused_at.is_none() {
        let sent = now();
        match status(&product, &token).await {
            200 => assert!(sent < expires, "accepted from the cache after it expired"),
            401 => refused_at = Some(now()),
            status => panic!("{status}"),
        }
    }
    assert!(refused_at >= Some(expires), "refused before it expired");
    assert_eq!(status(&product, &token).await, 401);
}

#[tokio::test]
async fn parts_of_two_tokens_cannot_be_exchanged() {
    let issuer = Issuer::start().await;
    let product = issuer.product().await;
    let (one, two) =
        (issuer.token(&json!({}), &json!({})), issuer.token(&json!({}), &json!({"role": "admin"})));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (one, two) = (parts(&one), parts(&two));
    for forged in [
        [&one[0], &two[1], &one[2]],
        [&one[0], &one[1], &two[2]],
        [&one[0], &one[1], &String::new()],
        [&one[0], &String::new(), &one[2]],
        [&String::new(), &one[1], &one[2]],
    ] {
        let forged = forged.map(String::as_str).join(".");
        assert_eq!(status(&product, &forged).await, 401, "{forged}");
    }

    assert_eq!(status(&product, &one.join(".")).await, 200);
}
