//! `overread audit`

use std::io::Write as _;

use anyhow::Result;
use overread_domain::{AuditAction, Timestamp};
use overread_store::{AuditRow, Origin, Store};
use serde_json::{Value, json};

use crate::Exit;
use crate::cli::{Audit, AuditFormat};
use crate::parts;
use crate::settings::Settings;

/// Rows read at once.
const PAGE: u32 = 1_000;

pub async fn run(settings: &Settings, command: &Audit) -> Result<()> {
    let (store, _) = parts::store(settings).await?;
    let done = match command {
        Audit::Verify => verify(&store).await,
        Audit::Export { format, after } => export(&store, *format, *after).await,
    };
    store.close().await;
    done
}

async fn verify(store: &Store) -> Result<()> {
    match store.verify_audit().await? {
        Ok(chain) => {
            println!("{} rows, whole; the last has the hash {}", chain.rows, chain.hash);
            for review in store.audit_reviews(u32::MAX).await? {
                let (at, by) = (time(review.at), review.user);
                println!("signed off up to row {} by {by} at {at}: {}", review.seq, review.comment);
            }
            Ok(())
        }
        Err(broken) => Err(Exit::Broken(format!("the audit trail is broken: {broken}")).into()),
    }
}

/// Writes the trail to standard output, the oldest row first, and records that it was.
async fn export(store: &Store, format: AuditFormat, after: u64) -> Result<()> {
    let origin = Origin { request: "command".to_owned(), address: "local".to_owned() };
    let event = overread_store::Event::new(AuditAction::AuditExported, None, &origin);
    store.record(event).await?;
    let out = std::io::stdout();
    let mut out = std::io::BufWriter::new(out.lock());
    let mut seq = after;
    loop {
        let rows = store.audit_after(seq, PAGE).await?;
        let Some(last) = rows.last() else { break };
        seq = last.seq;
        for row in rows {
            let line = match format {
                AuditFormat::Json => plain(&row),
                AuditFormat::Fhir => fhir(&row),
            };
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// RFC 3339, in UTC.
fn time(at: Timestamp) -> String {
    let millis = at.0.rem_euclid(86_400_000);
    let (seconds, rest) = (millis / 1000, millis % 1000);
    format!("{}T{:02}:{:02}:{:02}.{rest:03}Z", at.day(), seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn plain(row: &AuditRow) -> Value {
    json!({
        "seq": row.seq, "at": time(row.at), "action": row.event.action, "user": row.event.user,
        "subject": row.event.subject, "detail": row.event.detail, "request": row.event.origin.request,
        "address": row.event.origin.address, "hash": row.hash,
    })
}

/// HL7 FHIR R4 `AuditEvent` (<https://hl7.org/fhir/R4/auditevent.html>), one resource a line.
fn fhir(row: &AuditRow) -> Value {
    let event = &row.event;
    let refused = matches!(event.action, AuditAction::SignInRefused | AuditAction::AccessRefused);
    let detail: Vec<Value> = event
        .detail
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([("request", event.origin.request.as_str()), ("hash", row.hash.as_str())])
        .map(|(name, value)| json!({ "type": name, "valueString": value }))
        .collect();
    let user = event.user.as_ref().map_or("nobody signed in", |user| user.as_str());
    let mut entity = json!({ "detail": detail });
    if let Some(subject) = &event.subject {
        entity["what"] = json!({ "identifier": { "value": subject } });
    }
    json!({
        "resourceType": "AuditEvent",
        "id": row.seq.to_string(),
        "type": { "system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest" },
        "subtype": [{ "system": "urn:overread:audit-action", "code": event.action, "display": event.action.label() }],
        "action": event.action.operation().to_string(),
        "recorded": time(row.at),
        // 0: success, 4: minor failure.
        "outcome": if refused { "4" } else { "0" },
        "agent": [{
            "who": { "identifier": { "value": user } },
            "requestor": true,
            // 2: by IP address.
            "network": { "address": event.origin.address, "type": "2" },
        }],
        "source": { "observer": { "display": "Overread" } },
        "entity": [entity],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_an_audit_event() {
        let origin = Origin { request: "r1".into(), address: "192.0.2.7".into() };
        let user = overread_domain::UserId::new("ann");
        let event = overread_store::Event::new(AuditAction::EntryViewed, Some(&user), &origin)
            .on("e1")
            .with("suggestion_set", "s1");
        let row = AuditRow { seq: 7, at: Timestamp(1_767_603_600_123), event, hash: "h".into() };
        let told = fhir(&row);
        assert_eq!(told["resourceType"], "AuditEvent");
        assert_eq!((&told["action"], &told["outcome"]), (&json!("R"), &json!("0")));
        assert_eq!(told["recorded"], "2026-01-05T09:00:00.123Z");
        assert_eq!(told["agent"][0]["who"]["identifier"]["value"], "ann");
        assert_eq!(told["entity"][0]["what"]["identifier"]["value"], "e1");
        assert_eq!(told["entity"][0]["detail"][0], json!({ "type": "suggestion_set", "valueString": "s1" }));
        assert_eq!(plain(&row)["action"], "entry_viewed");
    }
}
