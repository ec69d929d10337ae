use proptest::prelude::*;

use super::*;
use crate::NoteKind;

pub(crate) const TABULAR: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <version>2026</version>
  <chapter>
    <name>19</name>
    <desc>Injury (S00-T88)</desc>
    <excludes2><note>birth trauma (P10-P15)</note></excludes2>
    <sectionIndex><sectionRef first="S00" last="S09" id="S00-S09">Injuries</sectionRef></sectionIndex>
    <section id="S00-S90"><desc>Injuries of the body (S00-S90)</desc>
      <includes><note>wounds
         of all kinds</note></includes></section>
    <section id="S00-S09"><desc>Injuries to the head (S00-S09)</desc>
      <diag><name>S06</name><desc>Intracranial injury</desc>
        <sevenChrNote><note>add a 7th character</note></sevenChrNote>
        <sevenChrDef>
          <extension char="A">initial encounter</extension>
          <extension char="D">subsequent encounter</extension>
          <note>healing</note>
        </sevenChrDef>
        <diag><name>S06.1</name><desc>Traumatic cerebral edema</desc>
          <inclusionTerm><note>Diffuse traumatic cerebral edema</note></inclusionTerm>
          <excludes1><note>nontraumatic (G93.6)</note></excludes1>
        </diag>
        <diag><name>S06.2</name><desc>Diffuse injury</desc></diag>
      </diag>
    </section>
    <section id="T07"><desc>Unspecified multiple injuries (T07)</desc>
      <diag><name>T07</name><desc>Unspecified multiple injuries</desc></diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"#;

pub(crate) const LIST: &str = "19\nS00-S90\nS00-S09\nS06\nS061\nS061XXA\nS061XXD\nS062\nS062XXA\nT07\nT07\n";

pub(crate) fn build_from(tabular: &str, list: &str) -> Result<(Release, Report), SourceError> {
    build(&Source {
        id: "icd-10-cm-test",
        title: "Test",
        effective: "2026-04-01",
        tabular: ("tabular.xml", tabular.as_bytes()),
        list: ("list.txt", list.as_bytes()),
    })
}

pub(crate) fn small() -> Release {
    build_from(TABULAR, LIST).unwrap().0
}

#[test]
fn completes_codes_by_the_inherited_seventh_character() {
    let (release, report) = build_from(TABULAR, LIST).unwrap();
    let code = release.get("s061xxa").unwrap();
    assert_eq!((code.code(), code.title()), ("S06.1XXA", "Traumatic cerebral edema, initial encounter"));
    assert!(code.billable());
    assert_eq!(code.parent().unwrap().code(), "S06.1");
    assert!(!release.is_billable("S06.1"));
    assert_eq!(release.get("S06.1").unwrap().seventh_characters().count(), 2);
    assert_eq!(release.get("S06").unwrap().seventh_characters().nth(1).unwrap().note, Some("healing"));
    assert_eq!(report.left_out, ["S06.2XXD"]);
    assert_eq!((report.codes, report.list_codes, report.billable), (7, 8, 4));
}

#[test]
fn blocks_without_categories_pass_their_notes_down() {
    let release = small();
    let texts: Vec<(NoteKind, &str)> = release.notes("S06.1XXA").iter().map(|n| (n.kind, n.text)).collect();
    assert_eq!(
        texts,
        [
            (NoteKind::Excludes1, "nontraumatic (G93.6)"),
            (NoteKind::SeventhCharacterNote, "add a 7th character"),
            (NoteKind::Includes, "wounds of all kinds"),
            (NoteKind::Excludes2, "birth trauma (P10-P15)"),
        ]
    );
    assert_eq!(release.get("T07").unwrap().ancestors().count(), 2);
}

#[test]
fn a_name_shared_by_block_and_category_means_the_category() {
    assert!(small().get("T07").unwrap().is_code());
}

#[test]
fn broken_xml_is_refused_with_its_place() {
    let broken = TABULAR.replace("</version>", "</versio>");
    let Err(SourceError::Xml { line, column, .. }) = build_from(&broken, LIST) else { panic!("not refused") };
    assert_eq!((line, column), (3, 16));
}

#[test]
fn document_types_and_entities_are_refused() {
    let head = "<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"b\">]>";
    let with = TABULAR.replace("<?xml version=\"1.0\" encoding=\"utf-8\"?>", head);
    assert!(matches!(build_from(&with, LIST), Err(SourceError::Xml { .. })));
    let entity = TABULAR.replace("Intracranial", "&evil;");
    assert!(matches!(build_from(&entity, LIST), Err(SourceError::Xml { line: 13, .. })));
}

#[test]
fn unknown_elements_and_bad_codes_are_refused_with_their_line() {
    let unknown = TABULAR.replace("<excludes1>", "<excludes9>").replace("</excludes1>", "</excludes9>");
    assert!(matches!(build_from(&unknown, LIST), Err(SourceError::Tabular { line: 22, .. })));
    let bad = TABULAR.replace("<name>S06.2</name>", "<name>S0.62</name>");
    assert!(matches!(build_from(&bad, LIST), Err(SourceError::Tabular { line: 24, .. })));
    assert!(matches!(build_from(TABULAR, "S06\nnot\n"), Err(SourceError::List { line: 2, .. })));
}

#[test]
fn disagreement_of_the_files_is_refused_both_ways() {
    let more = format!("{LIST}S069\n");
    let expected = SourceError::NotInTabular { count: 1, first: "S069".into(), line: 12 };
    assert_eq!(build_from(TABULAR, &more).unwrap_err(), expected);
    let less = LIST.replace("S062\n", "");
    assert_eq!(
        build_from(TABULAR, &less).unwrap_err(),
        SourceError::NotInList { count: 1, first: "S06.2".into() }
    );
}

#[test]
fn a_code_given_twice_is_refused() {
    let twice = TABULAR.replace("S06.2</name>", "S06.1</name>");
    assert!(build_from(&twice, LIST).is_err());
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_place() {
    let source =
        Source { id: "x", title: "x", effective: "x", tabular: ("t", b"<a>\xff</a>"), list: ("l", b"A00\n") };
    assert_eq!(build(&source).unwrap_err(), SourceError::NotUtf8 { file: "tabular", byte: 3 });
}

proptest! {
    #[test]
    fn no_damage_to_the_tabular_panics(at in 0..TABULAR.len(), with in "[<>&;\"a-z0-9 /]{0,4}", cut in 0usize..40) {
        let end = (at + cut).min(TABULAR.len());
        let damaged = format!("{}{with}{}", &TABULAR[..at], &TABULAR[end..]);
        let _ = build_from(&damaged, LIST);
    }

    #[test]
    fn no_list_panics(list in "[A-Z0-9. \\n-]{0,60}") {
        let _ = build_from(TABULAR, &list);
    }
}
