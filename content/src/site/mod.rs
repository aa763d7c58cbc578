//! The site's pages: real HTML, readable without JavaScript, every link relative.

mod check;
mod checked;
mod compare;
mod embed;
mod figures;
mod glossary;
mod home;
mod kinds;
mod lesson;
mod map;
mod model;
mod palette;
mod room;
mod sandbox;
mod shell;
mod strip;
mod style;

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};

use crate::draw::Curves;
use crate::figure::Folder;
use crate::journey::{self, Stop};
use crate::lesson::{FigureBlock, Lesson, Source, StagePage};
use crate::stage::Shown;
use crate::{builtin, lesson as lessons, show, stage};
use hockeystick_core::component::Kind;
use hockeystick_core::figure::Panel;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Rate;

/// What the pages need to know of the site that they are part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteOptions {
    /// The path that the site lives under on its host, `/` or `/hockeystick/`. Only the page for a wrong address uses
    /// it: that one is shown at any depth.
    pub base: String,
    /// Names the folder of everything that may be cached for ever: `assets/BUILD_ID`.
    pub build_id: String,
    /// What `app.js` imports before it can begin, in the same folder: fetched beside it instead of after it.
    pub beside_app: Vec<String>,
}

/// A file of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it goes, below the site's folder: `stages/01-single-server/index.html`.
    pub path: String,
    /// What it is.
    pub bytes: Vec<u8>,
}

/// A stage with its page, ready to be shown.
struct Chapter {
    stop: Stop,
    stage: Stage,
    /// The one figure that stands for the stage.
    shown: Shown,
    /// Its lesson, or what its stage file says in a lesson's form.
    lesson: Lesson,
    curves: Curves,
}

/// Every page of the site, and their style sheet.
///
/// # Errors
/// What is wrong with a stage, a lesson or the page shell, with file, line and column.
pub fn render(options: &SiteOptions) -> Result<Vec<Page>, miette::Report> {
    let stops = journey::stops()?;
    let chapters = chapters(&stops)?;
    let mut pages = vec![
        shell::page(options, "index.html", &home::page(&chapters))?,
        shell::page(options, "stages/index.html", &map::page(&stops))?,
        shell::page(options, "check/index.html", &check::page(&stops))?,
        shell::page(options, "compare/index.html", &compare::page(&stops))?,
        shell::page(options, "sandbox/index.html", &sandbox::page(&stops))?,
        shell::page(options, "404.html", &not_found())?,
        shell::page(options, "offline.html", &offline())?,
        shell::page(options, "model/index.html", &kinds::index())?,
        shell::page(options, "glossary/index.html", &glossary::page(&chapters))?,
        embed::page(options, &stops)?,
        style::sheet(options),
    ];
    pages.extend(check::files());
    pages.extend(figures::files(&chapters));
    for kind in Kind::ALL {
        pages.push(shell::page(options, &format!("model/{}/index.html", kind.key()), &kinds::page(*kind))?);
    }
    for chapter in &chapters {
        let path = format!("stages/{}/index.html", chapter.stop.slug);
        pages.push(shell::page(options, &path, &lesson::page(&stops, chapter))?);
    }
    Ok(pages)
}

/// Every stage, read side by side: most of the time goes into what the model is asked for.
fn chapters(stops: &[Stop]) -> Result<Vec<Chapter>, miette::Report> {
    let read = |index: usize| read_chapter(&stops[index], stops.get(index + 1));
    std::thread::scope(|scope| {
        let halves = [0, 1].map(|first| {
            scope.spawn(move || (first..stops.len()).step_by(2).map(|index| (index, read(index))).collect::<Vec<_>>())
        });
        let mut all: Vec<(usize, Result<Chapter, miette::Report>)> = Vec::new();
        for half in halves {
            all.extend(half.join().map_err(|_| miette::miette!("a stage's page could not be made"))?);
        }
        all.sort_by_key(|(index, _)| *index);
        all.into_iter().map(|(_, chapter)| chapter).collect()
    })
}

