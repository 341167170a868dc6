mod addresses;
mod base_path;
mod reverse_proxies;
