//! Finding identifiers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::names::{is_eponym, is_family, is_given, is_medical, is_name, is_town, is_word};

/// What an identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Of a person.
    Name,
    /// Of a hospital, school or town.
    Place,
    /// All of a date but the year alone.
    Date,
    /// Over 89.
    Age,
    /// Street, post box, postal code.
    Address,
    /// Telephone and fax.
    Phone,
    /// Mail, web or machine.
    Contact,
    /// Of a person, an account, a record or a device.
    Number,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Name,
        Self::Place,
        Self::Date,
        Self::Age,
        Self::Address,
        Self::Phone,
        Self::Contact,
        Self::Number,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Place => "place",
            Self::Date => "date",
            Self::Age => "age",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Contact => "contact",
            Self::Number => "number",
        }
    }
}

/// An identifier in a text: bytes on character boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub span: Range<usize>,
    pub kind: Kind,
}

macro_rules! pattern {
    ($name:ident, $($text:tt)+) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(concat!($($text)+)).expect("the pattern is one"));
    };
}

/// Patterns whose group `x` is the identifier, or the whole where there is none.
struct Shape {
    kind: Kind,
    pattern: &'static LazyLock<Regex>,
}

const SHAPES: [Shape; 20] = [
    Shape { kind: Kind::Contact, pattern: &MAIL },
    Shape { kind: Kind::Contact, pattern: &WEB },
    Shape { kind: Kind::Contact, pattern: &MACHINE },
    Shape { kind: Kind::Date, pattern: &NUMERIC_DATE },
    Shape { kind: Kind::Date, pattern: &MONTH_YEAR },
    Shape { kind: Kind::Date, pattern: &SHORT_DATE },
    Shape { kind: Kind::Date, pattern: &SHORT_YEAR },
    Shape { kind: Kind::Date, pattern: &DAY_HEADING },
    Shape { kind: Kind::Date, pattern: &NAMED_DATE },
    Shape { kind: Kind::Date, pattern: &BARE_MONTH },
    Shape { kind: Kind::Number, pattern: &SOCIAL_SECURITY },
    Shape { kind: Kind::Phone, pattern: &PHONE },
    Shape { kind: Kind::Phone, pattern: &LABELLED_PHONE },
    Shape { kind: Kind::Number, pattern: &LABELLED_NUMBER },
    Shape { kind: Kind::Number, pattern: &NUMBERED },
    Shape { kind: Kind::Number, pattern: &LONG_NUMBER },
    Shape { kind: Kind::Age, pattern: &AGE },
    Shape { kind: Kind::Address, pattern: &STREET },
    Shape { kind: Kind::Address, pattern: &POSTAL },
    Shape { kind: Kind::Address, pattern: &BOX },
];

macro_rules! months {
    () => {
        r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
    };
}

// Day and month in either order, and a year.
macro_rules! triple {
    ($between:literal) => {
        concat!(
            r"(?:0?[1-9]|[12]\d|3[01])",
            $between,
            r"(?:0?[1-9]|[12]\d|3[01])",
            $between,
            r"(?:(?:19|20)\d{2}|\d{2})"
        )
    };
}

