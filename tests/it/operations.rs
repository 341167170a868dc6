mod backups;
mod personal_export;
mod rebuild;
mod restore;
mod restored_without_nats;
