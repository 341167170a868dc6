//! How a person wants answers to be written: a text for the language model, and its temperature.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Instructions;
use crate::text::stored;

/// The private part of `AccountInstructed` and `ConversationInstructed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructed {
    /// The text; `None` where an earlier one was taken back.
    #[serde(deserialize_with = "stored")]
    pub instructions: Option<Instructions>,
}

/// A temperature of a language model: 0 to 2, in steps of a hundredth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature {
    hundredths: u8,
}

/// A number that is no temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a temperature is a number from 0 to 2")]
pub struct InvalidTemperature;

impl TryFrom<f64> for Temperature {
    type Error = InvalidTemperature;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is from 0 to 200")]
    fn try_from(value: f64) -> Result<Self, InvalidTemperature> {
        if (0.0..=2.0).contains(&value) {
            Ok(Self { hundredths: (value * 100.0).round() as u8 })
        } else {
            Err(InvalidTemperature)
        }
    }
}

impl From<Temperature> for f64 {
    fn from(temperature: Temperature) -> Self {
        Self::from(temperature.hundredths) / 100.0
    }
}

impl From<Temperature> for f32 {
    fn from(temperature: Temperature) -> Self {
        Self::from(temperature.hundredths) / 100.0
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f64::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_is_from_0_to_2_and_keeps_its_hundredths() {
        for (value, kept) in [(0.0, 0.0), (0.7, 0.7), (1.999, 2.0), (2.0, 2.0), (0.333, 0.33)] {
            assert_eq!(Temperature::try_from(value).map(f64::from), Ok(kept));
        }
        for value in [-0.1, 2.001, f64::NAN, f64::INFINITY] {
            assert_eq!(Temperature::try_from(value), Err(InvalidTemperature));
        }
        let json = serde_json::to_string(&Temperature::try_from(0.7).unwrap()).unwrap();
        assert_eq!(json, "0.7");
    }
}
