//! Vital signs that a living person can have. Bounds are wide on purpose: what lies outside is a slip of hand or
//! dictation, not an illness.

use crate::case::{Case, Found};
use crate::words::number;

/// Field, lowest and highest in its first unit.
const RANGES: &[(&str, f64, f64, &str)] = &[
    ("heart_rate", 20.0, 300.0, "/min"),
    ("respiratory_rate", 4.0, 80.0, "/min"),
    ("oxygen_saturation", 40.0, 100.0, "%"),
    ("bmi", 8.0, 120.0, "kg/m2"),
];

/// Degrees Celsius.
fn celsius(value: f64, unit: &str) -> f64 {
    let fahrenheit = unit.starts_with(['F', 'f']) || !unit.starts_with(['C', 'c']) && value > 45.0;
    if fahrenheit { (value - 32.0) / 1.8 } else { value }
}

/// Kilograms.
fn kilograms(value: f64, unit: &str) -> Option<f64> {
    Some(match unit.trim() {
        "kg" => value,
        "g" => value / 1000.0,
        "lb" | "" => value * 0.453_592,
        "oz" => value * 0.028_35,
        _ => return None,
    })
}

/// Metres: "170 cm", "5 ft 4 in", "64 in", "5 ft".
fn metres(text: &str) -> Option<f64> {
    let (value, rest) = number(text)?;
    let unit: String = rest.chars().take_while(|c| c.is_alphabetic() || *c == '\'' || *c == '"').collect();
    Some(match unit.as_str() {
        "cm" => value / 100.0,
        "m" => value,
        "in" | "\"" => value * 0.0254,
        "ft" | "'" => {
            let inches = number(rest[unit.len()..].trim_start()).map_or(0.0, |(inches, _)| inches);
            value * 0.3048 + inches * 0.0254
        }
        _ => return None,
    })
}

pub(super) fn range(case: &Case<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for (field, low, high, unit) in RANGES {
        let Some((item, text)) = case.value(field) else { continue };
        let Some((value, _)) = number(text) else { continue };
        if !(*low..=*high).contains(&value) {
            out.push(Found::on(&[item], format!("{value} {unit} is outside {low} to {high} {unit}")));
        }
    }
    if let Some((item, text)) = case.value("temperature")
        && let Some((value, unit)) = number(text)
        && !(25.0..=45.0).contains(&celsius(value, unit))
    {
        out.push(Found::on(
            &[item],
            format!("A temperature of {text} is outside 25 to 45 °C (77 to 113 °F)"),
        ));
    }
    if let Some((item, text)) = case.value("blood_pressure")
        && let Some((systolic, diastolic)) = pressures(text)
        && (!(40.0..=320.0).contains(&systolic) || !(10.0..=220.0).contains(&diastolic))
    {
        out.push(Found::on(
            &[item],
            format!("A blood pressure of {text} is outside 40 to 320 over 10 to 220 mm Hg"),
        ));
    }
    if let Some((item, text)) = case.value("weight")
        && let Some((value, unit)) = number(text)
        && let Some(weight) = kilograms(value, unit)
        && !(0.3..=500.0).contains(&weight)
    {
        out.push(Found::on(&[item], format!("A weight of {text} is outside 0.3 to 500 kg")));
    }
    if let Some((item, text)) = case.value("height")
        && let Some(height) = metres(text)
        && !(0.2..=2.6).contains(&height)
    {
        out.push(Found::on(&[item], format!("A height of {text} is outside 20 to 260 cm")));
    }
    out
}

fn pressures(text: &str) -> Option<(f64, f64)> {
    let (systolic, diastolic) = text.split_once('/')?;
    Some((number(systolic)?.0, number(diastolic)?.0))
}

pub(super) fn pressure(case: &Case<'_>) -> Vec<Found> {
    let Some((item, text)) = case.value("blood_pressure") else { return Vec::new() };
    match pressures(text) {
        Some((systolic, diastolic)) if diastolic >= systolic => {
            vec![Found::on(&[item], format!("The diastolic pressure of {text} is not below the systolic"))]
        }
        _ => Vec::new(),
    }
}

pub(super) fn body_mass(case: &Case<'_>) -> Vec<Found> {
    let found = || {
        let (item, bmi) = case.value("bmi")?;
        let (weighed, weight) = case.value("weight")?;
        let (measured, height) = case.value("height")?;
        let (bmi, _) = number(bmi)?;
        let (value, unit) = number(weight)?;
        let (weight, height) = (kilograms(value, unit)?, metres(height)?);
        let computed = weight / (height * height);
        let far = (computed - bmi).abs() > (0.1 * bmi).max(1.5);
        far.then(|| {
            let message =
                format!("Weight and height give a body mass index of {computed:.1}, the note says {bmi}");
            Found::on(&[item, weighed, measured], message)
        })
    };
    found().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_read_in_all_their_units() {
        for (text, expected) in
            [("170 cm", 1.7), ("5 ft 4 in", 1.6256), ("64 in", 1.6256), ("1.63 m", 1.63), ("5 ft", 1.524)]
        {
            assert!((metres(text).unwrap() - expected).abs() < 1e-3, "{text}: {:?}", metres(text));
        }
        assert_eq!(metres("tall"), None);
    }

    #[test]
    fn temperatures_without_a_unit_are_read_by_their_size() {
        assert!((celsius(98.6, "") - 37.0).abs() < 0.01);
        assert!((celsius(37.0, "") - 37.0).abs() < 0.01);
        assert!((celsius(98.6, "F") - 37.0).abs() < 0.01);
    }
}
