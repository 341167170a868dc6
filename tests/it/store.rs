mod ciphertext_only;
mod keys;
mod ledger;
mod postgres_es;
