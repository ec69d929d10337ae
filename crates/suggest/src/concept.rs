//! What the finders know how to find. A template's field is bound to one of these, or is left to the transformer.

use overread_domain::template::FieldKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Concept {
    Age,
    Sex,
    ServiceDate,
    AdmissionDate,
    DischargeDate,
    ChiefComplaint,
    Diagnosis,
    History,
    FamilyHistory,
    AbsentCondition,
    Procedure,
    Medication,
    Allergy,
    BloodPressure,
    HeartRate,
    RespiratoryRate,
    Temperature,
    OxygenSaturation,
    Height,
    Weight,
    Bmi,
    LabResult,
    TobaccoUse,
    AlcoholUse,
    Disposition,
    FollowUp,
    FinalCode,
}

impl Concept {
    pub const ALL: [Self; 27] = [
        Self::Age,
        Self::Sex,
        Self::ServiceDate,
        Self::AdmissionDate,
        Self::DischargeDate,
        Self::ChiefComplaint,
        Self::Diagnosis,
        Self::History,
        Self::FamilyHistory,
        Self::AbsentCondition,
        Self::Procedure,
        Self::Medication,
        Self::Allergy,
        Self::BloodPressure,
        Self::HeartRate,
        Self::RespiratoryRate,
        Self::Temperature,
        Self::OxygenSaturation,
        Self::Height,
        Self::Weight,
        Self::Bmi,
        Self::LabResult,
        Self::TobaccoUse,
        Self::AlcoholUse,
        Self::Disposition,
        Self::FollowUp,
        Self::FinalCode,
    ];

    /// The id that the shipped template gives it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Sex => "sex",
            Self::ServiceDate => "service_date",
            Self::AdmissionDate => "admission_date",
            Self::DischargeDate => "discharge_date",
            Self::ChiefComplaint => "chief_complaint",
            Self::Diagnosis => "diagnosis",
            Self::History => "history",
            Self::FamilyHistory => "family_history",
            Self::AbsentCondition => "absent_condition",
            Self::Procedure => "procedure",
            Self::Medication => "medication",
            Self::Allergy => "allergy",
            Self::BloodPressure => "blood_pressure",
            Self::HeartRate => "heart_rate",
            Self::RespiratoryRate => "respiratory_rate",
            Self::Temperature => "temperature",
            Self::OxygenSaturation => "oxygen_saturation",
            Self::Height => "height",
            Self::Weight => "weight",
            Self::Bmi => "bmi",
            Self::LabResult => "lab_result",
            Self::TobaccoUse => "tobacco_use",
            Self::AlcoholUse => "alcohol_use",
            Self::Disposition => "disposition",
            Self::FollowUp => "follow_up",
            Self::FinalCode => "final_code",
        }
    }

    /// Ways to call it, for the transformer to compare a field's label with.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Age => &["age", "patient age", "age of the patient in years"],
            Self::Sex => &["sex", "gender", "patient is female or male"],
            Self::ServiceDate => &["service date", "date of visit", "date of procedure"],
            Self::AdmissionDate => &["admission date", "date of admission to hospital"],
            Self::DischargeDate => &["discharge date", "date of discharge from hospital"],
            Self::ChiefComplaint => &["chief complaint", "reason for visit", "presenting complaint"],
            Self::Diagnosis => &["diagnosis", "problem assessed in this encounter", "final diagnoses"],
            Self::History => &["past medical history", "history of past conditions and operations"],
            Self::FamilyHistory => &["family history", "condition of a relative"],
            Self::AbsentCondition => &["absent condition", "denied symptom", "pertinent negatives"],
            Self::Procedure => &["procedure", "operation or imaging study performed"],
            Self::Medication => &["medication", "drug the patient takes", "medication list"],
            Self::Allergy => &["allergy", "drug allergies", "substance the patient is allergic to"],
            Self::BloodPressure => &["blood pressure", "systolic over diastolic pressure"],
            Self::HeartRate => &["heart rate", "pulse rate", "pulse in beats a minute"],
            Self::RespiratoryRate => &["respiratory rate", "breaths a minute"],
            Self::Temperature => &["body temperature", "temperature"],
            Self::OxygenSaturation => &["oxygen saturation", "SpO2", "pulse oximetry"],
            Self::Height => &["body height", "height of the patient"],
            Self::Weight => &["body weight", "weight of the patient"],
            Self::Bmi => &["body mass index", "BMI"],
            Self::LabResult => &["laboratory result", "lab values"],
            Self::TobaccoUse => &["tobacco use", "smoking status", "smoker"],
            Self::AlcoholUse => &["alcohol use", "drinks alcohol", "alcohol consumption"],
            Self::Disposition => {
                &["disposition", "discharge disposition", "where the patient goes after discharge"]
            }
            Self::FollowUp => &["follow-up", "follow-up appointment", "follow-up plan"],
            Self::FinalCode => &["final code", "final code list of the encounter"],
        }
    }

    /// Whether a field of this kind can hold what the finder gives.
    pub fn fits(self, kind: &FieldKind) -> bool {
        use FieldKind as K;
        match self {
            Self::Age => matches!(kind, K::Age | K::Text),
            Self::Sex | Self::TobaccoUse | Self::AlcoholUse => matches!(kind, K::Choice { .. } | K::Text),
            Self::ServiceDate | Self::AdmissionDate | Self::DischargeDate => {
                matches!(kind, K::Date | K::Text)
            }
            Self::ChiefComplaint | Self::Procedure | Self::Disposition | Self::FollowUp | Self::Allergy => {
                matches!(kind, K::Text)
            }
            Self::Diagnosis | Self::History | Self::FamilyHistory | Self::AbsentCondition => {
                matches!(kind, K::Condition)
            }
            Self::Medication => matches!(kind, K::Choice { .. } | K::Text),
            Self::BloodPressure => matches!(kind, K::BloodPressure | K::Text),
            Self::HeartRate
            | Self::RespiratoryRate
            | Self::Temperature
            | Self::OxygenSaturation
            | Self::Height
            | Self::Weight
            | Self::Bmi
            | Self::LabResult => matches!(kind, K::Quantity { .. } | K::Text),
            Self::FinalCode => matches!(kind, K::Code),
        }
    }
}
