//! The routes of the account service that are not for the public.

use percent_encoding::percent_decode_str;

/// Routes of administrators that read. Everything else that administrators do to accounts is a command of
/// this service, so that it leaves an event.
const READING: [&str; 3] =
    ["/api/auth/admin/list-users", "/api/auth/admin/get-user", "/api/auth/admin/has-permission"];

/// Whether a path is not forwarded, however it is spelled.
pub(super) fn is_refused(path: &str) -> bool {
    if READING.contains(&path) {
        return false;
    }
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    // What is still encoded after one decoding is no route of the account service.
    decoded.split(['/', '\\']).any(|segment| segment.trim().eq_ignore_ascii_case("admin"))
}

/// Whether a path is that of a sign-in.
pub(super) fn is_sign_in(path: &str) -> bool {
    path.starts_with("/api/auth/sign-in/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_reach_routes_that_read_and_no_other() {
        for path in READING {
            assert!(!is_refused(path), "{path}");
        }
        for path in ["/api/auth/sign-in/email", "/api/auth/token", "/api/auth/administer", "/api/auth/"] {
            assert!(!is_refused(path), "{path}");
        }
        for path in [
            "/api/auth/admin",
            "/api/auth/admin/",
            "/api/auth/admin/set-user-password",
            "/api/auth/admin/list-users/",
            "/api/auth//admin/set-role",
            "/api/auth/%61dmin/set-role",
            "/api/auth/%61%64%6D%69%6e/ban-user",
            "/api/auth/ADMIN/ban-user",
            "/api/auth/./admin/ban-user",
            "/api/auth/x/../admin/ban-user",
            "/api/auth/x%2f..%2fadmin/ban-user",
            "/api/auth/admin%2fban-user",
            "/api/auth/admin%20/ban-user",
            "/api/auth\\admin\\ban-user",
        ] {
            assert!(is_refused(path), "{path}");
        }
    }
}
