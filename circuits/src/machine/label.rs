//! What each equation is for, so that one that fails can be named.

/// An equation's purpose and whose value it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// What the equation says, in words, or the operator's name.
    pub(crate) what: &'static str,
    /// Index of the node.
    pub(crate) node: u32,
    /// Flat index of the element, where it is about one.
    pub(crate) element: Option<u32>,
}

impl Label {
    /// Of a node as such.
    pub(crate) fn of_node(what: &'static str, node: u32) -> Self {
        Self { what, node, element: None }
    }

    /// Of an element of a node.
    pub(crate) fn of_element(what: &'static str, node: u32, element: usize) -> Self {
        Self { what, node, element: u32::try_from(element).ok() }
    }

    /// "requantization of `fc1`, element 7".
    pub(crate) fn describe(self, names: &[Box<str>]) -> String {
        let name = usize::try_from(self.node).ok().and_then(|node| names.get(node)).map_or("", |name| name);
        let element = self.element.map_or_else(String::new, |element| format!(", element {element}"));
        format!("{} of `{}`{element}", self.what, crate::escaped(name))
    }
}
