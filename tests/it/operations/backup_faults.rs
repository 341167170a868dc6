//! What goes wrong with a backup has a name: an interruption, a damaged or missing part, another key.

use std::path::Path;
use std::process::Stdio;

use aggregates::UserId;
use colloquy::config::Config;
use colloquy::knowledge::files::Files;
use colloquy::roles::Role;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::backbone::{master_key, new_database};
use crate::support::backup_set::{BackupPlace, told_of_failure};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::served::run;

/// Another master key, as an operator writes it.
const ANOTHER: &str = "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b";

/// A migrated database with files of documents of some megabytes each.
async fn with_files(files: u32) -> Config {
    let config = configuration(new_database().await);
    store::migrate(&config.database_direct_url).await.unwrap();
    let store = Files::new(&config.knowledge.files).unwrap();
    let owner = UserId::new(Uuid::now_v7());
    let (key, _) = master_key().new_user_key(owner).unwrap();
    for number in 0..files {
        let mut upload = store.begin(owner).await.unwrap();
        upload.write(&number.to_le_bytes().repeat(3 << 18)).await.unwrap();
        let mut kept = upload.finish().await.unwrap();
        kept.become_document(owner, &key, Uuid::now_v7()).await.unwrap();
    }
    config
}

#[tokio::test]
async fn a_killed_creation_leaves_no_backup_and_its_parts_are_not_written_again() {
    let (config, place) = (with_files(6).await, BackupPlace::new());
    // A database that accepts the connection and says nothing: the files are copied by then.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut create = place.command(&config, &["create"]);
    create.env("DATABASE_DIRECT_URL", format!("postgres://nobody@{}/none", silent.local_addr().unwrap()));
    let mut killed = create.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _connection = silent.accept().await.unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    let parts = place.parts();
    assert!(parts.len() >= 2, "{parts:?}");
    let told = place.fail(&config, &["verify", "--parts-only"]).await;
    assert!(
        told.contains("has no complete backup") && told.contains(&format!("{} parts", parts.len())),
        "{told}"
    );

    let modified = |part: &std::path::PathBuf| part.metadata().unwrap().modified().unwrap();
    let before: Vec<_> = parts.iter().map(modified).collect();
    // A part that a loss of power cut off is written again.
    let (cut, kept) = parts.split_first().unwrap();
    std::fs::OpenOptions::new().write(true).open(cut).unwrap().set_len(100).unwrap();
    let told = place.run(&config, &["create"]).await;
    assert!(told.contains(&format!("{} were there already", kept.len())), "{told}");
    assert_eq!(kept.iter().map(modified).collect::<Vec<_>>(), before[1..]);
    let told = place.run(&config, &["verify", "--parts-only"]).await;
    assert!(told.contains("12 files"), "{told}");
}

#[tokio::test]
async fn of_pruned_backups_the_parts_go_that_no_other_backup_needs() {
    let (config, place) = (with_files(2).await, BackupPlace::new());
    let older = place.create(&config).await;
    let parts = place.parts();
    std::fs::remove_dir_all(config.knowledge.files.files_url.strip_prefix("file://").unwrap()).unwrap();
    let newer = place.create(&config).await;
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(72);
    for part in &parts {
        std::fs::File::options().write(true).open(part).unwrap().set_modified(long_ago).unwrap();
    }
    let told = place.run(&config, &["prune", "--keep", "1"]).await;
    assert!(told.contains(&format!("Backup {older} is deleted.")), "{told}");
    let left = place.parts();
    assert!(parts.iter().any(|part| !left.contains(part)) && parts.iter().any(|part| left.contains(part)));
    assert_eq!(place.run(&config, &["list"]).await.trim(), newer);
    place.run(&config, &["verify", "--parts-only"]).await;
}

