//! Tables with merged cells: the name of a column holds the names of all cells above it, and each row has the
//! text of the cells that reach down to it.

use crate::vocabulary::Table;

/// The largest number of columns and of rows that one cell takes.
const MAX_SPAN: usize = 1_000;
/// The largest number of rows that name the columns.
const MAX_HEADER_ROWS: usize = 3;
/// The longest text that is repeated in the columns and rows that its cell takes.
const MAX_REPEATED_CHARS: usize = 200;
/// Places beside the first one that cells and gaps take, at most on average for each cell of a table, and for
/// all. Hostile tables claim more.
const MAX_PLACES: usize = 16;
const MAX_ALL_PLACES: usize = 1_000_000;

/// A cell that may take several columns and rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) span: Span,
}

/// The columns and rows that a cell takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Whether the cell is said to name its column or row.
    pub(super) is_name: bool,
}

impl Default for Span {
    fn default() -> Self {
        Self { columns: 1, rows: 1, is_name: false }
    }
}

impl Span {
    /// A span of numbers as a file says them; one where it says none.
    pub(super) fn of(columns: Option<&str>, rows: Option<&str>) -> Self {
        let number = |said: Option<&str>| {
            said.and_then(|said| said.trim().parse().ok()).unwrap_or(1_usize).clamp(1, MAX_SPAN)
        };
        Self { columns: number(columns), rows: number(rows), is_name: false }
    }
}

/// A place of a table, in a row and a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) text: String,
    /// Whether its cell takes several columns, and this is not the first of them.
    pub(super) is_rest: bool,
    /// Whether its cell begins in a row above.
    pub(super) is_below: bool,
    /// Whether its cell is said to name its column.
    pub(super) is_name: bool,
}

impl Slot {
    /// The text for other places of the same cell: a long one stands in the first place alone.
    pub(super) fn repeated(&self) -> String {
        let is_long = self.text.chars().nth(MAX_REPEATED_CHARS).is_some();
        if is_long { String::new() } else { self.text.clone() }
    }
}

/// A table, and the texts of the rows above it that are one cell each.
pub(super) struct Merged {
    pub(super) captions: Vec<String>,
    pub(super) table: Table,
}

/// The table of rows of cells.
pub(super) fn table(rows: Vec<Vec<Cell>>) -> Merged {
    of_slots(slots(rows))
}

/// The places of rows of cells.
fn slots(rows: Vec<Vec<Cell>>) -> Vec<Vec<Slot>> {
    let mut left = rows.iter().map(Vec::len).sum::<usize>().saturating_mul(MAX_PLACES).min(MAX_ALL_PLACES);
    // For each column, the rows that a cell above still takes, and its place.
    let mut open: Vec<(usize, Slot)> = Vec::new();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let mut cells = row.into_iter();
        let mut line: Vec<Slot> = Vec::new();
        let end = open.iter().rposition(|(rows, _)| *rows > 0).map_or(0, |last| last + 1);
        loop {
            if let Some((rows, slot)) = open.get_mut(line.len()).filter(|(rows, _)| *rows > 0) {
                *rows -= 1;
                line.push(slot.clone());
                continue;
            }
            let Some(cell) = cells.next() else {
                if line.len() >= end || left == 0 {
                    break;
                }
                left -= 1;
                line.push(Slot::default());
                continue;
            };
            let Span { columns, rows, is_name } = cell.span;
            let columns = columns.min(left.max(1));
            let rows = rows.min((left / columns).max(1));
            left = left.saturating_sub(columns * rows);
            let first = Slot { text: cell.text, is_name, ..Slot::default() };
            let text = first.repeated();
            for column in line.len()..line.len() + columns {
                let rest = Slot { text: text.clone(), is_rest: column > line.len(), is_name, is_below: true };
                if rows > 1 {
                    if open.len() <= column {
                        open.resize(column + 1, (0, Slot::default()));
                    }
                    open[column] = (rows - 1, rest);
                }
            }
            let rest = Slot { text, is_rest: true, is_name, is_below: false };
            line.push(first);
            line.extend(std::iter::repeat_n(rest, columns - 1));
        }
        lines.push(line);
    }
    lines
}

/// The names of columns in rows of places.
pub(super) fn header(rows: Vec<Vec<Slot>>) -> Vec<String> {
    let count = rows.len();
    let mut header: Vec<Vec<String>> = Vec::new();
    for row in rows {
        header.resize(header.len().max(row.len()), Vec::new());
        for (names, slot) in header.iter_mut().zip(row) {
            if !slot.text.is_empty() && (count > 1 || !slot.is_rest) && !names.contains(&slot.text) {
                names.push(slot.text);
            }
        }
    }
    header.into_iter().map(|names| names.join(" ")).collect()
}

