//! A full disk: a clear error, no partial writes, no loss, and normal service once there is space.
//!
//! It takes a file system of its own, so it is shown where this runs as root and may mount one.

use std::path::Path;
use std::process::Command;

use colloquy::roles::Role;
use embedded::{DataDir, Parts, Postgres, WithModel};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::person::{Answered, Person};
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

/// A file system in memory that can be made smaller and larger.
struct Disk(TempDir);

impl Disk {
    /// None where this may not mount.
    fn mount(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={mebibytes}m,mode=755");
        let mounted = mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], folder.path());
        if !mounted {
            println!("not shown: a file system of its own takes root and the right to mount");
        }
        mounted.then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// As large as what is on it.
    fn fill(&self) {
        let asked = Command::new("df").args(["--output=used", "-k"]).arg(self.path()).output().unwrap();
        let told = String::from_utf8(asked.stdout).unwrap();
        let used: u64 = told.lines().last().unwrap().trim().parse().unwrap();
        assert!(mount(&["-o", &format!("remount,size={used}k")], self.path()));
    }

    fn empty(&self, mebibytes: u32) {
        assert!(mount(&["-o", &format!("remount,size={mebibytes}m")], self.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let mounting = Command::new("mount").args(arguments).arg(at).output();
    mounting.is_ok_and(|mounted| mounted.status.success())
}

async fn ask(person: &Person, conversation: Uuid, text: &str) -> Answered {
    let question = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": text});
    person.command(conversation, &question).await
}

fn is_there(page: &Value, text: &str) -> bool {
    page["items"][0]["text"] == text
}

#[tokio::test]
async fn with_a_full_disk_commands_are_refused_in_words_and_all_that_was_accepted_is_kept() {
    let Some(disk) = Disk::mount(1024) else { return };
    let data = DataDir::open(&disk.path().join("data")).unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let config = configuration(postgres.create_database("brim").await.unwrap());
    let product = Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let person = Person::new(&product).await;
    let text = "The tuba is full. ".repeat(1_500).trim().to_owned();
    let (mut accepted, mut refused) = (vec![], vec![]);
    let first = Uuid::now_v7();
    assert_eq!(ask(&person, first, &text).await.status, 202);
    accepted.push(first);

    disk.fill();
    while refused.len() < 3 {
        let conversation = Uuid::now_v7();
        let answered = ask(&person, conversation, &text).await;
        match answered.status {
            202 => accepted.push(conversation),
            503 => {
                assert_eq!(answered.body["detail"], "The store cannot be reached. Nothing was written.");
                assert!(answered.headers.contains_key("retry-after"), "{answered:?}");
                refused.push(conversation);
            }
            status => panic!("{status}: {answered:?}"),
        }
        assert!(accepted.len() < 1_000, "the disk does not fill");
    }
    assert!(postgres.log_tail(400).contains("No space left on device"), "{}", postgres.log_tail(20));

    disk.empty(1024);
    if !postgres.is_running() {
        postgres.start().await.unwrap();
    }
    let after = Uuid::now_v7();
    until("commands are accepted again", async || {
        (ask(&person, after, &text).await.status == 202).then_some(())
    })
    .await;
    accepted.push(after);
    for conversation in accepted {
        let path = format!("/v1/conversations/{conversation}/messages");
        person.until_shown(&path, |page| is_there(page, &text)).await;
    }
    for conversation in refused {
        let answered = person.get(&format!("/v1/conversations/{conversation}")).await;
        assert_eq!(answered.status, 404, "refused and yet written");
    }
    product.end().await;
}

#[tokio::test]
async fn on_a_full_disk_nothing_starts_and_the_error_names_the_folder_and_the_needed_space() {
    let Some(disk) = Disk::mount(64) else { return };
    let folder = disk.path().join("data");
    let told = DataDir::open(&folder).unwrap_err().to_string();
    assert!(told.contains(folder.to_str().unwrap()) && told.contains("512"), "{told}");
}
