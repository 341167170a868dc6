mod answering;
mod erasure;
mod retention;