fn read_chapter(stop: &Stop, next: Option<&Stop>) -> Result<Chapter, miette::Report> {
    let slug = &stop.slug;
    let missing = |what: &str| miette::miette!(help = "see CONTRIBUTING.md", "content/stages/{slug} has no {what}");
    let boards = builtin::boards(slug)?;
    let files: Vec<&str> = boards.iter().map(|(file, _)| *file).collect();
    let find = |name: &str| boards.iter().find(|(file, _)| *file == name).map(|(_, stage)| stage.clone());
    let folder = Folder { stage: &find, files: &files };
    let text = builtin::text(slug, "stage.toml").ok_or_else(|| missing("stage.toml"))?;
    let file = builtin::path(slug, "stage.toml");
    let (stage, shown) = stage::read_shown(text, &file, &builtin::catalogue(), Some(&folder))?;
    let shown = shown.ok_or_else(|| missing("[figure] in its stage.toml"))?;
    let lesson = match builtin::text(slug, "lesson.md") {
        Some(text) => lessons::read(&Source { text, file: &builtin::path(slug, "lesson.md"), folder })?,
        None => {
            let next = next.map(|next| next.broke.as_str());
            lessons::of_stage(StagePage { text, file: &file, broke: &stop.broke, next }, &shown)?
        }
    };
    let mut curves = Curves::default();
    lesson.figures().filter(|block| has_curve(block)).for_each(|block| curves.add(&block.figure));
    Ok(Chapter { stop: stop.clone(), stage, shown, lesson, curves })
}

/// What a page is made from; [`shell::page`] puts the frame around it.
struct Content {
    title: String,
    description: String,
    /// The link of the top navigation that leads here.
    here: Option<&'static str>,
    /// The stage that the page is about.
    stage_number: Option<usize>,
    stops: Vec<Stop>,
    main: Markup,
    needs_figures: bool,
    /// The script of the page's own, if it has one; the style sheet of such pages comes with it.
    tool: Option<&'static str>,
}

fn has_curve(block: &FigureBlock) -> bool {
    block.figure.panels.contains(&Panel::HockeyStick)
}

/// The boards that a page has shown so far: on paper, where nothing moves, each is printed once.
#[derive(Debug, Default)]
struct Printed(BTreeSet<String>);

impl Printed {
    /// Whether this board was shown before, under whatever load.
    fn again(&mut self, stage: &Stage) -> bool {
        let mut stage = stage.clone();
        stage.workload.rate = Rate::per_second(1.0);
        !self.0.insert(crate::draw::board(&stage).into_string())
    }
}

/// A figure as it stands without a script; a running one takes the place of the still picture.
fn figure(block: &FigureBlock, curves: &Curves, printed: &mut Printed) -> Markup {
    let figure = &block.figure;
    let (again, curve) = (printed.again(&figure.stage), has_curve(block));
    html! {
        figure.figure {
            hockeystick-figure id={ "fig-" (figure.id) } data-figure=(block.encoded()) data-curve=[curves.encoded(figure)] {
                div.still.again[again && !curve] {
                    (room::room(figure, 0.0))
                    div.still-board.again[again && curve] { (crate::draw::board(&figure.stage)) }
                    @if curve { (curves.draw(figure)) }
                }
                @if !figure.palette.is_empty() { (palette::icons(&figure.palette)) }
            }
            figcaption { (show::sentence(&figure.caption)) }
        }
    }
}

/// HTML that pulldown-cmark has escaped already.
fn ready(html: &str) -> PreEscaped<&str> {
    PreEscaped(html)
}

impl Content {
    /// A page of words: no figure, no place on the journey.
    fn of_words(title: &str, description: &str, here: Option<&'static str>, main: Markup) -> Self {
        Self {
            title: title.to_owned(),
            description: description.to_owned(),
            here,
            stage_number: None,
            stops: Vec::new(),
            main,
            needs_figures: false,
            tool: None,
        }
    }
}

/// What stands in for a page that was never kept, while there is no network.
fn offline() -> Content {
    let main = html! {
        main #content.narrow-page {
            h1 { "You are offline" }
            p {
                "This page was not kept on your device. What you have visited before, and the lessons as they were \
                 then, are: nothing else is needed to run their figures."
            }
            p { a href="/stages/" { "To the map of the journey" } }
        }
    };
    Content::of_words("You are offline", "This page needs a network, and there is none.", None, main)
}

fn not_found() -> Content {
    let main = html! {
        main #content.narrow-page {
            p.no { "404" }
            h1 { "There is no such page" }
            p { "The address may be mistyped, or the page has moved. Every stage is on the map." }
            p { a href="/" { "To the start" } " · " a href="/stages/" { "To the map of the journey" } }
        }
    };
    Content::of_words("No such page", "There is no page at this address.", None, main)
}
