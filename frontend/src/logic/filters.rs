//! The queue's filters, as they stand in the page's address and in the request.

use overread_api::entry::{NextQuery, QueueQuery, QueueSort};
use overread_api::path::encode;
use overread_domain::EntryStatus;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    pub status: Option<EntryStatus>,
    pub document_type: Option<String>,
    pub text: String,
    pub sort: QueueSort,
}

pub const SORTS: [(QueueSort, &str, &str); 3] = [
    (QueueSort::Oldest, "oldest", "Oldest first"),
    (QueueSort::Newest, "newest", "Newest first"),
    (QueueSort::Confidence, "confidence", "Least sure first"),
];

pub fn parse_sort(name: &str) -> QueueSort {
    SORTS.into_iter().find(|(_, known, _)| *known == name).map_or(QueueSort::Oldest, |(sort, ..)| sort)
}

pub fn sort_name(sort: QueueSort) -> &'static str {
    SORTS.into_iter().find(|(known, ..)| *known == sort).map_or("oldest", |(_, name, _)| name)
}

impl Filters {
    /// Reads the page's address; what it does not know is left out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let full = |name: &str| get(name).filter(|value| !value.is_empty());
        Self {
            status: full("status").and_then(|status| EntryStatus::parse(&status)),
            document_type: full("type"),
            text: full("q").unwrap_or_default(),
            sort: full("sort").map(|sort| parse_sort(&sort)).unwrap_or_default(),
        }
    }

    /// The page's address with these filters.
    pub fn address(&self) -> String {
        let mut parts = Vec::new();
        if let Some(status) = self.status {
            parts.push(("status", status.as_str().to_owned()));
        }
        if let Some(document_type) = &self.document_type {
            parts.push(("type", document_type.clone()));
        }
        if !self.text.trim().is_empty() {
            parts.push(("q", self.text.trim().to_owned()));
        }
        if self.sort != QueueSort::Oldest {
            parts.push(("sort", sort_name(self.sort).to_owned()));
        }
        format!("/{}", query(&parts))
    }

    pub fn is_narrow(&self) -> bool {
        self.status.is_some() || self.document_type.is_some() || !self.text.trim().is_empty()
    }

    pub fn request(&self, after: Option<String>, limit: u32) -> QueueQuery {
        let text = self.text.trim();
        QueueQuery {
            status: self.status,
            document_type: self.document_type.clone(),
            q: (!text.is_empty()).then(|| text.to_owned()),
            sort: Some(self.sort),
            after,
            limit: Some(limit),
        }
    }

    pub fn next(&self, after_entry: Option<String>) -> NextQuery {
        let status = self.status.filter(|status| *status != EntryStatus::Finished);
        NextQuery { after_entry, status, document_type: self.document_type.clone() }
    }
}

/// `?a=b&c=d`, or nothing.
pub fn query(parts: &[(&str, String)]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let joined: Vec<String> = parts.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("?{}", joined.join("&"))
}

/// The query string of a flat request; fields that are null are left out.
pub fn query_of(request: &impl serde::Serialize) -> String {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(request) else { return String::new() };
    let parts: Vec<(&str, String)> = fields
        .iter()
        .filter_map(|(name, value)| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some((name.as_str(), text.clone())),
            other => Some((name.as_str(), other.to_string())),
        })
        .collect();
    query(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_filters() {
        let filters = Filters {
            status: Some(EntryStatus::InProgress),
            document_type: Some("ED & clinic".into()),
            text: "a b".into(),
            sort: QueueSort::Confidence,
        };
        let address = filters.address();
        assert_eq!(address, "/?status=in_progress&type=ED%20%26%20clinic&q=a%20b&sort=confidence");
        let read = Filters::read(|name| {
            match name {
                "status" => Some("in_progress"),
                "type" => Some("ED & clinic"),
                "q" => Some("a b"),
                "sort" => Some("confidence"),
                _ => None,
            }
            .map(str::to_owned)
        });
        assert_eq!(read, filters);
    }

    #[test]
    fn ignores_what_it_does_not_know() {
        assert_eq!(Filters::read(|_| Some("?".into())).status, None);
        assert_eq!(Filters::default().address(), "/");
    }

    #[test]
    fn requests_leave_empty_fields_out() {
        let request = Filters { text: "  ".into(), ..Filters::default() }.request(None, 50);
        assert_eq!(query_of(&request), "?limit=50&sort=oldest");
    }

    #[test]
    fn next_never_asks_for_finished_entries() {
        let filters = Filters { status: Some(EntryStatus::Finished), ..Filters::default() };
        assert_eq!(filters.next(None).status, None);
    }
}
