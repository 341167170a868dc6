//! An erasure completes whichever store was away and wherever its process died meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use colloquy::config::Config;
use colloquy::knowledge::files::Files;
use colloquy::knowledge::models;
use colloquy::roles::eraser::Eraser;
use store::{AccountsDatabase, AccountsSchema};

use crate::support::backbone::connect_nats;
use crate::support::erasing::{
    STORES, WITHOUT_WORKER, eraser, events_of, id_of, pool, recorded, request, rows_of, with_a_question,
};
use crate::support::person::Person;
use crate::support::product::Product;

/// A store that an eraser cannot reach.
#[derive(Debug, Clone, Copy)]
enum Away {
    Qdrant,
    Nats,
    Files,
    Accounts,
}

impl Away {
    const ALL: [Self; 4] = [Self::Qdrant, Self::Nats, Self::Files, Self::Accounts];

    /// An eraser of the same product without that store.
    async fn without(self, config: &Config) -> Eraser {
        let eraser = eraser(config).await;
        let nowhere = format!("127.0.0.1:{}", embedded::free_port().unwrap().port());
        match self {
            Self::Qdrant => {
                let mut qdrant = config.knowledge.qdrant.clone();
                qdrant.qdrant_url = format!("http://{nowhere}");
                Eraser { collections: models::collections(&qdrant).unwrap(), ..eraser }
            }
            Self::Nats => {
                let nats = connect_nats(format!("nats://{nowhere}")).await;
                Eraser { nats, ..eraser }
            }
            Self::Files => {
                // A folder with a file in its place cannot be listed.
                let mut files = config.knowledge.files.clone();
                let folder = PathBuf::from(files.files_url.strip_prefix("file://").unwrap()).join("blocked");
                files.files_url = format!("file://{}", folder.display());
                let blocked = Files::new(&files).unwrap();
                std::fs::remove_dir_all(&folder).unwrap();
                std::fs::write(&folder, b"").unwrap();
                Eraser { files: blocked, ..eraser }
            }
            Self::Accounts => {
                let url = format!("postgres://nobody@{nowhere}/auth");
                let schema = AccountsSchema::default();
                Eraser { accounts: AccountsDatabase::connect(&url.into(), &schema, 1).unwrap(), ..eraser }
            }
        }
    }
}

#[tokio::test]
async fn an_erasure_completes_whichever_store_was_away_and_wherever_its_process_died() {
    let product = Product::with(&WITHOUT_WORKER).await;
    let watcher = Person::new(&product).await;
    let pool = pool(&product);
    for away in Away::ALL {
        let (person, conversation) = with_a_question(&product).await;
        let owner = id_of(&person).await;
        let receipt = request(&person).await;
        let broken = away.without(&product.config).await;
        // Each round starts an attempt without the store and cancels it at another moment; the last one ends.
        for moment in [3, 15, 40, 90] {
            let _ = tokio::time::timeout(Duration::from_millis(moment), broken.erase_unfinished()).await;
        }
        assert!(broken.erase_unfinished().await.is_err(), "{away:?} is away");
        assert!(broken.store.is_key_destroyed(owner).await.unwrap(), "the keys are gone without {away:?}");
        let state = watcher.get(&receipt).await.body;
        assert!(
            state["finished_at"].is_null() && recorded(&state).contains("read_models"),
            "{away:?}: {state}"
        );

        for moment in [2, 10, 30] {
            let whole = eraser(&product.config).await;
            let _ = tokio::time::timeout(Duration::from_millis(moment), whole.erase_unfinished()).await;
        }
        eraser(&product.config).await.erase_unfinished().await.unwrap();
        let state = watcher.get(&receipt).await.body;
        assert!(!state["finished_at"].is_null(), "{away:?}: {state}");
        let stores = state["stores"].as_array().unwrap();
        assert_eq!((recorded(&state), stores.len()), (STORES.into(), STORES.len()), "each once: {state}");
        assert_eq!(rows_of(&pool, conversation).await, 0);
        assert_eq!(events_of(&pool, conversation, "AnswerStopped").await, 1, "its answer ended once");
    }
    product.end().await;
}
