//! Accessibility, by axe-core's rules.

use std::fs;

use anyhow::Result;
use serde::Deserialize;

use crate::browser::{Browser, target_folder};

impl Browser {
    /// What axe-core finds wrong with the page; nothing where npm has not installed axe-core.
    ///
    /// # Errors
    /// When axe-core fails on the page.
    pub async fn accessibility_problems(&self) -> Result<Vec<String>> {
        let path = target_folder().join("npm/node_modules/axe-core/axe.min.js");
        let Ok(source) = fs::read_to_string(&path) else {
            eprintln!("note: {} is missing (npm installs it), nothing was checked", path.display());
            return Ok(Vec::new());
        };
        // The expression's value, `axe` itself, cannot leave the page.
        self.eval::<()>(&format!("{source}; undefined")).await?;
        let violations: Vec<Violation> = self.eval("axe.run().then(result => result.violations)").await?;
        Ok(violations.iter().flat_map(Violation::lines).collect())
    }
}

#[derive(Debug, Deserialize)]
struct Violation {
    id: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    html: String,
    #[serde(default)]
    failure_summary: String,
}

impl Violation {
    fn lines(&self) -> impl Iterator<Item = String> {
        self.nodes.iter().map(|node| {
            format!(
                "{}: {} · {}",
                self.id,
                node.html,
                node.failure_summary.split_whitespace().collect::<Vec<_>>().join(" ")
            )
        })
    }
}
