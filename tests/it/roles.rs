mod account_facts;
mod answering;
mod erasure;
mod fairness;
mod publishing;
mod retention;