/// The table of rows of places.
pub(super) fn of_slots(rows: Vec<Vec<Slot>>) -> Merged {
    let mut rows: Vec<_> =
        rows.into_iter().filter(|row| row.iter().any(|slot| !slot.text.trim().is_empty())).collect();
    let above = rows.len().saturating_sub(2);
    let above = rows.iter().take(above).take_while(|row| is_one_cell(row)).count();
    let captions = rows.drain(..above).filter_map(|row| Some(row.into_iter().next()?.text)).collect();
    let mut count = 1;
    while count < MAX_HEADER_ROWS && count + 1 < rows.len() && names_further(&rows[count - 1], &rows[count]) {
        count += 1;
    }
    let data = rows.split_off(count.min(rows.len()));
    let text = |slot: Slot| if slot.is_rest { String::new() } else { slot.text };
    let data = data.into_iter().map(|row| row.into_iter().map(text).collect());
    Merged { captions, table: Table { header: header(rows), rows: (1..).zip(data).collect() } }
}

/// Whether a row is one cell that takes several columns.
fn is_one_cell(row: &[Slot]) -> bool {
    row.len() > 1 && !row[0].is_rest && row.iter().skip(1).all(|slot| slot.is_rest)
}

/// Whether a row names the columns below the cells of the row of names above it that take several.
pub(super) fn names_further(above: &[Slot], row: &[Slot]) -> bool {
    if !above.iter().any(|slot| slot.is_rest && !slot.is_below) {
        return false;
    }
    let own = || row.iter().filter(|slot| !slot.is_below && !slot.text.trim().is_empty());
    if own().all(|slot| slot.is_name) {
        return true;
    }
    // Without a mark, the first column tells: it has one name for both rows.
    let is_named_once = match (above.first(), row.first()) {
        (Some(above), Some(row)) => {
            row.is_below
                || above.text == row.text
                || above.text.trim().is_empty() != row.text.trim().is_empty()
        }
        _ => false,
    };
    is_named_once && own().all(|slot| !super::grid::is_value(&slot.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str, columns: &str, rows: &str) -> Cell {
        Cell { text: text.into(), span: Span::of(Some(columns), Some(rows)) }
    }

    #[test]
    fn names_over_several_columns_are_part_of_the_name_of_each() {
        let timetable = vec![
            vec![cell("Ferries", "5", "1")],
            vec![cell("Line", "1", "2"), cell("Summer", "2", "1"), cell("Winter", "2", "1")],
            ["first", "last", "first", "last"].map(|name| cell(name, "1", "1")).to_vec(),
            [("North", "2"), ("6:10", "1"), ("22:40", "1"), ("7:15", "1"), ("19:30", "1")]
                .map(|(text, rows)| cell(text, "1", rows))
                .to_vec(),
            ["6:25", "22:55", "7:45", "19:50"].map(|text| cell(text, "1", "1")).to_vec(),
            vec![cell("South", "1", "1"), cell("on demand", "4", "1")],
        ];
        let Merged { captions, table } = table(timetable);
        assert_eq!(captions, ["Ferries"]);
        assert_eq!(table.header, ["Line", "Summer first", "Summer last", "Winter first", "Winter last"]);
        let rows: Vec<_> = table.rows.iter().map(|(_, row)| row.join(",")).collect();
        assert_eq!(
            rows,
            ["North,6:10,22:40,7:15,19:30", "North,6:25,22:55,7:45,19:50", "South,on demand,,,"]
        );
    }

    #[test]
    fn a_row_of_values_below_a_wide_name_is_no_name() {
        let contacts = vec![
            vec![cell("Name", "1", "1"), cell("Telephone", "2", "1")],
            vec![cell("Ada", "1", "1"), cell("office", "1", "1"), cell("0221 55", "1", "1")],
            vec![cell("Bo", "1", "1"), cell("home", "1", "1"), cell("0228 66", "1", "1")],
        ];
        let Merged { table, .. } = table(contacts);
        assert_eq!((table.header.join(","), table.rows.len()), ("Name,Telephone,".into(), 2));
    }

    #[test]
    fn a_table_that_claims_to_be_huge_is_small() {
        let rows = vec![vec![cell("a", "1000000", "1000000"); 50]; 50];
        let places: usize = slots(rows).iter().map(Vec::len).sum();
        assert!(places <= 50 * 50 * (MAX_PLACES + 1), "{places}");
    }

    #[test]
    fn gaps_before_a_cell_that_reaches_far_down_are_bounded() {
        let mut wide = vec![cell("a", "1", "1"); 20_000];
        wide.push(cell("b", "1", "1000"));
        let rows: Vec<_> = std::iter::once(wide).chain(std::iter::repeat_n(Vec::new(), 999)).collect();
        let places: usize = slots(rows).iter().map(Vec::len).sum();
        assert!(places <= 20_001 * (MAX_PLACES + 2), "{places}");
    }

    #[test]
    fn a_long_text_stands_in_its_first_place_alone() {
        let long = "x".repeat(MAX_REPEATED_CHARS + 1);
        let rows = slots(vec![vec![cell(&long, "3", "2"), cell("y", "1", "1")], vec![cell("z", "1", "1")]]);
        let lengths: Vec<Vec<usize>> =
            rows.iter().map(|row| row.iter().map(|slot| slot.text.len()).collect()).collect();
        assert_eq!(lengths, [vec![long.len(), 0, 0, 1], vec![0, 0, 0, 1]]);
    }
}
