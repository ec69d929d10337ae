use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::ListKind;
use crate::source::tests::{LIST, TABULAR};

const TABLES: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<ICD10PCS.tabular>
  <version>2026</version>
  <pcsTable>
    <axis pos="1" values="1"><title>Section</title><label code="0">Medical and Surgical</label></axis>
    <axis pos="2" values="1"><title>Body System</title><label code="F">Hepatobiliary System</label></axis>
    <axis pos="3" values="1"><title>Operation</title><label code="T">Resection</label>
      <definition>Cutting out or off, without replacement, all of a body part</definition></axis>
    <pcsRow codes="2">
      <axis pos="4" values="1"><title>Body Part</title><label code="4">Gallbladder</label></axis>
      <axis pos="5" values="2"><title>Approach</title><label code="0">Open</label>
        <label code="4">Percutaneous Endoscopic</label></axis>
      <axis pos="6" values="1"><title>Device</title><label code="Z">No Device</label></axis>
      <axis pos="7" values="1"><title>Qualifier</title><label code="Z">No Qualifier</label></axis>
    </pcsRow>
  </pcsTable>
</ICD10PCS.tabular>
"#;

fn file(name: &str, bytes: impl AsRef<[u8]>) -> File {
    File { name: name.to_owned(), bytes: bytes.as_ref().to_vec() }
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn one(files: Vec<File>, options: &Options) -> Imported {
    let (mut out, _) = import(files, options).unwrap();
    assert_eq!(out.len(), 1);
    out.remove(0)
}

fn refused(files: Vec<File>) -> String {
    import(files, &Options { effective: Some("2025-10-01".into()), ..Options::default() })
        .unwrap_err()
        .to_string()
}

#[test]
fn zipped_official_files_become_a_release() {
    let zip = zipped(&[
        ("tabular.xml", TABULAR.as_bytes()),
        ("codes.txt", LIST.as_bytes()),
        ("readme.pdf", b"%PDF"),
    ]);
    let (out, report) = import(vec![file("2026.zip", zip)], &Options::default()).unwrap();
    let Imported::Release(release) = &out[0] else { panic!("a release") };
    // The fiscal year 2026 begins in October 2025.
    assert_eq!((release.id(), release.effective()), ("icd-10-cm-2025-10", "2025-10-01"));
    assert_eq!(report.files.len(), 3);
    assert!(report.results[0].contains("7 codes"), "{:?}", report.results);
    let back = Release::from_bytes(&out[0].to_bytes().unwrap()).unwrap();
    assert_eq!(back.content_hash(), release.content_hash());
}

#[test]
fn order_files_serve_as_lists() {
    let order = "00001 S06     0 x    x\n00002 S061    0 x    x\n00003 S061XXA 1 x    x\n00004 S061XXD 1 x   x\n\
                 00005 S062    0 x    x\n00006 S062XXA 1 x    x\n00007 T07     1 x    x\n";
    let Imported::Release(release) =
        one(vec![file("t.xml", TABULAR), file("order.txt", order)], &Options::default())
    else {
        panic!("a release")
    };
    assert!(release.is_billable("S06.1XXA") && !release.is_billable("S06.2XXD"));
}

#[test]
fn procedures_are_built_axis_by_axis() {
    let Imported::Release(release) = one(vec![file("tables.xml", TABLES)], &Options::default()) else {
        panic!("a release")
    };
    assert_eq!(release.id(), "icd-10-pcs-2025-10");
    let code = release.get("0ft44zz").unwrap();
    assert_eq!((code.code(), code.title()), ("0FT44ZZ", "Resection, Gallbladder, Percutaneous Endoscopic"));
    let start = release.construct("").unwrap();
    assert_eq!(
        (start.axis.as_deref(), start.values[0].label.as_str()),
        (Some("Section"), "Medical and Surgical")
    );
    let part = release.construct("0FT4").unwrap();
    assert_eq!(part.axis.as_deref(), Some("Approach"));
    assert_eq!(part.values.iter().map(|v| v.character).collect::<String>(), "04");
    assert!(part.definition.unwrap().starts_with("Cutting out"));
    assert_eq!(part.chosen[3].label, "Gallbladder");
    let done = release.construct("0FT44ZZ").unwrap();
    assert_eq!(done.code.unwrap().code(), "0FT44ZZ");
    assert!(release.construct("0FT9").is_none() && release.construct("0FT44ZZZ").is_none());
    assert_eq!(release.search("gallbladder resection", &crate::Options::default())[0].code, "0FT40ZZ");
}

#[test]
fn lists_say_what_the_rules_ask() {
    let options = Options { effective: Some("2019-10-01".into()), ..Options::default() };
    let mce = "MCE_Version\tICD_Version\tMCE_Section\tMCE_Subsection\tMCE_Edit_Type\tICD_Code_Type\tICD_Code\tICD_Desc\n\
               37\t10\t4\tA\tNewborn_Only\tD\tA33\tTetanus neonatorum\n37\t10\t9\t_\tPrincipal_Unacceptable\tD\tZ87891\tx\n\
               37\t10\t5\tA\tFemale_Only\tP\t0UT90ZZ\tx\n";
    let Imported::List(list) = one(vec![file("mce.txt", mce)], &options) else { panic!("a list") };
    assert!(list.says("A33", "newborn") && list.says("Z87.891", "unacceptable_principal"));
    assert_eq!(list.rows.len(), 2);
    let poa = "Order2020\tPOAexemptCode\tDescription\n01225\tB90.0\tSequelae\n";
    let Imported::List(list) = one(vec![file("POA2020.txt", poa)], &Options::default()) else {
        panic!("a list")
    };
    assert_eq!((list.id.as_str(), list.holds("B90.0")), ("poa-exempt-2019-10", true));
    let ccsr = "'ICD-10-CM CODE','ICD-10-CM CODE DESCRIPTION','CCSR CATEGORY 1','CCSR CATEGORY 1 DESCRIPTION'\n\
                'A000','Cholera','DIG001','Intestinal infection'\n";
    let Imported::List(list) = one(vec![file("ccsr.csv", ccsr)], &options) else { panic!("a list") };
    assert_eq!(list.of("A00.0"), [["DIG001".to_owned(), "Intestinal infection".to_owned()]]);
    let gem = "A000    0010  00000\nA0011   0011  00000\nZ9989XA V461  10000\n";
    let Imported::List(list) = one(vec![file("gem.txt", gem)], &options) else { panic!("a list") };
    assert_eq!((list.kind, list.of("A0011")[0][0].as_str()), (ListKind::GemBack, "0011"));
    let gem = "0010    A000  00000\nV461    Z9989 10000\n";
    let Imported::List(list) = one(vec![file("gem.txt", gem)], &options) else { panic!("a list") };
    assert_eq!((list.kind, list.of("001.0")[0][0].as_str()), (ListKind::Gem, "A000"));
}

#[test]
fn index_and_tables_become_books() {
    let drugs = r#"<?xml version="1.0"?><ICD10CM.index><version>2026</version>
<indexHeading><head col="1">Substance</head><head col="2">Accidental</head><head col="3">Adverse effect</head></indexHeading>
<letter><title>A</title><mainTerm><title>Aspirin<nemod>(aluminum)</nemod></title><cell col="2">T39.011</cell>
<cell col="3">--</cell><term level="1"><title>tablets</title><seeAlso>Salicylates</seeAlso><cell col="2">T39.012</cell></term>
</mainTerm></letter></ICD10CM.index>"#;
    let Imported::Book(book) = one(vec![file("drug.xml", drugs)], &Options::default()) else {
        panic!("a book")
    };
    assert_eq!((book.kind, book.id.as_str()), (crate::BookKind::Drugs, "icd-10-cm-drugs-2025-10"));
    assert_eq!(book.columns, ["Accidental", "Adverse effect"]);
    assert_eq!((book.lines[0].modifiers.as_str(), book.lines[0].codes[1].as_str()), ("(aluminum)", ""));
    assert_eq!(book.lines[1].see, "see also Salicylates");
    assert_eq!(book.leading_to("T39.012A"), [1]);
    assert!(
        refused(vec![file("bad.xml", drugs.replace("col=\"2\">T39.011", "col=\"9\">T39.011"))])
            .contains("line 3")
    );
}

#[test]
fn a_sites_own_system_has_its_hierarchy() {
    let options = Options {
        effective: Some("2026-01-01".into()),
        system: Some("local-units".into()),
        ..Options::default()
    };
    let csv = "code,title,parent\nW,Wards,\nW1,\"Ward one, east\",W\nX,Other,\nW2,Ward two,W\n";
    let Imported::Release(release) = one(vec![file("units.csv", csv)], &options) else { panic!("a release") };
    assert_eq!(release.get("w1").unwrap().parent().unwrap().code(), "W");
    assert_eq!(release.children("W").count(), 2);
    let orphan = import(vec![file("u.csv", "code,title,parent\nW1,x,W\n")], &options).unwrap_err();
    assert_eq!(orphan.to_string(), "u.csv line 2: W1 stands under W, which did not come before it");
    let twice = import(vec![file("u.csv", "code,title\nW,x\nW,y\n")], &options).unwrap_err();
    assert!(twice.to_string().contains("line 3"), "{twice}");
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    assert!(refused(vec![file("x.bin", b"\0\x01\x02")]).contains("no file of a code system"));
    assert!(refused(vec![file("t.xml", TABULAR)]).contains("list of codes"));
    assert!(refused(vec![file("l.txt", LIST)]).contains("tabular XML"));
    let whole = zipped(&[("t.xml", TABULAR.as_bytes())]);
    assert!(refused(vec![file("cut.zip", &whole[..whole.len() / 2])]).contains("cut.zip"));
    let nested = zipped(&[("inner.zip", &whole)]);
    assert!(refused(vec![file("n.zip", nested)]).contains("within an archive"));
    let entity = TABLES.replace("<version>", "<!DOCTYPE x [<!ENTITY a \"b\">]><version>");
    assert!(refused(vec![file("e.xml", entity)]).contains("line"));
    let hollow = TABLES.replace("<label code=\"4\">Gallbladder</label>", "");
    assert!(refused(vec![file("h.xml", hollow)]).contains("line 10"));
    let no_date = import(
        vec![file("mce.txt", "MCE_Version\tICD_Code_Type\tMCE_Edit_Type\tICD_Code\n1\tD\tx\tA33\n")],
        &Options::default(),
    );
    assert!(no_date.unwrap_err().to_string().contains("give the date"));
    let bad = Options { effective: Some("1.10.2025".into()), ..Options::default() };
    assert!(import(vec![file("t.xml", TABULAR)], &bad).unwrap_err().to_string().contains("YYYY-MM-DD"));
}

#[test]
fn archives_that_unpack_to_too_much_are_refused() {
    let zeros = vec![b'a'; 1 << 20];
    let bomb = zipped(&[("a.txt", &zeros)]);
    assert!(bomb.len() < 8 << 10);
    let limits = Limits { file_bytes: 64 << 10, ..Limits::default() };
    let error = import(vec![file("bomb.zip", bomb)], &Options { limits, ..Options::default() }).unwrap_err();
    assert!(error.to_string().contains("unpacks to more than"), "{error}");
    let many: Vec<(String, Vec<u8>)> = (0..20).map(|n| (format!("{n}.txt"), vec![b'a'])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    let limits = Limits { files: 10, ..Limits::default() };
    let error =
        import(vec![file("many.zip", zipped(&many))], &Options { limits, ..Options::default() }).unwrap_err();
    assert!(error.to_string().contains("more than 10 files"), "{error}");
}

#[test]
fn editions_are_compared() {
    let old = crate::source::tests::small();
    let text = TABULAR.replace("Traumatic cerebral edema", "Traumatic brain swelling");
    let text = text.replace("<diag><name>S06.2</name><desc>Diffuse injury</desc></diag>", "");
    let list = LIST.replace("S062\nS062XXA\n", "");
    let (new, _) = crate::source::tests::build_from(&text, &list).unwrap();
    let changes = changes(&old, &new);
    assert_eq!(changes.deleted, ["S06.2", "S06.2XXA"]);
    assert_eq!(changes.revised.len(), 3);
    assert!(changes.added.is_empty() && changes.completeness.is_empty());
    assert_eq!(super::changes(&new, &old).added, ["S06.2", "S06.2XXA"]);
}

const PROCEDURE_INDEX: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<ICD10PCS.index><version>2026</version><title>2026 ICD-10-PCS Index</title>
<letter><title>G</title>
<mainTerm><title>Gall sac</title><use>Gallbladder</use></mainTerm>
<mainTerm><title>Gallbladder removal</title>
<term level="1"><see>Excision, Gallbladder<codes>0FB4</codes></see></term>
<term level="1"><see>Resection, Gallbladder<codes>0FT4</codes></see></term></mainTerm>
<mainTerm><title>Gallbladder look</title><term level="1"><code>0FJ44ZZ</code></term></mainTerm>
</letter></ICD10PCS.index>"#;
const MEANINGS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<ICD10PCS.definitions><version>2026</version><section code="0"><title>Medical and Surgical</title>
<axis pos="4"><title>Body Part</title><terms><title>Gallbladder</title><includes>Gall sac</includes><includes>Bile sac</includes></terms></axis>
<axis pos="5"><title>Approach</title><terms><title>Open</title><definition>Through a cut</definition><explanation>Seen with the eye</explanation></terms></axis>
</section></ICD10PCS.definitions>"#;

#[test]
fn the_index_of_procedures_leads_to_tables() {
    let Imported::Book(book) = one(vec![file("index.xml", PROCEDURE_INDEX)], &Options::default()) else {
        panic!("a book")
    };
    assert_eq!((book.kind, book.id.as_str()), (crate::BookKind::Procedures, "icd-10-pcs-procedures-2025-10"));
    let told: Vec<(&str, &str, usize)> =
        book.lines.iter().map(|l| (l.term.as_str(), l.see.as_str(), l.codes.len())).collect();
    assert_eq!(told[0], ("Gall sac", "use Gallbladder", 0));
    assert_eq!(told[3], ("", "see Resection, Gallbladder", 1));
    // A code is led to by the table and the part that it begins with, the nearest first.
    assert_eq!(book.leading_to("0FT44ZZ"), [3]);
    assert_eq!(book.leading_to("0FJ44ZZ"), [5]);
    assert_eq!(book.find("gallbladder rem", 9)[0], 1);
}

#[test]
fn values_of_axes_have_their_meaning() {
    let files = vec![file("tables.xml", TABLES), file("meanings.xml", MEANINGS)];
    let Imported::Release(release) = one(files, &Options::default()) else { panic!("a release") };
    let part = release.construct("0FT").unwrap();
    assert_eq!(part.values[0].definition.as_deref(), Some("Includes: Gall sac; Bile sac"));
    let approach = release.construct("0FT4").unwrap();
    assert_eq!(approach.values[0].definition.as_deref(), Some("Through a cut. Seen with the eye"));
    assert_eq!(
        (approach.values[1].definition.as_deref(), approach.values[1].label.as_str()),
        (None, "Percutaneous Endoscopic")
    );
    let back = Release::from_bytes(&release.to_bytes(3).unwrap()).unwrap();
    assert!(back.construct("0FT").unwrap().values[0].definition.is_some());
    assert!(refused(vec![file("meanings.xml", MEANINGS)]).contains("tables XML of ICD-10-PCS"));
    let nameless = MEANINGS.replace("<title>Open</title>", "");
    assert!(refused(vec![file("t.xml", TABLES), file("m.xml", nameless)]).contains("line 4"));
}

/// Words of nobody's classification, in the columns of WHO's.
const ELEVEN: &str = "Foundation URI\tLinearization (release) URI\tCode\tBlockId\tTitle\tClassKind\tDepthInKind\tIsResidual\tPrimaryLocation\tChapterNo\n\
    u\tu\t\t\tMade-up ailments\tchapter\t1\tFalse\tTrue\t01\n\
    u\tu\t\tBlockL1-9Z1\t- Ailments of the thumb\tblock\t1\tFalse\tTrue\t01\n\
    u\tu\t9Z10\t\t- - Sore thumb\tcategory\t1\tFalse\tTrue\t01\n\
    u\tu\t9Z10.0\t\t- - - Sore left thumb\tcategory\t2\tFalse\tTrue\t01\n\
    u\tu\t9Z10.Z\t\t\"- - - Sore thumb, unspecified\"\tcategory\t2\tTrue\tTrue\t01\n";

#[test]
fn icd_11_comes_with_its_hierarchy() {
    let options = Options { effective: Some("2026-01-01".into()), ..Options::default() };
    let Imported::Release(release) = one(vec![file("mini.txt", ELEVEN)], &options) else {
        panic!("a release")
    };
    assert_eq!((release.id(), release.len()), ("icd-11-2026-01", 5));
    let left = release.get("9z100").unwrap();
    assert_eq!((left.code(), left.billable()), ("9Z10.0", true));
    let above: Vec<&str> = left.ancestors().map(Entry::code).collect();
    assert_eq!(above, ["9Z10", "BLOCKL1-9Z1", "01"]);
    assert!(!release.get("9Z10").unwrap().billable() && !release.get("BlockL1-9Z1").unwrap().is_code());
    assert_eq!(release.search("thumb unspecified", &crate::Options::default())[0].code, "9Z10.Z");
    let import = |text: String| import(vec![file("mini.txt", text)], &options).unwrap_err().to_string();
    assert!(import(ELEVEN.replace("9Z10.Z", "9Z10.0")).contains("line 6: 9Z10.0 twice"));
    assert!(import(ELEVEN.replace("- - - Sore left", "- - - - - Sore left")).contains("line 5"));
    assert!(import(ELEVEN.replace("block\t1", "heap\t1")).contains("line 3"));
}

#[test]
fn cpt_comes_from_the_licensees_own_list() {
    let options = Options { effective: Some("2026-01-01".into()), ..Options::default() };
    let text = "Concept Id\tCPT Code\tLong\tMedium\tShort\n1\t00001\tAn invented service\tInvented\tInv\n2\t0002T\tAnother one\tOther\tOth\n";
    let Imported::Release(release) = one(vec![file("cpt.txt", text)], &options) else { panic!("a release") };
    assert_eq!((release.id(), release.get("0002t").unwrap().title()), ("cpt-2026-01", "Another one"));
    let wrong = import(vec![file("cpt.txt", text.replace("0002T", "2T"))], &options).unwrap_err();
    assert!(wrong.to_string().contains("line 3"), "{wrong}");
}

#[test]
fn pairs_are_those_of_the_day() {
    let head = "Column 1\tColumn 2\t* = In existence prior to 1996\tEffective Date\tDeletion Date *=no data\tModifier 0=not allowed\n";
    let rows = "00001\t00002\t\t20200101\t*\t0\n00001\t00003\t\t20200101\t20201231\t1\n00001\t00003\t\t20250101\t*\t9\n00001\t00004\t\t20270101\t*\t1\n";
    let on = |day: &str, text: String| {
        let options = Options { effective: Some(day.into()), ..Options::default() };
        import(vec![file("ptp.txt", text)], &options).map(|(mut out, _)| match out.remove(0) {
            Imported::List(list) => list.of("00001").to_vec(),
            _ => panic!("a list"),
        })
    };
    let pairs = |day: &str| -> Vec<String> {
        on(day, format!("{head}{rows}")).unwrap().iter().map(|row| row.join(" ")).collect()
    };
    assert_eq!(pairs("2026-01-01"), ["00002 0", "00003 9"]);
    assert_eq!(pairs("2020-06-01"), ["00002 0", "00003 1"]);
    let overlapping = rows.replace("20250101", "20200601");
    let error = on("2026-01-01", format!("{head}{overlapping}")).unwrap_err().to_string();
    assert!(error.contains("line 4: 00001 and 00003 twice for the same days"), "{error}");
    let backwards = rows.replace("20201231", "20191231");
    assert!(on("2026-01-01", format!("{head}{backwards}")).unwrap_err().to_string().contains("line 3"));
}

#[test]
fn categories_keep_their_columns_whatever_quotes_they_have() {
    let options = Options { effective: Some("2026-01-01".into()), ..Options::default() };
    let head =
        "'ICD-10-CM CODE','ICD-10-CM CODE DESCRIPTION','CCSR CATEGORY 1','CCSR CATEGORY 1 DESCRIPTION'\n";
    for row in [
        "'A000','Cholera, biovar','DIG001','Intestinal infection'",
        "'A000',\"Cholera, biovar\",'DIG001','Intestinal infection'",
    ] {
        let Imported::List(list) = one(vec![file("c.csv", format!("{head}{row}\n"))], &options) else {
            panic!("a list")
        };
        assert_eq!(list.of("A00.0"), [["DIG001".to_owned(), "Intestinal infection".to_owned()]]);
    }
    let shifted = format!("{head}'A000','Cholera','biovar','DIG001'\n");
    let error = import(vec![file("c.csv", shifted)], &options).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    let models = "diagnosis_code,cc,model_name\nA0103,115,CMS-HCC Model V24\nA0103,280,CMS-HCC Model V28\nA0103,5,RxHCC Model V08\n";
    let Imported::List(list) = one(vec![file("hcc.csv", models)], &options) else { panic!("a list") };
    assert_eq!(
        list.of("A01.03").iter().map(|row| row.join(" ")).collect::<Vec<_>>(),
        ["HCC 115 V24", "HCC 280 V28"]
    );
}

#[test]
fn ten_million_lines_are_refused_before_anything_is_made_of_them() {
    let mut text = b"code,title\n".to_vec();
    text.resize(text.len() + 2 * 10_000_000, b'\n');
    for at in (11..text.len()).step_by(2) {
        text[at] = b'x';
    }
    let options =
        Options { effective: Some("2026-01-01".into()), system: Some("own".into()), ..Options::default() };
    let error = import(vec![file("long.csv", text)], &options).unwrap_err();
    assert_eq!(error.to_string(), format!("long.csv line {}: more than {MAX_LINES} lines", MAX_LINES + 1));
}

proptest! {
    #[test]
    fn no_damage_panics(which in 0usize..5, at in 0usize..4000, with in "[<>&;\"\ta-z0-9 /,]{0,4}", cut in 0usize..40) {
        let text = [TABLES, TABULAR, "code,title,parent\nW,Wards,\nW1,x,W\n", PROCEDURE_INDEX, ELEVEN][which];
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        let damaged = format!("{}{with}{}", &text[..at], &text[end..]);
        let options = Options { effective: Some("2026-01-01".into()), system: Some("own".into()), ..Options::default() };
        let _ = import(vec![file("x", damaged), file("list", LIST)], &options);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = import(vec![file("x", &bytes)], &Options::default());
        let mut zip = b"PK\x03\x04".to_vec();
        zip.extend(bytes);
        let _ = import(vec![file("x.zip", zip)], &Options::default());
    }
}
