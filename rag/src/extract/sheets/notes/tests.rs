//! Tests of the reader of notes and boxes.

use super::*;

fn notes(is_of_cells: bool, xml: &str) -> Vec<((u32, u32), String)> {
    let notes = Reading::new(is_of_cells).read(xml).unwrap();
    notes.into_iter().map(|note| (note.place, note.text)).collect()
}

#[test]
fn notes_and_threads_name_their_cells() {
    let xml = "<comments><authors><author>Ada</author></authors><commentList>\
        <comment ref='C4' authorId='0'><text><r><rPr/><t>Ada:</t></r><r><t xml:space='preserve'>\n measured &amp; wet</t></r>\
        <rPh><t>gloss</t></rPh></text></comment><comment ref='A1'><text/></comment></commentList></comments>";
    assert_eq!(notes(true, xml), [((3, 2), "Ada: measured & wet".to_owned())]);
    let xml = "<ThreadedComments><threadedComment ref='AB12' id='{1}'><text>Replace\nit?</text></threadedComment>\
        <threadedComment ref='AB12' parentId='{1}'><text>Yes.</text></threadedComment></ThreadedComments>";
    assert_eq!(notes(true, xml), [((11, 27), "Replace it?".to_owned()), ((11, 27), "Yes.".to_owned())]);
}

#[test]
fn boxes_stand_where_their_first_corner_is_and_once() {
    let anchor = |shape: &str| {
        format!(
            "<xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col><xdr:colOff>9</xdr:colOff><xdr:row>4</xdr:row></xdr:from>\
             <xdr:to><xdr:col>7</xdr:col><xdr:row>8</xdr:row></xdr:to>{shape}</xdr:twoCellAnchor>"
        )
    };
    let shape = "<xdr:sp><xdr:txBody><a:p><a:r><a:t>Net </a:t></a:r><a:r><a:t>prices</a:t></a:r></a:p><a:p><a:r><a:t>of<a:br/>2025\
        </a:t></a:r></a:p></xdr:txBody></xdr:sp>";
    let twice = format!(
        "<mc:AlternateContent><mc:Choice>{shape}</mc:Choice><mc:Fallback>{shape}</mc:Fallback></mc:AlternateContent>"
    );
    let xml = format!("<xdr:wsDr>{}{}{}</xdr:wsDr>", anchor(shape), anchor(&twice), anchor("<xdr:pic/>"));
    let text = "Net prices\nof 2025".to_owned();
    assert_eq!(notes(false, &xml), [((4, 1), text.clone()), ((4, 1), text)]);
}

#[test]
fn only_cells_have_places() {
    for (cell, place) in [
        ("A1", Some((0, 0))),
        ("xfd1048576", Some((1_048_575, 16_383))),
        ("A0", None),
        ("A", None),
        ("7", None),
        ("ABCD1", None),
        ("A99999999999", None),
        ("Ä1", None),
        ("", None),
    ] {
        assert_eq!(place_of(cell), place, "{cell}");
    }
}

#[test]
fn nesting_and_numbers_of_a_hostile_part_cost_little() {
    let deep =
        format!("<wsDr>{}<t>x</t>", "<twoCellAnchor><from><row>99999999999</row></from><sp>".repeat(50_000));
    assert_eq!(notes(false, &deep), []);
    assert_eq!(notes(true, &format!("{}<text>x</text>", "<comment ref='A1'>".repeat(50_000))), []);
}
