//! Reads the time after which a busy server wants to be asked again.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The time that a response names: in `Retry-After-Ms`, or in `Retry-After` as seconds or as a date, which is
/// compared with the clock of the server where the response tells it.
pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |value: Option<&reqwest::header::HeaderValue>| Some(value?.to_str().ok()?.trim().to_owned());
    let number = |text: &str| text.parse::<f64>().ok();
    if let Some(millis) = text(headers.get("retry-after-ms")).as_deref().and_then(number) {
        return Duration::try_from_secs_f64(millis / 1_000.0).ok();
    }
    let said = text(headers.get(RETRY_AFTER))?;
    if let Some(seconds) = number(&said) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let now = text(headers.get(DATE)).as_deref().and_then(date).unwrap_or(now);
    Some(date(&said)?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(headers: &[(&'static str, &'static str)]) -> Option<f64> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        read(&headers.collect(), SystemTime::UNIX_EPOCH).map(|pause| pause.as_secs_f64())
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read() {
        let (date, later) = ("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:07 GMT");
        for (headers, read) in [
            (vec![("retry-after", "7")], Some(7.0)),
            (vec![("retry-after", " 1.5 ")], Some(1.5)),
            (vec![("retry-after-ms", "250"), ("retry-after", "1")], Some(0.25)),
            (vec![("retry-after", later)], Some(7.0)),
            (vec![("retry-after", later), ("date", "Thu, 01 Jan 1970 00:00:04 GMT")], Some(3.0)),
            (vec![("retry-after", date), ("date", later)], Some(0.0)),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "1e300")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "soon")], None),
            (vec![], None),
        ] {
            assert_eq!(seconds(&headers), read, "{headers:?}");
        }
    }
}
