//! Qdrant with an API key and TLS: wrong ones are problems in words, in the readiness of the service.

use colloquy::config::QdrantConfig;
use colloquy::knowledge::models;
use colloquy::roles::Role;
use embedded::{DataDir, Parts, Protection, Qdrant, WithModel};
use rag::index::IndexError;

use crate::support::backbone::new_database;
use crate::support::product::{Product, configuration};
use crate::support::tls::Certificates;
use crate::support::waiting::until;

#[tokio::test]
async fn the_api_key_and_the_authority_have_to_be_right_and_the_readiness_says_if_not() {
    let certificates = Certificates::new();
    let protection = Protection {
        api_key: Some("r1ght-key".to_owned()),
        tls: Some((certificates.certificate(), certificates.key())),
    };
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let qdrant = Qdrant::protected(&parts, &data, &protection).await.unwrap();
    let right = QdrantConfig {
        qdrant_api_key: Some("r1ght-key".into()),
        qdrant_ca: Some(certificates.authority()),
        ..QdrantConfig::new(qdrant.url(), "passages")
    };
    models::collections(&right).unwrap().active_index().check().await.unwrap();
    let wrong_key = QdrantConfig { qdrant_api_key: Some("wr0ng-key".into()), ..right.clone() };
    let no_key = QdrantConfig { qdrant_api_key: None, ..right.clone() };
    for config in [&wrong_key, &no_key] {
        let refused = models::collections(config).unwrap().active_index().check().await.unwrap_err();
        assert!(matches!(refused, IndexError::Unauthenticated(_)), "{refused}");
    }
    let no_authority = QdrantConfig { qdrant_ca: None, ..right.clone() };
    let refused = models::collections(&no_authority).unwrap().active_index().check().await.unwrap_err();
    assert!(matches!(refused, IndexError::Certificate(_)), "{refused:?}");

    for (qdrant, status, problem) in
        [(right, "ok", None), (wrong_key, "degraded", Some("refuses the API key"))]
    {
        let mut config = configuration(new_database().await);
        config.knowledge.qdrant = qdrant;
        let product = Product::on(config, &[Role::Api]).await;
        let problems = until("the readiness is right", async || {
            let (_, ready) = product.readiness().await;
            let qdrant = &ready["dependencies"]["qdrant"];
            (qdrant["status"] == status).then(|| qdrant.to_string())
        })
        .await;
        assert!(problem.is_none_or(|problem| problems.contains(problem)), "{problems}");
        assert!(!problems.contains("-key"), "{problems}");
    }
}
