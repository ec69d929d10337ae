//! Which fields are scored, and how.

/// One value a note, right when the normal forms are equal.
pub const VALUES: [&str; 12] = [
    "age",
    "sex",
    "blood_pressure",
    "heart_rate",
    "respiratory_rate",
    "temperature",
    "oxygen_saturation",
    "height",
    "weight",
    "bmi",
    "tobacco_use",
    "alcohol_use",
];

/// Scored as value fields are, but in rows of their own: the sum `value fields` leaves them out.
pub const DATES: [&str; 3] = ["service_date", "admission_date", "discharge_date"];

/// Any number a note, right when the places overlap.
pub const SPANS: [&str; 11] = [
    "chief_complaint",
    "diagnosis",
    "history",
    "family_history",
    "absent_condition",
    "procedure",
    "medication",
    "allergy",
    "lab_result",
    "disposition",
    "follow_up",
];

/// Fields that count as one at `condition`.
pub const CONDITIONS: [&str; 2] = ["diagnosis", "history"];
