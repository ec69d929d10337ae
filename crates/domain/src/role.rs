//! Who may do what. The server asks [`Role::may`] on every route; the page asks it to leave out what would be refused.

use serde::{Deserialize, Serialize};

use crate::words::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Reviewer,
    Coder,
    QaLead,
    Administrator,
}

words! {
    Permission {
        /// See the queue and open entries.
        ReadEntries = "read_entries", "read the queue and entries";
        /// Decide on entries that are not exceptions.
        Decide = "decide", "decide on entries";
        /// Decide on entries in the exceptions queue.
        ResolveExceptions = "resolve_exceptions", "decide on exceptions";
        /// Open a finished entry again.
        Reopen = "reopen", "open finished entries again";
        SearchCodes = "search_codes", "look codes up";
        ImportNotes = "import_notes", "import notes";
        ExportCorrections = "export_corrections", "export corrections";
        /// See what the corrections taught, phrase by phrase, and let the model forget it.
        CurateMemory = "curate_memory", "see and prune the memory";
        SeeAccuracy = "see_accuracy", "see accuracy";
        /// See background jobs, the model and the code releases.
        SeeSystem = "see_system", "see the system and its jobs";
        /// Ask for suggestions again, retry jobs.
        RunJobs = "run_jobs", "run and retry jobs";
        EditTemplates = "edit_templates", "edit templates";
        /// Set the levels of the coding edits.
        EditRules = "edit_rules", "set the checks";
        /// Bring in and remove code systems, lists and books.
        ImportCodes = "import_codes", "import code systems";
        /// Look through the audit trail and sign it off.
        SeeAudit = "see_audit", "see the audit trail";
        ManageUsers = "manage_users", "manage users";
        /// Say which site, queue and category of data an entry belongs to.
        PlaceEntries = "place_entries", "move entries between queues";
        /// Of sites and queues, whoever's notes lie there.
        SeePlaces = "see_places", "see the names of sites and queues";
        /// Open a note outside one's reach in an emergency, with a reason (45 CFR 164.312(a)(2)(ii)).
        BreakGlass = "break_glass", "open notes in an emergency";
        /// Judge what others opened with a reason.
        ReviewAccess = "review_access", "review what was opened with a reason";
    }
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Reviewer, Self::Coder, Self::QaLead, Self::Administrator];

    /// Minimum necessary, 45 CFR 164.502(b): administrators run the installation and do not read notes.
    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Reviewer => {
                matches!(permission, P::ReadEntries | P::Decide | P::SearchCodes | P::BreakGlass)
            }
            Self::Coder => matches!(
                permission,
                P::ReadEntries
                    | P::Decide
                    | P::ResolveExceptions
                    | P::Reopen
                    | P::SearchCodes
                    | P::SeeSystem
                    | P::PlaceEntries
                    | P::SeePlaces
                    | P::BreakGlass
            ),
            Self::QaLead => matches!(
                permission,
                P::ReadEntries
                    | P::Decide
                    | P::ResolveExceptions
                    | P::Reopen
                    | P::SearchCodes
                    | P::ImportNotes
                    | P::ExportCorrections
                    | P::CurateMemory
                    | P::SeeAccuracy
                    | P::SeeSystem
                    | P::RunJobs
                    | P::EditRules
                    | P::SeeAudit
                    | P::PlaceEntries
                    | P::SeePlaces
                    | P::BreakGlass
                    | P::ReviewAccess
            ),
            Self::Administrator => matches!(
                permission,
                P::SearchCodes
                    | P::ImportNotes
                    | P::CurateMemory
                    | P::SeeSystem
                    | P::RunJobs
                    | P::EditTemplates
                    | P::EditRules
                    | P::ImportCodes
                    | P::SeeAudit
                    | P::ManageUsers
                    | P::SeePlaces
                    | P::ReviewAccess
            ),
        }
    }

    /// Whether notes are shown as they are written. Quality is measured on de-identified ones unless a reason is given.
    pub fn reads_as_written(self) -> bool {
        self != Self::QaLead
    }

    /// Whether finished entries of others are there for this role: coders and QA leads open them again. A reviewer's work is what
    /// is queued to them, and what they decided on themselves.
    pub fn sees_finished(self) -> bool {
        self != Self::Reviewer
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Coder => "coder",
            Self::QaLead => "qa_lead",
            Self::Administrator => "administrator",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Reviewer => "Reviewer",
            Self::Coder => "Coder",
            Self::QaLead => "QA lead",
            Self::Administrator => "Administrator",
        }
    }
}
