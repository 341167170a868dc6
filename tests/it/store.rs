mod append;
mod ciphertext_only;
mod keys;
mod ledger;
mod ledger_chain;
mod limits;
mod postgres_es;
mod sequencers;
