//! Tests of the numbers of lists.

use super::*;

fn level(ilvl: usize, format: &str, text: &str, more: &str) -> String {
    format!(
        "<w:lvl w:ilvl='{ilvl}'><w:start w:val='1'/><w:numFmt w:val='{format}'/><w:lvlText w:val='{text}'/>{more}</w:lvl>"
    )
}

fn numbering(lists: &str, more: &str) -> Numbering {
    let xml = format!(
        "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='7'>{lists}</w:abstractNum>\
         <w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num>{more}</w:numbering>"
    );
    Numbering::read(&xml).unwrap()
}

fn labels(numbering: &Numbering, paragraphs: &[(&str, usize)]) -> Vec<String> {
    let mut counters = Counters::default();
    let next = |(list, level): &(&str, usize)| counters.next(numbering, list, *level).unwrap_or("-".into());
    paragraphs.iter().map(next).collect()
}

#[test]
fn levels_count_together_and_restart_below_the_level_above() {
    let lists = level(0, "decimal", "%1.", "")
        + &level(1, "decimal", "%1.%2", "")
        + &level(2, "lowerLetter", "%3)", "<w:lvlRestart w:val='0'/>")
        + &level(3, "bullet", "•", "");
    let numbering = numbering(&lists, "");
    let paragraphs = [0, 1, 1, 2, 0, 1, 2, 3, 1].map(|level| ("1", level));
    assert_eq!(labels(&numbering, &paragraphs), ["1.", "1.1", "1.2", "a)", "2.", "2.1", "b)", "-", "2.2"]);
    assert_eq!(labels(&numbering, &[("1", 8), ("9", 0), ("1", 9)]), ["-", "-", "-"]);
}

#[test]
fn numbers_have_their_formats_and_legal_ones_are_digits() {
    for (format, numbers) in [
        ("lowerRoman", ["iii", "iv", "v"]),
        ("upperRoman", ["III", "IV", "V"]),
        ("upperLetter", ["C", "D", "E"]),
        ("decimalZero", ["03", "04", "05"]),
        ("chineseCounting", ["3", "4", "5"]),
    ] {
        let first = level(0, format, "§ %1", "").replace("w:val='1'", "w:val='3'");
        let labels = labels(&numbering(&first, ""), &[("1", 0); 3]);
        assert_eq!(labels, numbers.map(|number| format!("§ {number}")), "{format}");
    }
    let lists = level(0, "upperRoman", "%1", "") + &level(1, "decimal", "%1.%2", "<w:isLgl/>");
    assert_eq!(labels(&numbering(&lists, ""), &[("1", 0), ("1", 0), ("1", 1)]), ["I", "II", "2.1"]);
    assert_eq!((Format::Letters.number(28), roman(394)), ("bb".into(), "CCCXCIV".into()));
}

#[test]
fn a_list_that_changes_another_one_restarts_where_it_says_so() {
    let more = format!(
        "<w:num w:numId='2'><w:abstractNumId w:val='7'/></w:num>\
         <w:num w:numId='3'><w:abstractNumId w:val='7'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='5'/>\
         </w:lvlOverride></w:num><w:num w:numId='4'><w:abstractNumId w:val='7'/><w:lvlOverride w:ilvl='0'>{}\
         </w:lvlOverride></w:num>",
        level(0, "lowerLetter", "(%1)", "")
    );
    let numbering = numbering(&level(0, "decimal", "%1.", "<w:pStyle w:val='Clause'/>"), &more);
    let paragraphs = [("1", 0), ("2", 0), ("3", 0), ("3", 0), ("4", 0)];
    assert_eq!(labels(&numbering, &paragraphs), ["1.", "2.", "5.", "6.", "(g)"]);
    assert_eq!(numbering.level_of_style("1", "Clause"), Some(0));
    assert_eq!(numbering.level_of_style("4", "Clause"), None);
}

#[test]
fn hostile_rules_make_short_numbers() {
    let lists = (0..LEVELS)
        .map(|at| {
            level(at, "lowerLetter", &"%1%9".repeat(200), "").replace("w:val='1'", "w:val='4000000000'")
        })
        .collect::<String>();
    let numbering = numbering(&lists, "<w:num w:numId='x'/><w:lvl w:ilvl='99999999999'/>");
    for label in labels(&numbering, &[("1", 8), ("1", 0), ("1", 8), ("x", 0)]) {
        assert!(label.chars().count() <= MAX_LABEL_CHARS, "{label}");
    }
}
