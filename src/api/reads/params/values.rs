//! Values of parameters, bounded by what the database can compare with.

use std::fmt;
use std::str::FromStr;

use aggregates::{Position, Version};
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use serde::{Deserialize, Deserializer, de};
use uuid::Uuid;

/// Characters of an id.
const ID_BYTES: usize = 36;
/// Characters of a day.
const DAY_BYTES: usize = 10;
/// Longest name of a day or a time. One with more decimals is not more precise.
const MAX_TIME_BYTES: usize = 64;

/// Why a value is refused. The text is the detail of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::api) struct InvalidValue(&'static str);

/// A time in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Time(pub(in crate::api) DateTime<Utc>);

/// A day of the years 0 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Day(pub(in crate::api) NaiveDate);

/// A number that the database can store: a position of the ledger or a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Counter(u64);

/// A whole number. Its limits depend on the parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Count(pub(in crate::api) u32);

/// A UUID in its usual form, with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Id(pub(in crate::api) Uuid);

/// A yes-or-no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Flag(pub(in crate::api) bool);

impl Counter {
    /// The number as a position of the ledger.
    pub(in crate::api) const fn position(self) -> Position {
        Position(self.0)
    }

    /// The number as a version.
    pub(in crate::api) const fn version(self) -> Version {
        Version(self.0)
    }
}

impl FromStr for Time {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let invalid = InvalidValue("The value must be a time in RFC 3339, such as 2026-11-26T10:00:00Z.");
        if text.len() > MAX_TIME_BYTES {
            return Err(invalid);
        }
        // A query string decodes a plus sign as a space, and a time has its only space there.
        let text = text.replace(' ', "+");
        let time = DateTime::parse_from_rfc3339(&text).map_err(|_| invalid)?;
        if (0..=9_999).contains(&time.year()) { Ok(Self(time.to_utc())) } else { Err(invalid) }
    }
}

impl FromStr for Day {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let is_day = text.len() == DAY_BYTES
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let day = text.parse().ok().filter(|_| is_day);
        let day = day.filter(|day: &NaiveDate| (0..=9_999).contains(&day.year()));
        day.map(Self).ok_or(InvalidValue("The value must be a day, such as 2026-11-26."))
    }
}

impl FromStr for Counter {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // The type bigint of Postgres.
        let number = digits(text).and_then(|text| text.parse::<i64>().ok());
        let number = number.and_then(|number| u64::try_from(number).ok());
        number
            .map(Self)
            .ok_or(InvalidValue("The value must be a whole number from 0 to 9223372036854775807."))
    }
}

impl FromStr for Count {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let number = digits(text).and_then(|text| text.parse().ok());
        number.map(Self).ok_or(InvalidValue("The value must be a whole number from 0 to 4294967295."))
    }
}

impl FromStr for Id {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // Other forms of a UUID are no ids: clients compare ids as texts.
        let id = Uuid::try_parse(text).ok().filter(|_| text.len() == ID_BYTES);
        id.map(Self).ok_or(InvalidValue("The value must be a UUID."))
    }
}

impl FromStr for Flag {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(InvalidValue("The value must be true or false.")),
        }
    }
}

/// Whether a text is the value of a parameter of any kind.
///
/// # Panics
/// If the database cannot store a day or a time.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) fn is_value(text: &str) -> bool {
    let (time, day) = (text.parse::<Time>(), text.parse::<Day>());
    let years = [time.as_ref().ok().map(|time| time.0.year()), day.as_ref().ok().map(|day| day.0.year())];
    assert!(
        years.iter().flatten().all(|year| (-1..=10_000).contains(year)),
        "{text} has the years {years:?}"
    );
    let others = (text.parse::<Counter>(), text.parse::<Count>(), text.parse::<Id>(), text.parse::<Flag>());
    let (counter, count, id, flag) = others;
    time.is_ok() || day.is_ok() || counter.is_ok() || count.is_ok() || id.is_ok() || flag.is_ok()
}

/// The text, if it has only digits: no sign and no white space.
fn digits(text: &str) -> Option<&str> {
    let has_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    has_digits.then_some(text)
}

/// Deserializes values from the text of a query string.
macro_rules! from_text {
    ($($value:ident)+) => {
        $(impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(std::marker::PhantomData))
            }
        })+
    };
}

from_text! { Time Day Counter Count Id Flag }

struct Text<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = InvalidValue>> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_of_rfc_3339() {
        for text in [
            "2026-11-26T10:00:00Z",
            "2026-11-26T12:00:00+02:00",
            // As a query string decodes it.
            "2026-11-26T12:00:00 02:00",
            "2026-11-26t12:00:00.123456789z",
            "2016-12-31T23:59:60Z",
            "0000-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
        ] {
            assert!(text.parse::<Time>().is_ok(), "{text}");
        }
        let long = format!("2026-11-26T10:00:00.{}Z", "1".repeat(60));
        for text in
            ["", "2026-11-26", "-9999-01-01T00:00:00Z", "+12345-01-01T00:00:00Z", "now", "1795000000", &long]
        {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_has_four_digits_for_the_year() {
        assert!("0000-01-01".parse::<Day>().is_ok() && "9999-12-31".parse::<Day>().is_ok());
        for text in [
            "",
            "2026-1-1",
            "-9999-01-01",
            "+12345-01-01",
            "2026-02-30",
            "2026-11-26T10:00:00Z",
            " 2026-1-01",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_counter_fits_into_the_database() {
        assert_eq!("9223372036854775807".parse::<Counter>().unwrap().position(), Position(i64::MAX as u64));
        for text in ["9223372036854775808", "18446744073709551615", "-1", "+1", " 1", "1.0", "1e3", "", "x"] {
            assert!(text.parse::<Counter>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_has_hyphens() {
        assert!("0197b3f0-5d5a-7cc2-b6f5-0f0d7f1f2a3b".parse::<Id>().is_ok());
        for text in [
            "0197b3f05d5a7cc2b6f50f0d7f1f2a3b",
            "{0197b3f0-5d5a-7cc2-b6f5-0f0d7f1f2a3b}",
            "urn:uuid:0197b3f0-5d5a-7cc2-b6f5-0f0d7f1f2a3b",
            "",
        ] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
    }
}