pattern!(MAIL, r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b");
pattern!(WEB, r"(?i)\b(?:https?://|www\.)[^\s<>]*[\w/]");
pattern!(MACHINE, r"\b(?:\d{1,3}\.){3}\d{1,3}\b|(?i)\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b");
pattern!(
    NUMERIC_DATE,
    r"\b(?:\d{4}[-/](?:0?[1-9]|1[0-2])[-/](?:0?[1-9]|[12]\d|3[01])",
    r"|",
    triple!("/"),
    r"|",
    triple!("-"),
    r"|",
    triple!(r"\."),
    r")\b"
);
pattern!(MONTH_YEAR, r"(?:^|[^\d/.-])(?<x>(?:0?[1-9]|1[0-2])[-/](?:19|20)\d{2})\b");
// Without a year, only where words say so: 4/5 is a strength, 120/80 a pressure.
pattern!(
    SHORT_DATE,
    r"(?i)\b(?:on|dated?|since|until|till|through|from|thru|of|dos|due|lmp|edc|edd)[:\s]+(?:the\s+)?",
    r"(?<x>(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01]))(?:\b[^/%\d]|$)"
);
pattern!(SHORT_YEAR, r"(?i)\b(?:in|since|until|from|of)[ \t]+(?<x>(?:0?[1-9]|1[0-2])/\d{2})(?:[^/%\d]|$)");
pattern!(DAY_HEADING, r"(?m)^[ \t]*(?<x>(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01]))[ \t]*:");
pattern!(
    NAMED_DATE,
    r"(?i)\b(?:\d{1,2}(?:st|nd|rd|th)?(?:\s+day)?(?:\s+of)?[\s-]+",
    months!(),
    r"(?:[\s,-]+(?:of\s+)?(?:(?:19|20)\d{2}\b|'?\d{2}\b))?",
    r"|",
    months!(),
    r"\s*(?:the\s+)?\d{1,2}(?:st|nd|rd|th)?\b(?:\s*(?:-|to|through|and)\s*\d{1,2}(?:st|nd|rd|th)?\b)?(?:\s*,?\s*(?:of\s+)?(?:19|20)\d{2}\b|\s*,\s*'?\d{2}\b)?",
    r"|",
    months!(),
    r"(?:,|\s+of)?\s*(?:19|20)\d{2}\b)"
);
// Case counts: "may" is a verb, "march" a way to walk.
pattern!(
    BARE_MONTH,
    r"\b(?:[Ii]n|[Ss]ince|[Ll]ast|[Tt]his|[Uu]ntil|[Oo]f|[Dd]uring|[Ee]arly|[Ll]ate|[Mm]id|[Bb]y|[Ff]rom|[Tt]o|[Nn]ext|[Aa]nd|[Oo]r|[Tt]hrough|[Aa]round|[Aa]bout|[Bb]efore|[Aa]fter|[Pp]ast|[Pp]revious)[\s-]+(?:the\s+(?:middle|end|beginning)\s+of\s+)?",
    r"(?<x>(?:January|February|March|April|May|June|July|August|September|October|November|December|JANUARY|FEBRUARY|MARCH|APRIL|JUNE|JULY|AUGUST|SEPTEMBER|OCTOBER|NOVEMBER|DECEMBER))\b"
);
pattern!(SOCIAL_SECURITY, r"\b\d{3}-\d{2}-\d{4}\b");
pattern!(
    PHONE,
    r"(?:\(\d{3}\)\s*|\b\d{3}[-. /])?\b\d{3}[-.]\d{4}\b(?:\s*(?:x|ext\.?)\s*\d+)?|\(\d{3}\)\s*\d{3}\s\d{4}\b"
);
pattern!(
    LABELLED_PHONE,
    r"(?i)\b(?:phone|telephone|tel|fax|pager|beeper|cell|mobile|extension|ext)\b\.?(?:\s+(?:number|no\.?|#))?[\s:#]*",
    r"(?<x>\+?[\d(][\d().\s-]{2,}\d)"
);
pattern!(
    LABELLED_NUMBER,
    r"(?i)\b(?:mrn|mr\s*#|medical\s+records?|account|acct|patient\s+id|accession|policy|member\s+id|subscriber|license|licence|dea|npi|serial|ssn|",
    r"social\s+security|job|claim|vin|badge|room|rm)\b",
    r"\.?(?:\s*(?:number|numbers|no\b\.?|num\b\.?|nr\b\.?|id|#))*[\s:#]*(?:is\s+)?(?<x>#?(?:[a-z]{0,4}[-/]?)?\d[\da-z]*(?:[-/]\d[\da-z]*)*)\b"
);
pattern!(
    NUMBERED,
    r"(?i)\b(?:id|chart|case|encounter|visit|admission|member|group|lot|hospital|unit|specimen|study|exam|order|plate|bed|record|reference|file|model)",
    r"(?:\s*(?:\bnumber|\bno\b\.?|\bnum\b\.?|\bnr\b\.?|\bid\b|#))+[\s:#]*(?:is\s+)?(?<x>(?:[a-z]{0,4}[-/]?)?\d[\da-z]*(?:[-/]\d[\da-z]*)*)\b"
);
pattern!(LONG_NUMBER, r"\b(?:\d{7,}|[A-Z]{1,4}-?\d{5,}[A-Z]?|\d{2,}-\d{4,}(?:-\d+)*|\d{2,3}-\d{2}-\d{2})\b");
pattern!(AGE, r"(?i)\b(?<x>9\d|1[0-2]\d)(?:[\s-]*(?:years?|yrs?|y/?o\b|yo\b|y\.o\.))");
pattern!(
    STREET,
    r"\b\d{1,5}\s+(?:[NSEW]\.?\s+)?(?:[A-Z][\w'-]+\s+|\d{1,3}(?:st|nd|rd|th)\s+){1,3}(?:Street|St\b\.?|Avenue|Ave\b\.?|Road|Rd\b\.?|Drive|Lane|Ln\b\.?|",
    r"Boulevard|Blvd\b\.?|Court|Ct\b\.?|Way|Place|Highway|Hwy\b\.?|Parkway|Pkwy\b\.?|Circle|Terrace)\b(?:,?\s*(?:Apt|Suite|Ste|Unit|#)\.?\s*\w+)?"
);
pattern!(
    POSTAL,
    r"\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])\.?,?\s+(?<x>\d{5}(?:-\d{4})?)\b"
);
pattern!(BOX, r"(?i)\bP\.?\s?O\.?\s+Box\s+\d+");

// A part of a name: a word with a capital, or an initial.
macro_rules! part {
    () => {
        r"(?:(?:[A-Z][a-z]?['’])?[A-Z][\p{L}'’-]*[\p{L}]|[A-Z]\b\.?)"
    };
}
// Several, also last name first.
macro_rules! parts {
    () => {
        concat!(part!(), r"(?:[ \t]+", part!(), r"){0,3}")
    };
}
pattern!(
    TITLED,
    r"\b(?:Drs?|DRS?|[Dd]octors?|DOCTOR|Mr|MR|Mrs|MRS|Ms|MS|Miss|MISS|Prof(?:essor)?|Nurse|Rev(?:erend)?|Fr|Sgt|Officer|Judge|Attorney|Pastor|Rabbi|Coach|Uncle|Aunt|dr|mr|mrs|ms)\b\.?[ \t]*(?<x>",
    parts!(),
    r"(?:(?:,|,?[ \t]+and|,?[ \t]*&)[ \t]+(?:(?:Drs?|Mr|Mrs|Ms|Miss)\b\.?[ \t]+)?",
    parts!(),
    r")*)"
);
pattern!(LOWER_TITLED, r"\b(?:[Dd]r|[Mm]rs?|[Mm]s)\.[ \t]+(?<x>[a-z]{2,})\b");
pattern!(
    CREDENTIALS,
    r"(?<x>",
    parts!(),
    r"),?[ \t]+(?:M\.?D\b|D\.?O\b\.|D\.O\b|R\.?N\b|Ph\.?D\b|PA-?C\b|P\.A\b|A?R?N\.?P\b|DDS\b|D\.D\.S|DMD\b|D\.?P\.?M\b|FACS\b|CRNA\b|LPN\b|MSW\b|LCSW\b|OTR\b|Pharm\.?D\b|CNM\b|Psy\.?D\b|Jr\b|JR\b|Sr\b|III\b|Esq\b)"
);
pattern!(
    LABELLED_NAME,
    r"(?m)(?i:\b(?:patient(?:'s)?(?:[ \t]+name)?|name|pt|attending(?:[ \t]+(?:physician|surgeon|provider))?|(?:primary[ \t]+|assistant[ \t]+|co-?|second[ \t]+|first[ \t]+)?(?:surgeons?|assistants?)|",
    r"an(?:a|e)?esthesi(?:a|ologist)|an(?:a|e)?esthetist|(?:referring|ordering|consulting|primary(?:[ \t]+care)?|family|admitting|treating|requesting)(?:[ \t]+(?:physician|doctor|provider|m\.?d\.?))?|physician|",
    r"pcp|dictated[ \t]+by|dictator|transcribed[ \t]+by|transcriptionist|(?:electronically[ \t]+)?signed(?:[ \t]+by)?|reviewed[ \t]+by|provider|therapist|radiologist|pathologist|",
    r"interpreter|informant|consultant|guardian|emergency[ \t]+contact|next[ \t]+of[ \t]+kin|spouse|wife|husband|mother|father|daughter|son|examiner|clinician|nurse|resident|fellow)",
    r"(?:'s[ \t]+name)?)[ \t]*(?:\([^)\n]{0,40}\))?[ \t]*[:,]+[ \t]*(?<x>",
    part!(),
    r"(?:,?[ \t]+",
    part!(),
    r"){0,3})"
);
pattern!(DEAR, r"\b(?:Dear|DEAR)[ \t]+(?<x>", parts!(), r")");
pattern!(
    KIN,
    r"(?i:\b(?:daughter|son|wife|husband|mother|father|sister|brother|friend|neighbou?r|girlfriend|boyfriend|partner|aunt|uncle|niece|nephew|grandson|granddaughter|grandmother|grandfather|caregiver|guardian|fianc[eé]e?|nurse|therapist|assistant|colleague|partner|resident|sponsor)s?),?[ \t]+(?:(?i:named|by the name of|whose name is)[ \t]+)?(?<x>",
    parts!(),
    r")"
);
pattern!(
    NAMED,
    r"(?i:\b(?:named|name[ \t]+is|known[ \t]+as|goes[ \t]+by|prefers[ \t]+to[ \t]+be[ \t]+called|called))[ \t]+(?<x>",
    parts!(),
    r")"
);
pattern!(
    DONE_BY,
    r"(?i:\b(?:by|see|visits?[ \t]+with|therapy[ \t]+with|sessions?[ \t]+with|spoke[ \t]+(?:to|with)|talked[ \t]+(?:to|with)|discussed[ \t]+with|met[ \t]+with|appointment[ \t]+with|referred[ \t]+to))[ \t]+(?<x>",
    part!(),
    r"(?:[ \t]+[A-Z]\b\.?)?[ \t]+",
    part!(),
    r")"
);
pattern!(PAIR, r"\b(?<x>", part!(), r"(?:,?[ \t]+", part!(), r"){1,3})");
pattern!(SINGLE, r"\b(?<x>[A-Z][\p{L}'’-]*[\p{L}])");
pattern!(
    PLACE,
    r"\b(?<x>(?:(?:St|Mt|Ft|Dr)\.?[ \t]+)?",
    part!(),
    r"(?:[ \t]+(?:of[ \t]+)?",
    part!(),
    r"){0,4})[ \t]+(?:Hospitals?|HOSPITAL|Medical[ \t]+Cent(?:er|re)|MEDICAL[ \t]+CENTER|Clinic|CLINIC|Health(?:care)?[ \t]+(?:Center|System)|Healthcare|Infirmary|Nursing[ \t]+Home|Nursing[ \t]+Center|Hospice|Rehab(?:ilitation)?(?:[ \t]+(?:Center|Hospital))?|Assisted[ \t]+Living|Manor|University|College|High[ \t]+School|Elementary|School|Church|Surgery[ \t]+Center|Breast[ \t]+Center|(?:Med[ \t]+)?Care(?:[ \t]+Center)?|(?:Eye[ \t]+)?Institute|Building|Tower|Air[ \t]+Force[ \t]+Base|(?:Diagnostic[ \t]+)?Laboratory|Police[ \t]+Department|Correctional|Pediatrics|Orthopedics|Emergency[ \t]+(?:Room|Department)|ER|SNF|LTAC|Plastic[ \t]+Surgery|Medical[ \t]+Panel|Community[ \t]+College|Independent[ \t]+Living|facility|Facility|Prison|Jail|County|Pharmacy|Medical[ \t]+Group|Associates)\b"
);
pattern!(
    PLACE_OF,
    r"\b(?:University|College|City|County|Town|Village|Hospital|Children's Hospital)[ \t]+of[ \t]+(?:the[ \t]+)?(?<x>",
    parts!(),
    r")"
);
pattern!(
    TOWN,
    r"\b(?<x>",
    part!(),
    r"(?:[ \t]+",
    part!(),
    r"){0,2}),[ \t]+(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New[ \t]+Hampshire|New[ \t]+Jersey|New[ \t]+Mexico|New[ \t]+York|North[ \t]+Carolina|North[ \t]+Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode[ \t]+Island|South[ \t]+Carolina|South[ \t]+Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West[ \t]+Virginia|Wisconsin|Wyoming|A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[AEINOST]|N[CDEHJMVY]|O[HKR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])\b"
);
pattern!(
    SAINTED,
    r"\b(?<x>(?:San|Santa|Las|Los|Des|Fort|Saint|Salt[ \t]+Lake|Baton|Grand|Cedar|Iowa|League|Palm|Long)[ \t]+(?:City|[A-Z][a-z]+))\b"
);
pattern!(
    ABOUT_TOWN,
    r"(?i:\b(?:lives?|lived|living|resid\w*|raised|born|moved?|moving|relocated|visit\w*|trip|native|works?|worked|working|employed|admitted|admission|transferred|transfer|transported|discharged|taken|brought|sent|returns?|returned|seen|evaluated|treated|treatment|done|performed|presented|hospitali[sz]ed|enroll\w*|attend\w*|stay\w*|care|recheck|follow-?up|facility|dentist|physician|surgeon|doctors?|",
    r"[a-z]+ologist|specialist|parents|daughter|son|sister|brother|mother|boyfriend|girlfriend|school|home|hospital|outpatient|x-rays|scan|surgery|biopsy|appointment|program|church|company|airplane|office|contacting|call|located|facility|records|pathology|independently|friends)\b[^.:;\n]{0,14}?\b(?:in|at|from|to|near)[ \t]+(?:the[ \t]+|downtown[ \t]+)?)(?<x>",
    parts!(),
    r")"
);
pattern!(
    FROM_TOWN,
    r"(?i:\b(?:lives?|living|resid(?:es?|ing)|raised|born|moved|relocated|visiting|travel(?:l?ed|l?ing)?|trip|native|resident)[ \t]+(?:up[ \t]+)?(?:in|from|to|of|near)[ \t]+)(?<x>",
    parts!(),
    r")"
);

// What must follow a name for it to stand for something else.
pattern!(
    THING,
    r"^(?:'s|’s)?[ \t-]+(?i:disease|syndrome|sign|test|palsy|cyst|lymphoma|sarcoma|tumou?r|catheter|drain|clamp|forceps|retractor|elevator|scissors|position|procedure|operation|repair|maneuver|manoeuvre|criteria|classification|score|scale|stain|fracture|dislocation|deformity|contracture|hernia|ulcer|esophagus|oesophagus|anemia|thyroiditis|phenomenon|reflex|nodes?|law|point|incision|approach|technique|suture|ligament|fascia|triangle|canal|space|tendon|gland|duct|body|bodies|cells?|tube|needle|knife|table|frame|splint|collar|bandage|dressing|paste|solution|lactate|exercises?|grade|type|stage|coma|hemorrhage|block|loop|pouch|fundoplication|resection|arthroplasty|prosthesis|nail|rod|pins?|wire|plate|screws?)\b"
);

/// Identifiers of a text, in order, none over another. `known` are names that are known to belong to the note's person.
pub fn find(text: &str, known: &[&str]) -> Vec<Found> {
    let mut found = Taken::new();
    for shape in &SHAPES {
        for captures in shape.pattern.captures_iter(text) {
            take(&mut found, group(&captures), shape.kind);
        }
    }
    places(text, &mut found);
    let mut names: BTreeSet<String> = BTreeSet::new();
    people(text, &mut found, &mut names);
    for name in known {
        names.extend(words(name).map(|(_, word)| word.to_owned()).filter(|word| distinct(word)));
    }
    again(text, &names, &mut found);
    beside(text, &mut found);
    found.into_values().collect()
}

fn group(captures: &Captures<'_>) -> Range<usize> {
    let whole = captures.name("x").or_else(|| captures.get(0)).expect("a match has a whole");
    whole.range()
}

/// By their beginning, none over another: notes of megabytes have many.
type Taken = BTreeMap<usize, Found>;

fn take(found: &mut Taken, span: Range<usize>, kind: Kind) {
    let free = found.range(..span.end).next_back().is_none_or(|(_, last)| last.span.end <= span.start);
    if !span.is_empty() && free {
        found.insert(span.start, Found { span, kind });
    }
}

/// Words of letters, with apostrophes and hyphens within.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    pattern!(WORD, r"\p{L}[\p{L}'’-]*\p{L}|\p{L}");
    WORD.find_iter(text).map(|found| (found.start(), found.as_str()))
}

