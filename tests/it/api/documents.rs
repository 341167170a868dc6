//! Documents: found by their owner alone, shown passage by passage, and gone once removed.

use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::files::{each_kind, pdf};
use crate::support::person::Person;
use crate::support::product::Product;

const ROLES: [Role; 4] = Role::ALL;

async fn settled(person: &Person, id: &str) -> Value {
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] != "added").await
}

async fn added(person: &Person, name: &str, bytes: Vec<u8>) -> Value {
    let answered = person.upload(name, bytes, &[]).await;
    assert_eq!(answered.status, 202, "{answered:?}");
    assert_eq!(answered.body["events"], json!(["DocumentAdded"]));
    settled(person, answered.body["document_id"].as_str().unwrap()).await
}

#[tokio::test]
async fn each_kind_of_file_can_be_opened_at_its_passages() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    let says = "The quokka keeps its umbrella in the lighthouse.";
    for (name, bytes, media_type) in each_kind(says) {
        let row = added(&person, name, bytes).await;
        assert_eq!((&row["status"], &row["media_type"]), (&"indexed".into(), &media_type.into()), "{row}");
        let id = row["id"].as_str().unwrap();
        let passage = person.get(&format!("/v1/documents/{id}/passages/0")).await;
        assert!(passage.body["text"].as_str().unwrap().contains("umbrella in the lighthouse"), "{passage:?}");
        assert_eq!(person.get(&format!("/v1/documents/{id}/passages/99")).await.status, 404);
    }
    let listed = person.get("/v1/documents?limit=3").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 3);
    let cursor = listed.body["next_cursor"].as_str().unwrap();
    let rest = person.get(&format!("/v1/documents?limit=3&cursor={cursor}")).await;
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_unreadable_file_is_rejected_with_a_reason() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    let program = person.upload("a.md", b"\x7fELF\x02\x01\x01\0\0\0\0".to_vec(), &[]).await;
    assert_eq!(program.status, 415, "{program:?}");
    let broken = added(&person, "a.pdf", b"%PDF-1.7\nnothing".to_vec()).await;
    assert_eq!(broken["status"], "rejected");
    assert!(broken["reason"].as_str().unwrap().contains("damaged"), "{broken}");
    let empty = added(&person, "b.pdf", pdf("")).await;
    assert!(empty["reason"].as_str().unwrap().contains("no text"), "{empty}");
    let large = person.upload("a.txt", vec![b'a'; (50 << 20) + 1], &[]).await;
    assert_eq!(large.status, 413, "{large:?}");
    let shared = person.upload("a.txt", b"Everybody.".to_vec(), &[("scope", "shared")]).await;
    assert_eq!(shared.status, 403, "{shared:?}");
}

#[tokio::test]
async fn a_document_is_its_owners_alone_has_versions_and_is_gone_once_removed() {
    let product = Product::with(&ROLES).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let id = Uuid::now_v7().to_string();
    let fields = [("document_id", id.as_str()), ("title", "Secrets")];
    let first = person.upload("a.txt", b"The first zanzibarium.".to_vec(), &fields).await;
    assert_eq!((first.status, &first.body["version"]), (202, &1.into()), "{first:?}");
    assert_eq!(settled(&person, &id).await["title"], "Secrets");
    let again = person.upload("a.txt", b"The first zanzibarium.".to_vec(), &[]).await;
    assert_eq!(
        (&again.body["document_id"], &again.body["events"]),
        (&id.as_str().into(), &Value::Array(vec![]))
    );
    let path = format!("/v1/documents/{id}");
    for hidden in [path.clone(), format!("{path}/passages/0")] {
        assert_eq!(other.get(&hidden).await.status, 404);
    }
    assert_eq!(other.request("DELETE", &path).await.status, 404);
    assert_eq!(other.upload("a.txt", b"Mine now.".to_vec(), &fields).await.status, 404);

    person.upload("a.txt", b"The second zanzibarium.".to_vec(), &fields).await;
    let shown = person.until_shown(&path, |row| row["version"].as_u64() >= Some(4)).await;
    assert_eq!(shown["status"], "indexed");
    let passage = person.get(&format!("{path}/passages/0")).await;
    assert_eq!(passage.body["text"], "The second zanzibarium.");

    let folder = product.config.knowledge.files.files_url.strip_prefix("file://").unwrap().to_owned();
    assert!(files_below(&folder).iter().all(|bytes| !contains(bytes, b"zanzibarium")));
    assert!(!files_below(&folder).is_empty());
    assert_eq!(person.request("DELETE", &path).await.status, 202);
    crate::support::waiting::until("the files are gone", async || {
        files_below(&folder).is_empty().then_some(())
    })
    .await;
    assert_eq!(person.get(&path).await.status, 404);
    assert_eq!(person.get(&format!("{path}/passages/0")).await.status, 404);
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// The files of documents. Tombstones of erased users lie beside them.
fn files_below(folder: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.ends_with("tombstones") {
            continue;
        }
        if path.is_dir() {
            found.extend(files_below(&path.display().to_string()));
        } else {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn a_sorted_list_shows_each_change_at_once() {
    let product = Product::with(&[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let titles = async |person: &Person, query: &str| {
        let page = person.get(&format!("/v1/documents?sort=title{query}")).await;
        let items = page.body["items"].as_array().unwrap().clone();
        items.iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut ids = vec![];
    for name in ["Lot 10.txt", "Öl.txt", "lot 9.txt"] {
        let added = person.upload(name, name.into(), &[]).await;
        ids.push(added.body["document_id"].as_str().unwrap().to_owned());
        titles(&person, "").await;
    }
    assert_eq!(titles(&person, "").await, ["lot 9", "Lot 10", "Öl"]);
    let tag = json!({"type": "tag", "tags": ["Fähre"]});
    let tagged = person.post(&format!("/v1/documents/{}/commands", ids[1]), &tag).await;
    assert_eq!(tagged.status, 202, "{tagged:?}");
    assert_eq!(titles(&person, "&q=ol%20fahre").await, ["Öl"]);
    assert_eq!(titles(&person, "&tag=f%C3%A4hre").await, ["Öl"]);
    assert_eq!(titles(&other, "").await, Vec::<String>::new());
    person.request("DELETE", &format!("/v1/documents/{}", ids[0])).await;
    assert_eq!(titles(&person, "").await, ["lot 9", "Öl"]);
    product.end().await;
}
