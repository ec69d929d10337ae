//! Which notes somebody may see: by site, queue and category of data, beside what the role allows to do with them (minimum
//! necessary, 45 CFR 164.502(b)).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::words::words;
use crate::{NoteMeta, Role};

words! {
    /// Why a note is guarded more than others (HL7 v3 `ActCode`, value set `InformationSensitivityPolicy`). Nobody sees notes of a
    /// category that an administrator did not open to them.
    Sensitivity {
        /// 42 CFR part 2; HL7 `ETHUD`.
        SubstanceUse = "substance_use", "Substance use";
        /// HL7 `PSY`.
        BehavioralHealth = "behavioral_health", "Behavioral health";
        /// 45 CFR 164.501; HL7 `PSYTHPN`.
        PsychotherapyNotes = "psychotherapy_notes", "Psychotherapy notes";
        /// HL7 `HIV`.
        Hiv = "hiv", "HIV";
        /// HL7 `SEX`.
        ReproductiveHealth = "reproductive_health", "Sexual and reproductive health";
        /// HL7 `SDV`.
        Violence = "violence", "Abuse and violence";
        /// HL7 `GDIS`.
        Genetic = "genetic", "Genetic disease";
        /// Somebody who works here; HL7 `EMP`.
        Employee = "employee", "Employee";
        /// HL7 `CEL`.
        Celebrity = "celebrity", "Celebrity";
    }
}

/// Where a note belongs: a person sees all notes of a place, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Placing {
    /// Facility; empty where the note names none.
    pub site: String,
    /// Work queue; empty where the note names none.
    pub queue: String,
    pub sensitivity: BTreeSet<Sensitivity>,
}

/// What an administrator opened to a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Reach {
    /// Absent: notes of every site. The empty name stands for notes without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<BTreeSet<String>>,
    /// Absent: notes of every queue. The empty name stands for notes without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queues: Option<BTreeSet<String>>,
    /// Guarded categories that are open. A note of several needs all of them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub sensitivity: BTreeSet<Sensitivity>,
    /// Whether notes are shown as they are written. Absent: as the role has it, see [`Role::reads_as_written`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_written: Option<bool>,
}

impl Placing {
    /// Where a note belongs by what its sender says of it.
    pub fn of(meta: &NoteMeta) -> Self {
        Self {
            site: meta.site.clone().unwrap_or_default(),
            queue: meta.queue.clone().unwrap_or_default(),
            sensitivity: meta.sensitivity.clone(),
        }
    }

    /// Writes into what came with a note where it belongs now.
    pub fn put(self, meta: &mut NoteMeta) {
        let named = |name: String| Some(name).filter(|name| !name.is_empty());
        meta.site = named(self.site);
        meta.queue = named(self.queue);
        meta.sensitivity = self.sensitivity;
    }
}

impl Reach {
    pub fn holds(&self, place: &Placing) -> bool {
        let named = |names: &Option<BTreeSet<String>>, name: &str| {
            names.as_ref().is_none_or(|names| names.contains(name))
        };
        named(&self.sites, &place.site)
            && named(&self.queues, &place.queue)
            && place.sensitivity.is_subset(&self.sensitivity)
    }

    /// Whether a person of this role sees notes as written without giving a reason.
    pub fn reads_as_written(&self, role: Role) -> bool {
        self.as_written.unwrap_or_else(|| role.reads_as_written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
        items.into_iter().collect()
    }

    #[test]
    fn each_axis_narrows_by_itself() {
        let place = Placing {
            site: "North".into(),
            queue: "inpatient".into(),
            sensitivity: set([Sensitivity::Hiv, Sensitivity::Employee]),
        };
        let all = set(Sensitivity::ALL.iter().copied());
        let open = Reach { sensitivity: all.clone(), ..Reach::default() };
        assert!(open.holds(&place));
        let sites = |name: &str| Some(set([name.to_owned()]));
        assert!(Reach { sites: sites("North"), ..open.clone() }.holds(&place));
        assert!(!Reach { sites: sites("South"), ..open.clone() }.holds(&place));
        assert!(!Reach { sites: sites(""), ..open.clone() }.holds(&place));
        assert!(!Reach { queues: sites("clinic"), ..open.clone() }.holds(&place));
        assert!(!Reach { queues: Some(BTreeSet::new()), ..open }.holds(&place));
        let one = Reach { sensitivity: set([Sensitivity::Hiv]), ..Reach::default() };
        assert!(!one.holds(&place), "each category must be open");
        assert!(!Reach::default().holds(&place));
        assert!(Reach::default().holds(&Placing::default()));
    }

    #[test]
    fn only_qa_leads_look_at_masked_notes_unless_told_otherwise() {
        for role in Role::ALL {
            assert_eq!(Reach::default().reads_as_written(role), role != Role::QaLead);
            let told = Reach { as_written: Some(role == Role::QaLead), ..Reach::default() };
            assert_eq!(told.reads_as_written(role), role == Role::QaLead);
        }
    }

    #[test]
    fn a_note_is_placed_by_its_sender() {
        let mut meta = NoteMeta { site: Some("North".into()), ..NoteMeta::default() };
        let place = Placing::of(&meta);
        assert_eq!((place.site.as_str(), place.queue.as_str()), ("North", ""));
        Placing::default().put(&mut meta);
        assert_eq!(meta, NoteMeta::default());
    }
}
