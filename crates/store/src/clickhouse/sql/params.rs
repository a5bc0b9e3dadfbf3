//! Parameters of a statement: values that travel beside its text.

/// The values of a statement's `{p0:...}`, in order.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<Param>);

#[derive(Clone, Debug)]
pub enum Param {
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<i64>),
}

impl Params {
    /// Adds a text and returns its place in the statement.
    pub fn text(&mut self, text: &str) -> String {
        self.put(Param::Text(text.to_owned()), "String")
    }

    pub fn texts(&mut self, texts: Vec<String>) -> String {
        self.put(Param::Texts(texts), "Array(String)")
    }

    pub fn numbers(&mut self, numbers: Vec<i64>) -> String {
        self.put(Param::Numbers(numbers), "Array(Int64)")
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (String, &Param)> {
        self.0.iter().enumerate().map(|(n, param)| (format!("p{n}"), param))
    }

    fn put(&mut self, param: Param, kind: &str) -> String {
        self.0.push(param);
        format!("{{p{}:{kind}}}", self.0.len() - 1)
    }
}
