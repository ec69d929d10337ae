//! One line of JSON Lines.

use std::fmt;

use overread_domain::{NoteId, NoteMeta};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::{FaultKind, Limits, encoding, fields};

/// A fault within a line: what, at which byte of the line, in which key.
pub type LineFault = (FaultKind, Option<usize>, Option<&'static str>);

const KEYS: [&str; 10] = [
    "id",
    "text",
    "title",
    "document_type",
    "service_date",
    "encounter",
    "patient",
    "site",
    "queue",
    "sensitivity",
];

/// Every fault of the line is told, not only the first.
pub fn read_line(bytes: &[u8], limits: Limits) -> Result<(NoteId, String, NoteMeta), Vec<LineFault>> {
    let line = encoding::decode(bytes).map_err(|(kind, at)| vec![(kind, Some(at), None)])?;
    let object = parse(line).map_err(|fault| vec![fault])?;

    let mut faults: Vec<LineFault> =
        object.twice.iter().map(|key| (FaultKind::KeyTwice, None, Some(*key))).collect();
    let mut id = None;
    let mut text = None;
    let mut meta = NoteMeta::default();
    for (key, value) in KEYS.into_iter().zip(object.values) {
        let needed = matches!(key, "id" | "text");
        let outcome = match value {
            None if needed => Err(FaultKind::Missing),
            None => Ok(()),
            Some(Value::Null) if !needed => Ok(()),
            Some(value) if key == "sensitivity" => {
                fields::sensitivity(&value).map(|value| meta.sensitivity = value)
            }
            Some(Value::String(value)) => match key {
                "id" => fields::id(&value).map(|value| id = Some(value)),
                "text" => fields::text(&value, limits).map(|()| text = Some(value)),
                "service_date" => fields::date(&value).map(|value| fields::set(&mut meta, key, value)),
                _ => fields::meta(&value).map(|value| fields::set(&mut meta, key, value)),
            },
            Some(_) => Err(FaultKind::NotAString),
        };
        if let Err(kind) = outcome {
            faults.push((kind, None, Some(key)));
        }
    }
    match (id, text) {
        (Some(id), Some(text)) if faults.is_empty() => Ok((id, text, meta)),
        _ => Err(faults),
    }
}

/// The values of [`KEYS`], in that order.
#[derive(Default)]
struct Object {
    values: [Option<Value>; KEYS.len()],
    twice: Vec<&'static str>,
}

fn parse(line: &str) -> Result<Object, LineFault> {
    // What follows the JSON's white space decides: serde_json's own message for "not an object" repeats the value.
    if !line.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return match serde_json::from_str::<IgnoredAny>(line) {
            Ok(_) => Err((FaultKind::NotAnObject, None, None)),
            Err(error) => Err(syntax(&error)),
        };
    }
    let mut reader = serde_json::Deserializer::from_str(line);
    let object = Keys.deserialize(&mut reader).map_err(|error| syntax(&error))?;
    reader.end().map_err(|error| syntax(&error))?;
    Ok(object)
}

fn syntax(error: &serde_json::Error) -> LineFault {
    let whole = error.to_string();
    // Only syntax errors come here, and their sentences hold no input; the place stands in the fault already.
    let sentence = whole.split(" at line ").next().unwrap_or_default().to_owned();
    (FaultKind::Json(sentence), error.column().checked_sub(1), None)
}

struct Keys;

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key::<String>()? {
            let Some(index) = KEYS.iter().position(|known| *known == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<Value>()?;
            if object.values[index].replace(value).is_some() && !object.twice.contains(&KEYS[index]) {
                object.twice.push(KEYS[index]);
            }
        }
        Ok(object)
    }
}
