mod backups;
mod personal_export;
mod restore;
