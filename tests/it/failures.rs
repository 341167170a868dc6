mod campaign;
mod clock;
mod eraser_killed;
mod frozen;
mod full_disk;
mod hostile_neighbour;
mod services;
mod worker_killed;
