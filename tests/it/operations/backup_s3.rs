//! Backups in a bucket, against a server that speaks S3. Part of `make test-release`, which
//! provides the server.

use std::process::{Child, Command, Stdio};

use colloquy::config::Config;
use colloquy::roles::Role;
use tempfile::TempDir;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::support::backup_set::{backup_command, elsewhere, told_of_failure};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::served::run;
use crate::support::service;
use crate::support::waiting::until;

const PLACE: &str = "s3://vault/of/colloquy";
const SECRET: &str = "wJalrXUtnFEMI";

/// A server with the bucket `vault`.
struct S3 {
    port: u16,
    folder: TempDir,
    child: Child,
}

impl S3 {
    async fn start() -> Self {
        let (port, folder) = (embedded::free_port().unwrap().port(), tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.path().join("vault")).unwrap();
        let child = Self::server(port, &folder);
        until("the server listens", async || TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
        Self { port, folder, child }
    }

    fn server(port: u16, folder: &TempDir) -> Child {
        let mut server = Command::new(service("COLLOQUY_TEST_S3_SERVER"));
        server.args(["--host", "127.0.0.1", "--access-key", "someone", "--secret-key", SECRET, "--port"]);
        server.arg(port.to_string()).arg(folder.path());
        server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn start_again(&mut self) {
        self.child = Self::server(self.port, &self.folder);
        until("the server listens", async || TcpStream::connect(("127.0.0.1", self.port)).await.ok()).await;
    }

    fn command(&self, config: &Config, arguments: &[&str]) -> Command {
        let mut command = backup_command(config, PLACE, arguments);
        command.env("BACKUP_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port));
        command.env("BACKUP_ACCESS_KEY_ID", "someone").env("BACKUP_SECRET_ACCESS_KEY", SECRET);
        command
    }

    async fn run(&self, config: &Config, arguments: &[&str]) -> String {
        let output = run(self.command(config, arguments)).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
#[ignore = "needs a server of S3: `make test-release`"]
async fn a_backup_in_a_bucket_is_created_verified_and_restored_and_an_absent_bucket_is_named() {
    let mut s3 = S3::start().await;
    let product = Product::with(&[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (config, person, conversation) =
        (product.config.clone(), Person::new(&product).await, Uuid::now_v7());
    person.ask(conversation, "Where is the harbour?").await;
    let book = "It is in the east, beyond the lighthouse. ".repeat(250_000);
    let added = person.upload("harbour.md", book.into_bytes(), &[]).await;
    assert!(added.status < 300, "{added:?}");
    product.end().await;

    s3.run(&config, &["create"]).await;
    let again = s3.run(&config, &["create"]).await;
    assert!(!again.contains(" 0 were there already"), "{again}");
    let told = s3.run(&config, &["verify"]).await;
    assert!(told.contains("is whole") && told.contains("2 files"), "{told}");
    assert_eq!(s3.run(&config, &["list"]).await.lines().count(), 2);

    s3.stop();
    let told = told_of_failure(&s3.command(&config, &["create"]).output().unwrap());
    assert!(told.contains(&format!("backups at {PLACE} cannot be reached")), "{told}");
    assert!(!told.contains(SECRET), "{told}");
    s3.start_again().await;

    let mut wrong = s3.command(&config, &["list"]);
    wrong.env("BACKUP_SECRET_ACCESS_KEY", "another");
    let told = told_of_failure(&run(wrong).await);
    assert!(told.contains("cannot be reached"), "{told}");

    let mut restored = elsewhere(&config).await;
    restored.app.nats_prefix = format!("t{}", Uuid::now_v7().simple());
    let told = s3.run(&restored, &["restore"]).await;
    assert!(told.contains("with 2 files"), "{told}");
    let product = Product::on(restored, &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    let person = person.at(&product);
    person.until_shown(&messages, |page| page.to_string().contains("Where is the harbour?")).await;
    product.end().await;
}
