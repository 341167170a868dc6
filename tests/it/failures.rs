mod campaign;
mod clock;
mod eraser_killed;
mod frozen;
mod full_disk;
mod services;
mod worker_killed;