fn flip(file: &Path, byte: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[byte] ^= 0x10;
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn a_flipped_byte_and_a_missing_part_are_found_and_named() {
    let (config, place) = (with_files(2).await, BackupPlace::new());
    let id = place.create(&config).await;
    let parts = place.parts();
    let largest = parts.iter().max_by_key(|part| part.metadata().unwrap().len()).unwrap();
    let smallest = parts.iter().min_by_key(|part| part.metadata().unwrap().len()).unwrap();
    let name = |part: &Path| part.file_name().unwrap().to_str().unwrap().to_owned();
    flip(largest, 1_000);
    std::fs::remove_file(smallest).unwrap();
    for arguments in [["verify"].as_slice(), &["verify", "--parts-only"]] {
        let told = place.fail(&config, arguments).await;
        let line =
            |part: &Path| told.lines().find(|line| line.contains(&name(part))).unwrap_or(&told).to_owned();
        assert!(
            line(largest).contains("is damaged; its content belongs to the files of documents"),
            "{told}"
        );
        assert!(line(smallest).contains("is missing"), "{told}");
        assert!(told.contains("is not whole: 2 problems"), "{told}");
    }

    let manifest = place.path().join("backups").join(&id).join("manifest");
    let size = usize::try_from(manifest.metadata().unwrap().len()).unwrap();
    flip(&manifest, size - 20);
    let told = place.fail(&config, &["verify"]).await;
    assert!(told.contains(&format!("the manifest of backup {id} is damaged")), "{told}");
    let told = place.fail(&config, &["restore", "--backup-id", "2000"]).await;
    assert!(told.contains("has no complete backup 2000"), "{told}");
}

#[tokio::test]
async fn keys_beside_a_backup_open_with_the_passphrase_alone_and_nothing_opens_without_the_master_key() {
    let (config, place) = (with_files(1).await, BackupPlace::new());
    let told = place.fail(&config, &["create", "--with-keys"]).await;
    assert!(told.contains("BACKUP_PASSPHRASE is not set"), "{told}");
    let mut create = place.command(&config, &["create", "--with-keys"]);
    let created = run({
        create.env("BACKUP_PASSPHRASE", "correct horse battery staple");
        create
    })
    .await;
    assert!(created.status.success(), "{created:?}");
    let mut another = place.command(&config, &["verify"]);
    another.env("MASTER_KEY", ANOTHER);
    let told = told_of_failure(&run(another).await);
    assert!(told.contains("is encrypted under master key") && !told.contains(ANOTHER), "{told}");

    let out = tempfile::tempdir().unwrap();
    let keys = |passphrase: &str| {
        let mut keys = place.command(&config, &["keys", "--out", out.path().to_str().unwrap()]);
        keys.env_remove("MASTER_KEY").env("BACKUP_PASSPHRASE", passphrase);
        run(keys)
    };
    let told = told_of_failure(&keys("battery").await);
    assert!(told.contains("does not open the keys of backup"), "{told}");
    let written = keys("correct horse battery staple").await;
    assert!(written.status.success(), "{written:?}");
    let mut verify = place.command(&config, &["verify", "--parts-only"]);
    verify.env_remove("MASTER_KEY").env("MASTER_KEY_FILE", out.path().join("master_key"));
    let verified = run(verify).await;
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn a_document_without_its_file_is_reported_and_does_not_keep_the_backup_from_being_made() {
    let product = Product::with(&[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (config, person, place) = (product.config.clone(), Person::new(&product).await, BackupPlace::new());
    let added = person.upload("harbour.md", b"# Harbour\n\nIt is in the east.".to_vec(), &[]).await;
    let document = added.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{document}"), |row| row["status"] == "added").await;
    product.end().await;
    let files = config.knowledge.files.files_url.strip_prefix("file://").unwrap();
    std::fs::remove_dir_all(files).unwrap();
    let created = run(place.command(&config, &["create"])).await;
    assert!(created.status.success(), "{created:?}");
    assert!(String::from_utf8_lossy(&created.stderr).contains(&document), "{created:?}");
    let told = place.fail(&config, &["verify"]).await;
    assert!(told.contains(&format!("document {document} has no file or no key")), "{told}");
}
