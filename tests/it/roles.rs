mod answering;
mod erasure;
mod publishing;
mod retention;
