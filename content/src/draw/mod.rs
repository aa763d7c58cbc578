//! Still pictures, as SVG: a board before it runs, and the icons that boards and prose share.
//!
//! Colours are the page's CSS custom properties, through classes: a picture follows the theme, and has no `style`.

mod board;
mod curve;
mod icons;
mod layout;

pub(crate) use board::board;
pub(crate) use curve::Curves;
pub(crate) use icons::{icon, sprite};
