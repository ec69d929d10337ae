//! Dates in order, in the past, and as the file has them.

use crate::case::{Case, Found};

/// Dates to the month are compared with others by their month.
fn before(a: &str, b: &str) -> bool {
    let len = a.len().min(b.len());
    match (a.get(..len), b.get(..len)) {
        (Some(a), Some(b)) => a < b,
        _ => false,
    }
}

pub(super) fn order(case: &Case<'_>) -> Vec<Found> {
    let (admission, service, discharge) =
        (case.value("admission_date"), case.value("service_date"), case.value("discharge_date"));
    let pairs = [
        (admission, discharge, "The patient is discharged before the admission"),
        (admission, service, "The service is before the admission"),
        (service, discharge, "The discharge is before the service"),
    ];
    pairs
        .into_iter()
        .filter_map(|(first, second, message)| {
            let ((one, first), (other, second)) = (first?, second?);
            before(second, first).then(|| Found::on(&[other, one], message))
        })
        .collect()
}

pub(super) fn future(case: &Case<'_>) -> Vec<Found> {
    ["admission_date", "service_date", "discharge_date"]
        .into_iter()
        .filter_map(|field| {
            let (item, value) = case.value(field)?;
            before(case.input.today, value).then(|| {
                Found::on(&[item], format!("{value} is in the future (today is {})", case.input.today))
            })
        })
        .collect()
}

pub(super) fn file(case: &Case<'_>) -> Vec<Found> {
    let (Some((item, value)), Some(file)) =
        (case.value("service_date"), case.input.meta.service_date.as_deref())
    else {
        return Vec::new();
    };
    if !before(value, file) && !before(file, value) {
        return Vec::new();
    }
    vec![Found::on(&[item], format!("The note's service date is {value}, the file says {file}"))]
}
