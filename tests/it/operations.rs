mod backups;
mod personal_export;
mod rebuild;
mod restore;
