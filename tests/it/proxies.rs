mod addresses;
mod base_path;
mod origins;
mod reverse_proxies;
