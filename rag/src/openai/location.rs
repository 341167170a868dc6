//! Decides which redirections a request follows. It goes to the same server alone, because it holds the key and
//! the texts of people.

use reqwest::header::LOCATION;
use reqwest::{Client, Request, Response, StatusCode, Url};

use super::ApiError;

/// The longest chain of redirections.
const MAX_REDIRECTIONS: usize = 3;

/// Sends a request and follows the redirections of its server. The request stays a POST with its body.
pub(super) async fn send(client: &Client, mut request: Request) -> Result<Response, ApiError> {
    for _ in 0..MAX_REDIRECTIONS {
        let next = request.try_clone();
        let response = client.execute(request).await?;
        match next.zip(location(&response)) {
            Some((mut next, url)) => {
                *next.url_mut() = url;
                request = next;
            }
            None => return Ok(response),
        }
    }
    Ok(client.execute(request).await?)
}

/// The address to which a response redirects, if a request may follow.
fn location(response: &Response) -> Option<Url> {
    let is_redirection = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let target = response.headers().get(LOCATION).filter(|_| is_redirection)?.to_str().ok()?;
    target_of(response.url(), target)
}

/// The address that a server names, if the same server answers there: the same host and port by the same scheme,
/// or by HTTPS in place of HTTP, then on the port of HTTPS too.
fn target_of(from: &Url, target: &str) -> Option<Url> {
    let to = from.join(target).ok()?;
    let is_same_host = from.host_str().is_some() && from.host_str() == to.host_str();
    let is_same_port = from.port_or_known_default() == to.port_or_known_default();
    let is_same = from.scheme() == to.scheme() && is_same_port;
    let is_secured =
        from.scheme() == "http" && to.scheme() == "https" && (is_same_port || to.port().is_none());
    let has_no_login = to.username().is_empty() && to.password().is_none();
    (is_same_host && has_no_login && (is_same || is_secured)).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_server_is_followed_and_never_to_less_security() {
        for (from, target, to) in [
            ("http://h/v1/c", "https://h/v1/c", Some("https://h/v1/c")),
            ("http://h:8080/v1/c", "https://h:8080/v1/c", Some("https://h:8080/v1/c")),
            ("http://h:8080/v1/c", "https://h/v1/c", Some("https://h/v1/c")),
            ("https://h/v1/c", "/v1/c/", Some("https://h/v1/c/")),
            ("https://h:8443/v1/c", "c/?a=1", Some("https://h:8443/v1/c/?a=1")),
            ("https://h/v1/c", "http://h/v1/c", None),
            ("https://h/v1/c", "https://h:8443/v1/c", None),
            ("http://h/v1/c", "http://h:8080/v1/c", None),
            ("http://h/v1/c", "https://h:9/v1/c", None),
            ("https://h/v1/c", "https://other/v1/c", None),
            ("https://h/v1/c", "//other/v1/c", None),
            ("https://h/v1/c", "https://h.other/v1/c", None),
            ("https://h/v1/c", "https://h@other/v1/c", None),
            ("https://h/v1/c", "https://a:b@h/v1/c", None),
            ("https://h/v1/c", "file:///etc/hosts", None),
            ("https://h/v1/c", "https://[", None),
        ] {
            let found = target_of(&Url::parse(from).unwrap(), target);
            assert_eq!(found.as_ref().map(Url::as_str), to, "{from} {target}");
        }
    }
}
