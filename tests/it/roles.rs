mod account_facts;
mod answering;
mod erasure;
mod erasure_retries;
mod fairness;
mod publishing;
mod retention;
