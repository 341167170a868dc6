//! Configuration of backups. Their place is an argument of the commands.

use clap::Args;
use secrecy::SecretString;

use super::FilesConfig;
use super::secret::{BACKUP_ACCESS_KEY_ID, BACKUP_PASSPHRASE, BACKUP_SECRET_ACCESS_KEY, SecretVariable};
use super::values::base_url;

/// Configuration of the commands that work with backups.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Backups")]
pub struct BackupConfig {
    /// Region of the S3 bucket of backups, if it is another one than `AWS_REGION`.
    #[arg(long, env = "BACKUP_REGION")]
    pub backup_region: Option<String>,
    /// Address of the S3-compatible service of backups, if it is another one than `AWS_ENDPOINT_URL`.
    #[arg(long, env = "BACKUP_ENDPOINT_URL", value_parser = base_url)]
    pub backup_endpoint_url: Option<String>,
    /// Access key of the S3 bucket.
    #[arg(skip = BACKUP_ACCESS_KEY_ID.optional()?)]
    pub backup_access_key_id: Option<SecretString>,
    /// Secret of the access key.
    #[arg(skip = BACKUP_SECRET_ACCESS_KEY.optional()?)]
    pub backup_secret_access_key: Option<SecretString>,
    /// Passphrase of the keys beside a backup.
    #[arg(skip = BACKUP_PASSPHRASE.optional()?)]
    pub backup_passphrase: Option<SecretString>,
}

impl BackupConfig {
    /// Secrets of this part.
    pub(crate) const SECRETS: &[&SecretVariable] =
        &[&BACKUP_ACCESS_KEY_ID, &BACKUP_SECRET_ACCESS_KEY, &BACKUP_PASSPHRASE];

    /// The place of backups at an address. What is not set is that of the documents' files.
    pub fn place(&self, address: &str, files: &FilesConfig) -> FilesConfig {
        let has_credentials = self.backup_access_key_id.is_some();
        let or = |own: &Option<SecretString>, other: &Option<SecretString>| {
            if has_credentials { own.clone() } else { other.clone() }
        };
        FilesConfig {
            files_url: address.to_owned(),
            aws_region: self.backup_region.clone().or_else(|| files.aws_region.clone()),
            aws_endpoint_url: self.backup_endpoint_url.clone().or_else(|| files.aws_endpoint_url.clone()),
            aws_access_key_id: or(&self.backup_access_key_id, &files.aws_access_key_id),
            aws_secret_access_key: or(&self.backup_secret_access_key, &files.aws_secret_access_key),
        }
    }
}
