//! A template as text that an administrator edits: read, checked, and its faults told with their place.

use overread_domain::Template;

/// A fault with its line, from 1, where it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: Option<usize>,
    pub message: String,
}

/// Reads and checks. A fault of form has a line; one of sense has the line of the id that it names.
pub fn read(text: &str) -> Result<Template, Fault> {
    let template: Template = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        Fault { line: Some(error.line()), message }
    })?;
    template.check().map_err(|error| {
        let message = error.to_string();
        let named = message.split('"').nth(1).map(str::to_owned);
        let line = named.and_then(|id| {
            let last = id.rsplit('.').next().unwrap_or_default().to_owned();
            let wanted = format!("\"{last}\"");
            (1..).zip(text.lines()).filter(|(_, line)| line.contains(&wanted)).map(|(at, _)| at).last()
        });
        Fault { line, message }
    })?;
    Ok(template)
}

/// What saving would change, in words.
pub fn differences(before: &Template, after: &Template) -> Vec<String> {
    let mut told = Vec::new();
    if before.name != after.name {
        told.push(format!("name: {} → {}", before.name, after.name));
    }
    for field in after.fields() {
        match before.field(&field.id) {
            None => told.push(format!("new field {}", field.id)),
            Some(old) if old != field => told.push(format!("changed field {}", field.id)),
            Some(_) => {}
        }
    }
    for field in before.fields() {
        if after.field(&field.id).is_none() {
            told.push(format!("field {} taken out", field.id));
        }
    }
    if told.is_empty() && before.groups != after.groups {
        told.push("order or groups".to_owned());
    }
    told
}

/// Line and column, from 1, where a line begins: its offset in UTF-16 units, as text boxes count.
pub fn line_start_utf16(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.saturating_sub(1)).map(|line| line.encode_utf16().count()).sum()
}

#[cfg(test)]
mod tests {
    use overread_domain::template::ENCOUNTER_ABSTRACT;

    use super::*;

    #[test]
    fn tells_the_line_of_a_fault_of_form() {
        let broken = ENCOUNTER_ABSTRACT.replacen("\"cardinality\": \"one\"", "\"cardinality\": \"two\"", 1);
        let fault = read(&broken).unwrap_err();
        assert!(fault.line.is_some_and(|line| line > 5));
        assert!(fault.message.contains("two"), "{}", fault.message);
        assert!(!fault.message.contains("line"));
    }

    #[test]
    fn tells_the_line_of_a_fault_of_sense() {
        let twin = ENCOUNTER_ABSTRACT.replacen("\"id\": \"sex\"", "\"id\": \"age\"", 1);
        let fault = read(&twin).unwrap_err();
        let line = fault.line.unwrap();
        assert!(twin.lines().nth(line - 1).unwrap().contains("\"age\""));
    }

    #[test]
    fn says_what_saving_would_change() {
        let before = read(ENCOUNTER_ABSTRACT).unwrap();
        let mut after = before.clone();
        assert_eq!(differences(&before, &after), Vec::<String>::new());
        after.groups[0].fields[0].required = false;
        after.groups[0].fields.remove(1);
        assert_eq!(differences(&before, &after), ["changed field age", "field sex taken out"]);
    }

    #[test]
    fn counts_lines_as_text_boxes_do() {
        assert_eq!(line_start_utf16("a\n😀\nb", 3), 5);
        assert_eq!(line_start_utf16("a", 1), 0);
    }
}
