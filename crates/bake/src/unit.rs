//! Measured numbers as people read them.

/// What a number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A share of one: 0.01 is `1 %`.
    Share,
    /// Seconds.
    Seconds,
    /// A number.
    Number,
}

impl Unit {
    /// A number with its unit: `0.42 %`, `120 ms`, `1.5 s`, `12,300`.
    pub(crate) fn show(self, number: f64) -> String {
        match self {
            Self::Share => format!("{} %", digits(number * 100.0)),
            Self::Seconds if number != 0.0 && number.abs() < 1.0 => format!("{} ms", digits(number * 1000.0)),
            Self::Seconds => format!("{} s", digits(number)),
            Self::Number => digits(number),
        }
    }

    /// What a chart's axis counts, and by what a number is multiplied for it.
    pub(crate) fn axis(self) -> (&'static str, f64) {
        match self {
            Self::Share => ("percent", 100.0),
            Self::Seconds => ("seconds", 1.0),
            Self::Number => ("value", 1.0),
        }
    }
}

/// Three digits that count, or all that stand before the point; nothing after them that is zero.
fn digits(number: f64) -> String {
    let size = number.abs();
    if size >= 1e15 || size != 0.0 && size < 1e-6 {
        return format!("{number:.2e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
    let places = if size == 0.0 { 0 } else { (2.0 - size.log10().floor()).clamp(0.0, 8.0) as usize };
    let text = format!("{number:.places$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let rest = rest.trim_end_matches('0');
    let whole = thousands(whole);
    if rest.is_empty() { whole } else { format!("{whole}.{rest}") }
}

fn thousands(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [
            Unit::Share.show(0.0),
            Unit::Share.show(0.0042),
            Unit::Share.show(0.01),
            Unit::Share.show(1.0),
            Unit::Seconds.show(0.12),
            Unit::Seconds.show(1.5),
            Unit::Seconds.show(0.0),
            Unit::Number.show(12_345.6),
            Unit::Number.show(-1_234_567.0),
            Unit::Number.show(712.0),
            Unit::Number.show(1e20),
            Unit::Number.show(1e-9),
        ];
        assert_eq!(
            shown.join(" | "),
            "0 % | 0.42 % | 1 % | 100 % | 120 ms | 1.5 s | 0 s | 12,346 | -1,234,567 | 712 | 1.00e20 | 1.00e-9"
        );
    }
}
