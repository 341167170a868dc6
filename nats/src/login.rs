//! The login at NATS: from the URL, from the seed of an NKey, or from a credentials file.
//!
//! Files are read for each connection, so that a replaced file counts without a restart.

use std::io;
use std::path::{Path, PathBuf};

use async_nats::{Auth, AuthError, ServerAddr};
use nkeys::KeyPair;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// A login cannot be used. The texts contain nothing secret.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// More than one login is configured.
    #[error("NATS_URL, NATS_CREDS and NATS_NKEY hold more than one login")]
    Several,
    /// A file cannot be read.
    #[error("{} cannot be read", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A file holds no seed of a user's NKey.
    #[error("{} holds no seed of a user's NKey, which begins with SU", .0.display())]
    Seed(PathBuf),
    /// A file is not a credentials file.
    #[error("{} is not a credentials file with a user's JWT and the seed of its NKey", .0.display())]
    Credentials(PathBuf),
}

/// The proof of identity that a connection presents.
#[derive(Debug, Clone, Default)]
pub(crate) enum Login {
    /// No login.
    #[default]
    None,
    /// User and password.
    User(String, SecretString),
    /// A token.
    Token(SecretString),
    /// The file with the seed of an NKey.
    Nkey(PathBuf),
    /// The credentials file.
    Credentials(PathBuf),
    /// The file with the URLs, which hold a user and a password, or a token.
    Urls(PathBuf),
}

impl Login {
    /// The login of the files; without them, that of the URLs, which must agree. Where the URLs come from a
    /// file, their login is read from there for each connection.
    pub(crate) fn new(
        urls: Vec<Self>,
        urls_file: Option<&Path>,
        nkey: Option<&Path>,
        credentials: Option<&Path>,
    ) -> Result<Self, LoginError> {
        let mut urls = urls.into_iter().filter(|login| !matches!(login, Self::None));
        let of_url = urls.next();
        let others = urls.any(|other| of_url.as_ref().is_some_and(|first| !first.is_same(&other)));
        match (of_url, nkey, credentials) {
            (Some(login), None, None) if !others => {
                Ok(urls_file.map_or(login, |file| Self::Urls(file.to_owned())))
            }
            (None, None, None) => Ok(Self::None),
            (None, Some(nkey), None) => Ok(Self::Nkey(nkey.to_owned())),
            (None, None, Some(file)) => Ok(Self::Credentials(file.to_owned())),
            _ => Err(LoginError::Several),
        }
    }

    /// The login that a URL holds: a user and a password, or a token.
    pub(crate) fn of_url(server: &ServerAddr) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        match (server.username(), server.password()) {
            (Some(user), Some(password)) => Self::User(decoded(user), decoded(password).into()),
            (Some(token), None) => Self::Token(decoded(token).into()),
            (None, _) => Self::None,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::User(user, password), Self::User(other, theirs)) => {
                user == other && password.expose_secret() == theirs.expose_secret()
            }
            (Self::Token(token), Self::Token(other)) => token.expose_secret() == other.expose_secret(),
            _ => false,
        }
    }

    /// Answers the challenge of a server.
    pub(crate) async fn prove(self, nonce: Vec<u8>) -> Result<Auth, AuthError> {
        let proving = tokio::task::spawn_blocking(move || self.proof(&nonce));
        match proving.await {
            Ok(Ok(auth)) => Ok(auth),
            Ok(Err(error)) => Err(AuthError::new(with_source(&error))),
            Err(_) => Err(AuthError::new("the login was not read")),
        }
    }

    /// Reads the files of the login, to fail at the start of the process.
    pub(crate) fn check(&self) -> Result<(), LoginError> {
        self.proof(b"").map(drop)
    }

    fn proof(&self, nonce: &[u8]) -> Result<Auth, LoginError> {
        let mut auth = Auth::new();
        match self {
            Self::None => {}
            Self::Urls(file) => {
                let text = read(file)?;
                let servers = text.split(',').filter_map(|url| url.trim().parse().ok());
                let logins = servers.map(|server| Self::of_url(&server)).collect();
                return Self::new(logins, None, None, None)?.proof(nonce);
            }
            Self::User(user, password) => {
                auth.username = Some(user.clone());
                auth.password = Some(password.expose_secret().to_owned());
            }
            Self::Token(token) => auth.token = Some(token.expose_secret().to_owned()),
            Self::Nkey(file) => {
                let text = read(file)?;
                let seed = text.lines().map(str::trim).find(|line| line.starts_with("SU"));
                let key = seed.and_then(|seed| KeyPair::from_seed(seed).ok());
                let key = key.ok_or_else(|| LoginError::Seed(file.clone()))?;
                auth.nkey = Some(key.public_key());
                auth.signature = Some(key.sign(nonce).map_err(|_| LoginError::Seed(file.clone()))?);
            }
            Self::Credentials(file) => {
                let text = read(file)?;
                let invalid = || LoginError::Credentials(file.clone());
                let jwt = block(&text, "NATS USER JWT").ok_or_else(invalid)?;
                let seed = block(&text, "USER NKEY SEED").ok_or_else(invalid)?;
                let key = KeyPair::from_seed(seed).map_err(|_| invalid())?;
                auth.jwt = Some(jwt.to_owned());
                auth.signature = Some(key.sign(nonce).map_err(|_| invalid())?);
            }
        }
        Ok(auth)
    }
}

