//! Licence expressions (SPDX 2.3, annex D), as far as manifests use them: AND, OR, WITH, brackets, and the old `/`.

/// Whether an expression can be met with allowed licences alone. None if it can't be read.
pub fn allowed(expression: &str, allow: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, at: 0, allow };
    let verdict = parser.any()?;
    (parser.at == words.len()).then_some(verdict)
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    allow: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Option<bool> {
        let mut verdict = self.all()?;
        while self.take("OR") {
            verdict |= self.all()?;
        }
        Some(verdict)
    }

    fn all(&mut self) -> Option<bool> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Some(verdict)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let verdict = self.any()?;
            return self.take(")").then_some(verdict);
        }
        let name = (*self.words.get(self.at)?).to_owned();
        self.at += 1;
        if ["AND", "OR", "WITH", ")"].contains(&name.as_str()) {
            return None;
        }
        if self.take("WITH") {
            let exception = self.words.get(self.at)?;
            self.at += 1;
            return Some((self.allow)(&format!("{name} WITH {exception}")));
        }
        Some((self.allow)(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_mit(expression: &str) -> Option<bool> {
        allowed(expression, &|name| name == "MIT" || name == "Apache-2.0 WITH LLVM-exception")
    }

    #[test]
    fn one_of_two_is_enough_but_both_of_both_are_needed() {
        assert_eq!(with_mit("GPL-3.0 OR MIT"), Some(true));
        assert_eq!(with_mit("GPL-3.0/MIT"), Some(true));
        assert_eq!(with_mit("GPL-3.0 AND MIT"), Some(false));
        assert_eq!(with_mit("(MIT OR Apache-2.0) AND Unicode-3.0"), Some(false));
        assert_eq!(with_mit("MIT OR Apache-2.0 AND GPL-3.0"), Some(true), "AND binds more tightly");
        assert_eq!(with_mit("Apache-2.0 WITH LLVM-exception"), Some(true));
        assert_eq!(with_mit("Apache-2.0"), Some(false));
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for broken in ["", "MIT OR", "(MIT", "MIT MIT", "WITH MIT"] {
            assert_eq!(with_mit(broken), None, "{broken}");
        }
    }
}
