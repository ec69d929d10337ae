//! Who the page shows, and who it speaks for.

use overread_domain::UserId;

/// Whether a session belongs to somebody else than the person this page has served. Nothing of the one may then go
/// out for the other, so the page has to begin anew.
pub fn is_another(served: Option<&UserId>, now: &UserId) -> bool {
    served.is_some_and(|served| served != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_person_than_before_is_another() {
        let (ann, bob) = (UserId::new("ann"), UserId::new("bob"));
        assert!(!is_another(None, &ann));
        assert!(!is_another(Some(&ann), &ann));
        assert!(is_another(Some(&ann), &bob));
    }
}