fn read(file: &Path) -> Result<Zeroizing<String>, LoginError> {
    std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| LoginError::File(file.to_owned(), error))
}

/// The line of a credentials file between `-----BEGIN <name>-----` and its end.
fn block<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| line.starts_with("---") && line.contains("BEGIN") && line.contains(name))?;
    lines.find(|line| !line.is_empty()).filter(|line| !line.starts_with("---"))
}

fn with_source(error: &LoginError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn an_nkey_signs_the_challenge_and_a_replaced_file_counts_at_once() {
        let (old, new) = (KeyPair::new_user(), KeyPair::new_user());
        let seed = file(&format!("\n{}\n", old.seed().unwrap()));
        let login = Login::new(vec![], None, Some(seed.path()), None).unwrap();
        let proof = login.proof(b"nonce").unwrap();
        assert_eq!(proof.nkey, Some(old.public_key()));
        old.verify(b"nonce", &proof.signature.unwrap()).unwrap();
        std::fs::write(seed.path(), new.seed().unwrap()).unwrap();
        assert_eq!(login.proof(b"nonce").unwrap().nkey, Some(new.public_key()));
    }

    #[test]
    fn a_login_in_a_file_of_urls_is_read_for_each_connection() {
        let urls = file("nats://ann:old@a, nats://ann:old@b\n");
        let of_url = Login::of_url(&"nats://ann:old@a".parse().unwrap());
        let login = Login::new(vec![of_url], Some(urls.path()), None, None).unwrap();
        assert_eq!(login.proof(b"").unwrap().password.as_deref(), Some("old"));
        std::fs::write(urls.path(), "nats://ann:new@a").unwrap();
        assert_eq!(login.proof(b"").unwrap().password.as_deref(), Some("new"));
    }

    #[test]
    fn a_credentials_file_yields_the_jwt_and_a_signature_of_its_key() {
        let key = KeyPair::new_user();
        let text = format!(
            "-----BEGIN NATS USER JWT-----\neyJ.abc.def\n------END NATS USER JWT------\n\n*** IMPORTANT ***\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            key.seed().unwrap()
        );
        let creds = file(&text);
        let proof = Login::new(vec![], None, None, Some(creds.path())).unwrap().proof(b"nonce").unwrap();
        assert_eq!(proof.jwt.as_deref(), Some("eyJ.abc.def"));
        key.verify(b"nonce", &proof.signature.unwrap()).unwrap();
    }

    #[test]
    fn a_file_that_is_no_login_is_an_error_without_its_content() {
        let wrong = file("hunter2");
        for login in [Login::Nkey(wrong.path().into()), Login::Credentials(wrong.path().into())] {
            assert!(!with_source(&login.check().unwrap_err()).contains("hunter2"));
        }
        let missing = Login::Nkey("/nowhere/seed".into());
        assert_eq!(
            with_source(&missing.check().unwrap_err()),
            "/nowhere/seed cannot be read: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn two_different_logins_are_refused() {
        let of = |url: &str| Login::of_url(&url.parse().unwrap());
        let same = vec![of("nats://ann:x@a"), of("nats://ann:x@b"), of("nats://c")];
        assert!(matches!(Login::new(same, None, None, None), Ok(Login::User(user, _)) if user == "ann"));
        let others = vec![of("nats://ann:x@a"), of("nats://ann:y@b")];
        assert!(matches!(Login::new(others, None, None, None), Err(LoginError::Several)));
        let seed = Some(Path::new("seed"));
        assert!(matches!(Login::new(vec![of("nats://token@a")], None, seed, None), Err(LoginError::Several)));
        assert!(matches!(Login::new(vec![], None, seed, Some(Path::new("creds"))), Err(LoginError::Several)));
    }
}
