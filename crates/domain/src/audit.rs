//! What is recorded of who did what (45 CFR 164.312(b)). Never clinical text: ids, counts, names of fields.

use crate::words::words;

words! {
    AuditAction {
        SignedIn = "signed_in", "Signed in";
        /// A wrong name or password, or one too many of them.
        SignInRefused = "sign_in_refused", "Sign-in refused";
        SignedOut = "signed_out", "Signed out";
        SessionLocked = "session_locked", "Locked the screen";
        SessionUnlocked = "session_unlocked", "Came back to a locked screen";
        SessionsEnded = "sessions_ended", "Ended sessions";
        SecondFactorAdded = "second_factor_added", "Added a second factor";
        SecondFactorRemoved = "second_factor_removed", "Removed a second factor";
        SecondFactorReset = "second_factor_reset", "Reset somebody's second factor";
        RecoveryCodesMade = "recovery_codes_made", "Made recovery codes";
        RecoveryCodeUsed = "recovery_code_used", "Used a recovery code";
        InvitationMade = "invitation_made", "Invited a user";
        InvitationAccepted = "invitation_accepted", "Accepted an invitation";
        TokenMade = "token_made", "Made a token for a script";
        TokenRevoked = "token_revoked", "Revoked a token";
        TokenRefused = "token_refused", "Token refused";
        PasswordChanged = "password_changed", "Changed the password";
        /// A route that the role does not allow.
        AccessRefused = "access_refused", "Access refused";
        /// A note with its rows and suggestions was shown.
        EntryViewed = "entry_viewed", "Viewed an entry";
        EntriesSearched = "entries_searched", "Searched entries";
        /// Of another site, queue or category than before.
        EntryPlaced = "entry_placed", "Moved an entry";
        /// Outside of what is open to the person, or as written where they see masked notes: with a reason.
        AccessOpened = "access_opened", "Opened a note with a reason";
        AccessEnded = "access_ended", "Gave up what a reason opened";
        AccessJudged = "access_judged", "Judged a reason";
        Decided = "decided", "Decided";
        SuggestedAgain = "suggested_again", "Asked for suggestions again";
        JobRetried = "job_retried", "Retried a job";
        NotesImported = "notes_imported", "Imported notes";
        CorrectionsExported = "corrections_exported", "Exported corrections";
        MemoryViewed = "memory_viewed", "Viewed the memory";
        MemoryDeleted = "memory_deleted", "Deleted from the memory";
        TemplateSaved = "template_saved", "Saved a template";
        ChecksSet = "checks_set", "Set the checks";
        ChecksTried = "checks_tried", "Tried checks on finished entries";
        CodesImported = "codes_imported", "Imported code systems";
        CodesRemoved = "codes_removed", "Put a code system away";
        UserCreated = "user_created", "Created a user";
        UserChanged = "user_changed", "Changed a user";
        /// Of the installation or of the database's file.
        KeysChanged = "keys_changed", "Changed the keys";
        BackupMade = "backup_made", "Made a backup";
        BackupRestored = "backup_restored", "Restored a backup";
        AuditViewed = "audit_viewed", "Viewed the audit trail";
        AuditExported = "audit_exported", "Exported the audit trail";
        AuditReviewed = "audit_reviewed", "Signed off the audit trail";
    }
}

impl AuditAction {
    /// The kind of operation by HL7 FHIR (`AuditEvent.action`): create, read, update, delete, execute.
    pub fn operation(self) -> char {
        match self {
            Self::NotesImported
            | Self::CodesImported
            | Self::UserCreated
            | Self::BackupRestored
            | Self::SecondFactorAdded
            | Self::RecoveryCodesMade
            | Self::InvitationMade
            | Self::AccessOpened
            | Self::TokenMade => 'C',
            Self::EntryViewed
            | Self::EntriesSearched
            | Self::CorrectionsExported
            | Self::MemoryViewed
            | Self::AuditViewed
            | Self::AuditExported
            | Self::BackupMade => 'R',
            Self::Decided
            | Self::PasswordChanged
            | Self::TemplateSaved
            | Self::ChecksSet
            | Self::EntryPlaced
            | Self::KeysChanged
            | Self::AccessJudged
            | Self::UserChanged => 'U',
            Self::MemoryDeleted
            | Self::CodesRemoved
            | Self::SecondFactorRemoved
            | Self::SecondFactorReset
            | Self::SessionsEnded
            | Self::AccessEnded
            | Self::TokenRevoked => 'D',
            Self::SignedIn
            | Self::SignInRefused
            | Self::SignedOut
            | Self::SessionLocked
            | Self::SessionUnlocked
            | Self::RecoveryCodeUsed
            | Self::InvitationAccepted
            | Self::TokenRefused
            | Self::AccessRefused
            | Self::SuggestedAgain
            | Self::JobRetried
            | Self::ChecksTried
            | Self::AuditReviewed => 'E',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_wire_and_come_back() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
            let wire = serde_json::to_value(action).unwrap();
            assert_eq!(wire.as_str(), Some(action.as_str()));
        }
        assert_eq!(AuditAction::parse("nothing"), None);
        for permission in crate::Permission::ALL {
            let wire = serde_json::to_value(permission).unwrap();
            assert_eq!(wire.as_str().and_then(crate::Permission::parse), Some(*permission));
        }
    }
}