/// A word that may be looked for elsewhere without meaning something else there.
fn distinct(word: &str) -> bool {
    word.chars().count() >= 3 && !is_word(word)
}

/// The words of a stretch that name somebody: without ordinary words at its ends.
fn trimmed(text: &str, span: Range<usize>, plain: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let inner = &text[span.clone()];
    let kept: Vec<(usize, &str)> = words(inner).skip_while(|(_, word)| plain(word)).collect();
    let until = kept.iter().position(|(_, word)| plain(word)).unwrap_or(kept.len());
    let (first, last) = (kept.first()?, kept[..until].last()?);
    let mut end = last.0 + last.1.len();
    // The stop of an initial or of an abbreviation belongs to it.
    if last.1.chars().count() == 1 && inner[end..].starts_with('.') {
        end += 1;
    }
    Some(span.start + first.0..span.start + end)
}

fn places(text: &str, found: &mut Taken) {
    let generic = |word: &str| {
        let word = word.trim_end_matches("'s").trim_end_matches("’s");
        is_word(word) && !is_family(word)
            || matches!(
                word.to_lowercase().as_str(),
                "regional"
                    | "community"
                    | "memorial"
                    | "university"
                    | "children"
                    | "veterans"
                    | "skilled"
                    | "acute"
                    | "urgent"
                    | "mental"
                    | "sleep"
                    | "dental"
                    | "local"
                    | "outside"
                    | "county"
                    | "cardiology"
                    | "dialysis"
                    | "saint"
            )
    };
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (pattern, sure) in [
        (&*PLACE, true),
        (&*PLACE_OF, true),
        (&*TOWN, true),
        (&*FROM_TOWN, true),
        (&*ABOUT_TOWN, false),
        (&*SAINTED, false),
    ] {
        for captures in pattern.captures_iter(text) {
            let span = group(&captures);
            // Where only the words before say that it may be a town, what follows must look like nothing else.
            let first = words(&text[span.clone()]).next().map_or("", |(_, word)| word);
            let other = is_medical(first)
                || is_eponym(first)
                || !first.contains(char::is_lowercase)
                || is_word(first);
            if !sure && other {
                continue;
            }
            // What is specific of "The Bellaire Regional Hospital" is the second word.
            let inner = &text[span.clone()];
            let own: Vec<(usize, &str)> = words(inner)
                .filter(|(_, word)| !generic(word) && word.starts_with(char::is_uppercase) && word.len() > 1)
                .collect();
            let (Some(first), Some(last)) = (own.first(), own.last()) else { continue };
            names.extend(own.iter().map(|(_, word)| bare(word).to_lowercase()).filter(|word| distinct(word)));
            take(found, span.start + first.0..span.start + last.0 + last.1.len(), Kind::Place);
        }
    }
    // Elsewhere in the note without the words that told it; large towns anywhere.
    for (at, word) in words(text) {
        let own = bare(word);
        let plain = own.contains(char::is_lowercase) && own.starts_with(char::is_uppercase);
        let known = names.contains(&own.to_lowercase()) && !is_eponym(own);
        if plain && (known || is_town(own)) && !THING.is_match(&text[at + own.len()..]) {
            take(found, at..at + own.len(), Kind::Place);
        }
    }
}

