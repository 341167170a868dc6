//! The paths of the account service that are forwarded. Others end here: what administrators do to accounts
//! is a command of this service, so that it leaves an event, and the account service counts requests by path,
//! so that made-up paths would fill its memory.

/// Paths below `/api/auth/`. Administrators only read.
const PATHS: [&str; 23] = [
    "account-info",
    "admin/get-user",
    "admin/has-permission",
    "admin/list-users",
    "change-email",
    "change-password",
    "confirm-email",
    "error",
    "get-session",
    "jwks",
    "list-accounts",
    "list-sessions",
    "offers",
    "ok",
    "request-password-reset",
    "reset-password",
    "revoke-other-sessions",
    "revoke-session",
    "revoke-sessions",
    "send-verification-email",
    "sign-out",
    "token",
    "update-user",
];
/// Paths that are followed by one more segment: the way to sign in or up.
const FOLDERS: [&str; 2] = [SIGN_IN, "sign-up/"];
const SIGN_IN: &str = "sign-in/";
/// Longest last segment.
const MAX_SEGMENT_BYTES: usize = 128;

/// Whether a path is forwarded. Each path has one spelling.
pub(in crate::api) fn is_forwarded(path: &str) -> bool {
    let Some(path) = below_root(path) else { return false };
    PATHS.contains(&path) || FOLDERS.iter().any(|folder| path.strip_prefix(folder).is_some_and(is_segment))
}

/// Whether a path is that of a sign-in.
pub(super) fn is_sign_in(path: &str) -> bool {
    below_root(path).is_some_and(|path| path.starts_with(SIGN_IN))
}

fn below_root(path: &str) -> Option<&str> {
    path.strip_prefix("/api/auth/")
}

fn is_segment(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_SEGMENT_BYTES).contains(&segment.len()) && segment.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_for_the_public_are_forwarded() {
        for path in [
            "sign-in/email",
            "sign-up/email",
            "sign-out",
            "reset-password",
            "confirm-email",
            "offers",
            "token",
            "admin/list-users",
        ] {
            assert!(is_forwarded(&format!("/api/auth/{path}")), "{path}");
        }
    }

    #[test]
    fn made_up_paths_and_commands_of_administrators_are_not_forwarded_however_they_are_spelled() {
        for path in [
            "/api/auth/",
            "/api/auth/x1",
            "/api/auth/sign-in/",
            "/api/auth/sign-in/a/b",
            "/api/auth/token/x",
            "/api/auth/Token",
            "/api/auth/reset-password/aB3-_x",
            "/api/auth/verify-email",
            "/api/auth/sign-up/%2e%2e",
            "/api/auth/admin",
            "/api/auth/admin/",
            "/api/auth/admin/set-user-password",
            "/api/auth/admin/list-users/",
            "/api/auth//admin/set-role",
            "/api/auth/%61dmin/set-role",
            "/api/auth/ADMIN/ban-user",
            "/api/auth/./admin/ban-user",
            "/api/auth/sign-in/../admin/ban-user",
            "/api/auth/x%2f..%2fadmin/ban-user",
            "/api/auth/admin%2fban-user",
            "/api/auth\\admin\\ban-user",
        ] {
            assert!(!is_forwarded(path), "{path}");
        }
    }
}
