mod command_line;
mod proof;
mod replay;