fn people(text: &str, found: &mut Taken, names: &mut BTreeSet<String>) {
    let mut name = |span: Range<usize>, found: &mut Taken| {
        names.extend(
            words(&text[span.clone()]).map(|(_, word)| bare(word).to_owned()).filter(|word| distinct(word)),
        );
        take(found, span, Kind::Name);
    };
    for captures in TITLED.captures_iter(text) {
        // After a title stands a name, also one that is a word or a single letter.
        let span = group(&captures);
        let function =
            |word: &str| word.chars().count() > 1 && is_word(word) && !is_family(word) && !is_given(word);
        for part in split(text, span) {
            if let Some(span) = trimmed(text, part, function) {
                name(span, found);
            }
        }
    }
    for captures in LOWER_TITLED.captures_iter(text) {
        let span = group(&captures);
        if !is_word(&text[span.clone()]) {
            name(span, found);
        }
    }
    for (pattern, sure) in [
        (&*CREDENTIALS, true),
        (&*LABELLED_NAME, true),
        (&*DEAR, true),
        (&*KIN, true),
        (&*NAMED, true),
        (&*DONE_BY, false),
    ] {
        for captures in pattern.captures_iter(text) {
            let span = group(&captures);
            let other = |(_, word): (usize, &str)| {
                is_word(word)
                    || is_eponym(word)
                    || is_medical(word)
                    || !word.contains(char::is_lowercase) && word.len() > 1
            };
            if !sure && words(&text[span.clone()]).any(other) {
                continue;
            }
            // Here also a name that is a word elsewhere is one.
            let plain = |word: &str| {
                word.chars().count() > 1 && (is_word(word) && !is_name(word) || is_medical(word))
                    || word == "I"
                    || word == "A"
            };
            if let Some(span) = trimmed(text, span, plain)
                && !THING.is_match(&text[span.end..])
                && words(&text[span.clone()]).any(|(_, word)| word.chars().count() > 1)
            {
                name(span, found);
            }
        }
    }
    // Two or three in a row, one of them a given name and another a family name.
    for captures in PAIR.captures_iter(text) {
        let span = group(&captures);
        let parts: Vec<(usize, &str)> = words(&text[span.clone()]).collect();
        for two in parts.windows(2) {
            let (first, second) = (two[0], two[1]);
            let third = parts.iter().find(|(at, _)| *at > second.0);
            let shouted = |word: &str| word.len() > 1 && !word.contains(char::is_lowercase);
            let whole = |word: &str| word.chars().count() > 1;
            let strange =
                |word: &str| !is_word(word) && !is_eponym(word) && !is_medical(word) && !shouted(word);
            let fits = |a: &str, b: &str| {
                whole(a)
                    && whole(b)
                    && is_given(a)
                    && (is_family(b) || is_given(b) || !is_word(b) && !is_eponym(b) && !shouted(b))
                    && !(is_word(a) && is_word(b))
            };
            let initial = second.1.chars().count() == 1;
            let family = is_family(second.1) && strange(second.1) && strange(first.1) && whole(first.1);
            let end = if family || fits(first.1, second.1) || fits(second.1, first.1) && is_family(first.1) {
                second
            } else if let Some(third) = third.filter(|third| initial && fits(first.1, third.1)) {
                *third
            } else {
                continue;
            };
            let span = span.start + first.0..span.start + end.0 + end.1.len();
            if !THING.is_match(&text[span.end..]) {
                name(span, found);
            }
        }
    }
    // One alone, where it means nothing else.
    for captures in SINGLE.captures_iter(text) {
        let span = group(&captures);
        let word = &text[span.clone()];
        let listed = is_given(word) || is_family(word);
        let mixed = word.contains(char::is_lowercase);
        if listed && mixed && !is_word(word) && !is_eponym(word) && !THING.is_match(&text[span.end..]) {
            name(span, found);
        }
    }
}

