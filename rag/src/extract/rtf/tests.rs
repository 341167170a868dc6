//! Tests of the reader of rich text.

use super::*;
use crate::vocabulary::Content;

#[test]
fn the_two_halves_of_a_character_become_one() {
    let text = br"{\rtf1\ansi\uc1 Gull \u-10178?\u-8959? or \u-10178? or {\uc2\u-10178\'81\'40\u-8959\'81\'40}.\par}";
    let parts = parts(text);
    let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
    assert_eq!(text, "Gull 🤁 or \u{fffd} or 🤁.\n\n");
}

#[test]
fn each_font_has_its_encoding() {
    let text = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset128 B;}{\f2\fcharset204 C;}}\f0 caf\'e9 {\f1\'8a\'98}\'e9 \f2\'ef\'e5\'f7\'fc\par}";
    let parts = parts(text);
    let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
    assert_eq!(text, "café 釜é печь\n\n");
}

#[test]
fn documents_of_old_systems_have_their_encodings() {
    for (head, bytes, read) in [
        (r"\rtf1\pca", r"Gr\'94\'e1e", "Größe"),
        (r"\rtf1\pc", r"Gr\'94\'e1e \'fb", "Größe √"),
        (r"\rtf1\ansi\ansicpg850", r"\'b5", "Á"),
        (r"\rtf1\mac", r"Gr\'9a\'a7e", "Größe"),
        (r"\rtf1\ansi\ansicpg866", r"\'8f\'a5\'e7\'ec", "Печь"),
        (r"\rtf1\ansi\ansicpg28592", r"\'b3\'f3d\'bc", "łódź"),
        (r"\rtf1\ansi\ansicpg7", r"\'e9", "é"),
    ] {
        let parts = parts(format!("{{{head} {bytes}\\par}}").as_bytes());
        let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
        assert_eq!(text.trim(), read, "{head}");
    }
}

#[test]
fn notes_stand_behind_their_paragraph_and_hidden_text_nowhere() {
    let text = br"{\rtf1 Kilns{\super 1}{\footnote \pard Or\~ovens.\par} cool{\v hid}{\deleted gone} in 10{\super 2} h.\par Next.}";
    let parts = parts(text);
    let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
    assert_eq!(text, "Kilns¹ cool in 10² h.\n\nOr ovens.\n\nNext.\n\n");
}

#[test]
fn paragraphs_in_cells_stay_in_their_cells() {
    let text = br"{\rtf1 {\trowd\intbl {\pard\intbl kind\par}\cell {\pard\intbl min\par}\cell\row}{\trowd\intbl {{\pard\intbl green\par}\cell}{{\pard\intbl 2\par}\cell}\row}\pard End.\par}";
    let parts = parts(text);
    let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
    assert_eq!(text, "| kind | min |\n|---|---|\n| green | 2 |\n\nEnd.\n\n");
}

#[test]
fn paragraphs_characters_and_tables_are_read() {
    let text = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x;}Caf\'e9 \u8364?4\par
        \trowd kind\cell min\cell\row green\cell 2\cell\row\pard Last.\par}";
    let parts = parts(text);
    let Content::Text(_, text) = &parts[0].content else { panic!("{parts:?}") };
    assert_eq!(text, "Café €4\n\n| kind | min |\n|---|---|\n| green | 2 |\n\nLast.\n\n");
}
