//! Tests of the reader of texts and presentations.

use super::*;

fn read(body: &str) -> (Vec<String>, String) {
    Reading::default().read(&format!("<office:body>{body}</office:body>")).unwrap()
}

#[test]
fn headings_lists_and_tables_are_markdown() {
    let xml = "<office:text><text:h text:outline-level='2'>Tea</text:h><text:p>Steep<text:s/>well.</text:p>\
        <text:list><text:list-item><text:p>green</text:p></text:list-item></text:list><table:table>\
        <table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>\
        <table:table-row><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>\
        </office:text>";
    assert_eq!(read(xml), (vec![], "## Tea\n\nSteep well.\n\n- green\n\n| a |\n|---|\n| b |\n\n".to_owned()));
}

#[test]
fn notes_comments_and_boxes_stand_behind_their_paragraph_and_deleted_text_nowhere() {
    let xml = "<text:tracked-changes><text:deletion><text:p>Gone.</text:p></text:deletion></text:tracked-changes>\
        <text:p>Kilns<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Or ovens.</text:p>\
        </text:note-body></text:note> cool<office:annotation><dc:creator>Ada</dc:creator><dc:date>2025</dc:date>\
        <text:p>Really?</text:p></office:annotation> <draw:frame><draw:text-box><text:p>In a box.</text:p></draw:text-box>\
        </draw:frame>overnight.</text:p><text:p><text:ruby><text:ruby-base>窯</text:ruby-base>\
        <text:ruby-text>かま</text:ruby-text></text:ruby></text:p>";
    assert_eq!(read(xml).1, "Kilns cool overnight.\n\nOr ovens.\n\nReally?\n\nIn a box.\n\n窯\n\n");
}

#[test]
fn merged_and_repeated_cells_keep_their_columns() {
    let cell = |said: &str, text: &str| {
        format!("<table:table-cell {said}><text:p>{text}</text:p></table:table-cell>")
    };
    let xml = format!(
        "<table:table><table:table-row>{}{}<table:covered-table-cell/></table:table-row>\
         <table:table-row>{}{}</table:table-row><table:table-row><table:covered-table-cell/>{}{}</table:table-row>\
         </table:table>",
        cell("", "kiln"),
        cell("table:number-columns-spanned='2'", "hours"),
        cell("table:number-rows-spanned='2'", "A"),
        cell("table:number-columns-repeated='2'", "8"),
        cell("", "9"),
        cell("", "10"),
    );
    assert_eq!(read(&xml).1, "| kiln | hours |  |\n|---|---|---|\n| A | 8 | 8 |\n| A | 9 | 10 |\n\n");
}

#[test]
fn slides_keep_their_numbers_and_their_titles_are_headings() {
    let slide = "<draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>Kilns</text:p>\
        </draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>They cool.</text:p></draw:text-box>\
        </draw:frame></draw:page>";
    let (pages, rest) = read(&format!("<draw:page/><draw:page></draw:page>{slide}"));
    assert_eq!((pages[2].as_str(), pages.len(), rest.as_str()), ("# Kilns\n\nThey cool.\n\n", 3, ""));
}

#[test]
fn raised_text_is_known_by_its_style() {
    let xml = "<style:style style:name='T1'><style:text-properties style:text-position='super 58%'/></style:style>\
        <text:p>10<text:span text:style-name='T1'>6</text:span> bricks</text:p>";
    assert_eq!(read(xml).1, "10⁶ bricks\n\n");
}

#[test]
fn nesting_costs_no_stack() {
    let open = "<table:table><table:table-row><table:table-cell><text:p>".repeat(50_000);
    assert!(read(&format!("{open}Deep.")).1.contains("Deep."));
}