/// "Smith, Jones and Brown" as three.
fn split(text: &str, span: Range<usize>) -> Vec<Range<usize>> {
    pattern!(BETWEEN, r"(?:,[ \t]+|[ \t]+)and[ \t]+|[ \t]*&[ \t]*|,[ \t]+");
    let inner = &text[span.clone()];
    let mut parts = Vec::new();
    let mut from = 0;
    for between in BETWEEN.find_iter(inner) {
        parts.push(span.start + from..span.start + between.start());
        from = between.end();
    }
    parts.push(span.start + from..span.end);
    parts
}

fn bare(word: &str) -> &str {
    ["'s", "’s", "'S", "’S"].iter().find_map(|genitive| word.strip_suffix(genitive)).unwrap_or(word)
}

/// What is a name once is one everywhere, whatever its case is.
fn again(text: &str, names: &BTreeSet<String>, found: &mut Taken) {
    let lower: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    for (at, word) in words(text) {
        let own = bare(word);
        if own.starts_with(char::is_uppercase)
            && lower.contains(&own.to_lowercase())
            && !(is_eponym(own) && THING.is_match(&text[at + own.len()..]))
        {
            take(found, at..at + own.len(), Kind::Name);
        }
    }
}

/// What stands beside a name like another part of it, and means nothing else, belongs to it.
fn beside(text: &str, found: &mut Taken) {
    let all: Vec<(usize, &str)> = words(text).collect();
    let fits = |word: &str| {
        let mixed = word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
        mixed && !is_word(word) && !is_eponym(word) && !is_medical(word)
    };
    let ends: Vec<(usize, usize)> = found
        .values()
        .filter(|one| one.kind == Kind::Name)
        .map(|one| (one.span.start, one.span.end))
        .collect();
    for (start, end) in ends {
        let before = all.partition_point(|(at, _)| *at < start).checked_sub(1).map(|nth| all[nth]);
        let after = all.get(all.partition_point(|(at, _)| *at < end)).copied();
        if let Some((at, word)) = before
            && matches!(&text[at + word.len()..start], " " | ", ")
            && fits(word)
        {
            take(found, at..at + word.len(), Kind::Name);
        }
        if let Some((at, word)) = after
            && &text[end..at] == " "
            && fits(bare(word))
            && !THING.is_match(&text[at + word.len()..])
        {
            take(found, at..at + bare(word).len(), Kind::Name);
        }
    }
}
