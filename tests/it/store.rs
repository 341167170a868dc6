mod ciphertext_only;
mod keys;
mod ledger;
