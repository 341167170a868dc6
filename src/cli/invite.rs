//! `colloquy invite`: makes an invitation to sign up.

use aggregates::Actor;
use aggregates::account::UserRole;
use clap::Args;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::cli::accounts::{AccountArguments, with_administration};
use crate::cli::grant::RoleName;
use crate::config::PublicUrl;
use crate::operations::invitations::{EmailAddress, invite};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// E-mail address that can sign up with the invitation.
    email: EmailAddress,
    /// Role that the account begins with.
    #[arg(long, value_enum, default_value_t = RoleName::User)]
    role: RoleName,
    /// Address of the page in a browser.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8080")]
    public_url: PublicUrl,
    #[command(flatten)]
    account: AccountArguments,
}

pub(super) async fn run(Arguments { email, role, public_url, account }: Arguments) -> anyhow::Result<()> {
    let role = UserRole::from(role);
    let invitation = with_administration(account, async |administration| {
        Ok(invite(administration, email, role, Actor::System, Uuid::now_v7()).await?)
    })
    .await?;
    println!("{}", invitation.link(&public_url));
    eprintln!(
        "Pass this link on, or the code {}. It is good once, until {}.",
        invitation.code.expose_secret(),
        invitation.expires_at.format("%Y-%m-%d %H:%M UTC"),
    );
    Ok(())
}
