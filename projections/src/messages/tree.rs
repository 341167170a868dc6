//! The tree of a conversation's messages, and the branch that goes through one of them. Linear in the number
//! of messages.

use std::collections::HashMap;

use aggregates::Position;
use sqlx::FromRow;
use uuid::Uuid;

/// The shape of a tree: one entry a message in each list, oldest message first, and the newest message.
#[derive(Debug, Default, FromRow)]
pub(super) struct Tree {
    ids: Vec<Uuid>,
    parents: Vec<Option<Uuid>>,
    ordinals: Vec<Position>,
    newest: Option<Uuid>,
}

/// A message of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) id: Uuid,
    pub(super) parent: Option<Uuid>,
    pub(super) ordinal: Position,
}

impl Tree {
    /// The newest branch that contains a message, or the newest of all, from its root on; empty if the tree
    /// does not have the message.
    ///
    /// A message is younger than its parent: one pass finds the messages below, and another one leads up from
    /// the newest of these.
    pub(super) fn branch(&self, through: Option<Uuid>) -> Vec<Place> {
        let Some(start) = through.or(self.newest) else { return vec![] };
        let index: HashMap<Uuid, usize> =
            self.ids.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        let parent_of = |child: usize| {
            let parent = index.get(self.parents.get(child)?.as_ref()?).copied();
            parent.filter(|parent| *parent < child)
        };
        let mut below = vec![false; self.ids.len()];
        let mut newest = None;
        for (child, id) in self.ids.iter().enumerate() {
            let is_below =
                *id == start || parent_of(child).and_then(|parent| below.get(parent)) == Some(&true);
            if let (true, Some(mark)) = (is_below, below.get_mut(child)) {
                *mark = true;
                newest = Some(child);
            }
        }
        let upwards = std::iter::successors(newest, |child| parent_of(*child));
        let mut branch: Vec<Place> = upwards.filter_map(|index| self.place(index)).collect();
        branch.reverse();
        branch
    }

    fn place(&self, index: usize) -> Option<Place> {
        let (id, parent) = (*self.ids.get(index)?, *self.parents.get(index)?);
        Some(Place { id, parent, ordinal: *self.ordinals.get(index)? })
    }

    /// The messages with each of these parents, oldest first.
    pub(super) fn children_of(
        &self,
        parents: impl Iterator<Item = Option<Uuid>>,
    ) -> HashMap<Option<Uuid>, Vec<Uuid>> {
        let mut children: HashMap<_, Vec<Uuid>> = parents.map(|parent| (parent, vec![])).collect();
        for (id, parent) in self.ids.iter().zip(&self.parents) {
            if let Some(siblings) = children.get_mut(parent) {
                siblings.push(*id);
            }
        }
        children
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// A tree of messages 1, 2, 3, … with these parents; 0 is no parent.
    fn tree(parents: &[u128]) -> Tree {
        let parents: Vec<_> = parents.iter().map(|parent| (*parent > 0).then(|| id(*parent))).collect();
        let ids: Vec<_> = (1..=parents.len() as u128).map(id).collect();
        let ordinals = (1..=parents.len() as u64).map(Position).collect();
        Tree { newest: ids.last().copied(), ids, parents, ordinals }
    }

    fn branch(tree: &Tree, through: Option<u128>) -> Vec<u128> {
        tree.branch(through.map(id)).iter().map(|place| place.id.as_u128()).collect()
    }

    #[test]
    fn a_branch_leads_from_its_root_through_a_message_to_the_newest_message_below_it() {
        // 1 ─ 2 ─ 3 ─ 5
        //      └─ 4 ─ 6
        let tree = tree(&[0, 1, 2, 2, 3, 4]);
        assert_eq!(branch(&tree, None), [1, 2, 4, 6]);
        assert_eq!(branch(&tree, Some(1)), [1, 2, 4, 6]);
        assert_eq!(branch(&tree, Some(3)), [1, 2, 3, 5]);
        assert_eq!(branch(&tree, Some(5)), [1, 2, 3, 5]);
        assert_eq!(branch(&tree, Some(9)), []);
        assert_eq!(branch(&Tree::default(), None), []);
    }

    #[test]
    fn siblings_have_the_same_parent() {
        let tree = tree(&[0, 1, 1, 0]);
        let children = tree.children_of([None, Some(id(1))].into_iter());
        assert_eq!(
            (children[&None].clone(), children[&Some(id(1))].clone()),
            (vec![id(1), id(4)], vec![id(2), id(3)])
        );
    }

    #[test]
    fn a_branch_of_many_messages_is_found_in_one_pass() {
        let tree = tree(&(0..200_000).collect::<Vec<_>>());
        assert_eq!(tree.branch(Some(id(1))).len(), 200_000);
    }
}
