//! The blocks of a page, and the choice of those that are its text.

/// The share of all characters that the text beside the navigation has at least. Below it, the
/// whole page counts.
const MIN_SHARE: usize = 5;
/// Words that a block of navigation has if it is a statement.
const STATEMENT_WORDS: usize = 6;

/// A paragraph, heading, item, table or piece of code as Markdown.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) text: String,
    pub(super) kind: Kind,
    pub(super) is_navigation: bool,
    /// Characters inside links.
    pub(super) link_chars: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Paragraph,
    Heading,
    Item,
    Table,
    Code,
}

/// The blocks of a page in order.
#[derive(Debug, Default)]
pub(super) struct Blocks(pub(super) Vec<Block>);

impl Blocks {
    /// Whether a block has a letter or a digit.
    pub(super) fn has_text(&self) -> bool {
        self.0.iter().any(|block| block.text.chars().any(char::is_alphanumeric))
    }

    /// The text of the page without its navigation, or the whole text if that is nearly all of it.
    pub(super) fn main_text(&self) -> String {
        let chars = |blocks: &mut dyn Iterator<Item = &Block>| -> usize {
            blocks.map(|block| block.text.chars().filter(|c| c.is_alphanumeric()).count()).sum()
        };
        let all = chars(&mut self.0.iter());
        let main = chars(&mut self.0.iter().filter(|block| !block.is_left_out()));
        let is_whole = main * MIN_SHARE < all;
        let mut text = String::new();
        let mut previous = None;
        for block in self.0.iter().filter(|block| is_whole || !block.is_left_out()) {
            if previous == Some(Kind::Item) && block.kind == Kind::Item {
                text.push('\n');
            } else if previous.is_some() {
                text.push_str("\n\n");
            }
            text.push_str(block.text.trim_end());
            previous = Some(block.kind);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

impl Block {
    /// Whether the block is a link or a label of the navigation.
    fn is_left_out(&self) -> bool {
        let is_links = self.link_chars * 2 > self.text.chars().count();
        self.is_navigation && (is_links || self.text.split_whitespace().count() < STATEMENT_WORDS)
    }
}

/// Whether an element begins and ends a block.
pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "head"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "main"
            | "option"
            | "p"
            | "search"
            | "section"
            | "summary"
            | "tbody"
            | "tfoot"
            | "thead"
            | "title"
    )
}
