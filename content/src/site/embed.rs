//! One figure alone, for a frame on somebody else's page or slide: `/embed/?stage=09-load-balancer`.
//!
//! The page takes the figure from its lesson when it is opened (`site/assets/embed.js`), so there is no second copy of
//! any figure. Without an address's question it says what can be asked for.

use maud::html;

use super::{Page, SiteOptions, figures, shell};
use crate::journey::Stop;

pub(super) fn page(options: &SiteOptions, stops: &[Stop]) -> Result<Page, miette::Report> {
    let main = html! {
        main #content.embed {
            h1.unseen { "A figure of Hockeystick" }
            div.embed-help {
                p.no { "Hockeystick" }
                p #embed-says { "This page shows one figure, made for a frame on a page or a slide of yours." }
                p { "Copy this into the page, and put the stage that you want in its address:" }
                pre { code #embed-line {
                    "<iframe src=\"embed/?stage=09-load-balancer\" title=\"Hockeystick\" width=\"100%\" \
                     height=\"800\"></iframe>"
                } }
                p { "Share, below any figure, copies such a frame with the board as it stands. The address may go on with" }
                dl {
                    div { dt { code { "&fig=pair" } } dd { "a figure of that lesson; else its first one" } }
                    div { dt { code { "&seed=7" } } dd { "the seed of everything random, a whole number" } }
                    div { dt { code { "&run=0" } } dd { "0: it waits for the play button; 1: it runs when it is seen" } }
                    div { dt { code { "#s=…" } } dd { "a board of your own, as a figure’s Share button copies it" } }
                }
                p { "Stages:" }
                ul #embed-stages {
                    @for stop in stops { li { a href={ "?stage=" (stop.slug) } { (stop.slug) } } }
                }
            }
            // Whatever figure comes here finds its icons.
            (figures::icons())
        }
    };
    let description = "One figure of Hockeystick, for a frame on a page or a slide of yours.";
    shell::bare(options, "embed/index.html", "A figure of Hockeystick", description, &main)
}
