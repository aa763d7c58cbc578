//! A task that the page judges: the simulation runs the reader's board with several seeds after each change.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use hockeystick_core::challenge::Term;
use hockeystick_core::outcome::Outcome;
use hockeystick_core::stage::Challenge;
use hockeystick_protocol::Question;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlDetailsElement, HtmlElement};

use super::judge::{Line, SEEDS, judge};
use crate::dom::{self, Listener, weakly};
use crate::figure::handle::{self, Asked, Change, FigureHandle, Found, Subscription};

/// How long the reader must leave the board alone before it is judged.
const SETTLED_MS: u32 = 700;

/// A challenge on the page.
pub(super) struct Board {
    element: HtmlElement,
    parts: RefCell<Option<Parts>>,
    figure: RefCell<Option<(FigureHandle, Challenge, Subscription)>>,
    outcomes: RefCell<Vec<Outcome>>,
    settling: RefCell<Option<Timeout>>,
    runs: RefCell<Option<Asked>>,
    listeners: RefCell<Vec<Listener>>,
    /// The figure was paused for the judge, and is to play on after it.
    paused: Cell<bool>,
}

struct Parts {
    lines: Vec<(Term, Element, HtmlElement)>,
    status: HtmlElement,
    /// Asks for a verdict on a board that nobody has changed.
    ask: HtmlElement,
}

impl Board {
    /// Finds the challenge's figure and waits until the reader changes it, or asks.
    pub(super) fn mount(element: &HtmlElement) -> Rc<Self> {
        let board = Rc::new(Self {
            element: element.clone(),
            parts: RefCell::default(),
            figure: RefCell::default(),
            outcomes: RefCell::default(),
            settling: RefCell::default(),
            runs: RefCell::default(),
            listeners: RefCell::default(),
            paused: Cell::default(),
        });
        board.step_hints();
        if let Some(id) = element.get_attribute("data-figure") {
            handle::when_mounted(&id, weakly(&board, |board, figure| board.connect(figure)));
        }
        board
    }

    fn connect(self: &Rc<Self>, figure: FigureHandle) {
        let Some(challenge) = figure.authored().stage.challenge.clone() else { return };
        *self.parts.borrow_mut() = Parts::build(&self.element);
        let changed = weakly(self, |board, change: Change| match change {
            Change::Knob(_) => board.settle(),
            // The reader decides.
            Change::Running(_) => board.paused.set(false),
            _ => {}
        });
        let subscription = figure.on_change(move |_, change| changed(change.clone()));
        *self.figure.borrow_mut() = Some((figure, challenge, subscription));
        self.show();
        if let Some(parts) = self.parts.borrow().as_ref() {
            let status = parts.status.clone();
            let asked = weakly(self, move |board, _: Event| {
                // The verdict takes the button's place, and whoever pressed a key there goes on from it.
                status.set_tab_index(-1);
                let _ = status.focus();
                board.run();
            });
            self.listeners.borrow_mut().push(Listener::new(&parts.ask, "click", asked));
        }
    }

    /// Something was turned: what was judged no longer holds. Judges anew once the reader lets go.
    fn settle(self: &Rc<Self>) {
        *self.runs.borrow_mut() = None;
        self.play_on();
        self.outcomes.borrow_mut().clear();
        self.show();
        self.say("Waiting for your hand to rest…", "waiting");
        let due = weakly(self, |board, ()| board.run());
        *self.settling.borrow_mut() = Some(Timeout::new(SETTLED_MS, move || due(())));
    }

    fn run(self: &Rc<Self>) {
        let figure = self.figure.borrow();
        let Some((figure, challenge, _)) = figure.as_ref() else { return };
        let Some(stage) = challenge.trial(&figure.authored().stage, figure.stage()) else {
            return self
                .say("Something is to break here that is not on your board. Put it back, under its name.", "no");
        };
        // Both at once would share the machine, and a busy board leaves the judge little of it. Who does not see the
        // challenge plays, and waits for no verdict.
        if figure.is_running() && self.is_seen() {
            figure.pause();
            self.paused.set(true);
        }
        let seconds = challenge.seconds();
        let run = |n: u64| Question::Run { stage: stage.clone(), seed: figure.seed().wrapping_add(n), seconds };
        self.judging(1);
        let ran = weakly(self, |board, found: Found| board.ran(found));
        *self.runs.borrow_mut() = figure.ask((0..SEEDS).map(run).collect(), move |_, found| ran(found));
    }

    fn ran(&self, found: Found) {
        match handle::outcome(found) {
            Ok(outcome) => self.outcomes.borrow_mut().push(outcome),
            Err(problem) => {
                self.play_on();
                return self.say(&format!("The simulation could not run this: {problem}"), "no");
            }
        }
        let lines = self.show();
        let done = self.outcomes.borrow().len() as u64;
        if done < SEEDS {
            return self.judging(done + 1);
        }
        self.play_on();
        if lines.iter().all(|line| line.met == Some(true)) {
            self.say(&format!("Done. All {SEEDS} runs agree, each with other random users."), "yes");
        } else {
            self.say(&format!("Not yet. {SEEDS} runs, each with other random users."), "no");
        }
    }

    fn is_seen(&self) -> bool {
        let rect = self.element.get_bounding_client_rect();
        let height = dom::document().and_then(|page| page.document_element()).map_or(0, |root| root.client_height());
        rect.bottom() > 0.0 && rect.top() < f64::from(height)
    }

    fn judging(&self, run: u64) {
        let waits = if self.paused.get() { ", while the board waits" } else { "" };
        self.say(&format!("Judging: run {run} of {SEEDS}{waits}…"), "waiting");
    }

    /// The judge needs the machine no longer.
    fn play_on(&self) {
        if self.paused.take()
            && let Some((figure, ..)) = self.figure.borrow().as_ref()
        {
            figure.play();
        }
    }

    /// Shows every line as it is known now.
    fn show(&self) -> Vec<Line> {
        let figure = self.figure.borrow();
        let parts = self.parts.borrow();
        let (Some((figure, challenge, _)), Some(parts)) = (figure.as_ref(), parts.as_ref()) else { return Vec::new() };
        let lines = figure.with_stage(|board| judge(challenge, &self.outcomes.borrow(), board));
        for line in &lines {
            let Some((_, item, found)) = parts.lines.iter().find(|(term, ..)| *term == line.term) else { continue };
            let (state, word) = match line.met {
                Some(true) => ("yes", "met: "),
                Some(false) => ("no", "not met: "),
                None => ("unknown", ""),
            };
            dom::set(item, "data-met", state);
            let text = if line.found.is_empty() { "–".to_owned() } else { format!("{word}{}", line.found) };
            dom::say(found, &text);
        }
        lines
    }

    fn say(&self, text: &str, state: &str) {
        if let Some(parts) = self.parts.borrow().as_ref() {
            dom::say(&parts.status, text);
            dom::set(&self.element, "data-verdict", state);
        }
    }

    /// Hints come one after another: the next is offered when the last was opened.
    fn step_hints(self: &Rc<Self>) {
        let Ok(found) = self.element.query_selector_all("details") else { return };
        let hints: Vec<HtmlDetailsElement> =
            (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect();
        hints.iter().skip(1).for_each(|hint| hint.set_hidden(true));
        let listeners = hints.windows(2).map(|pair| {
            let (hint, next) = (pair[0].clone(), pair[1].clone());
            Listener::new(&pair[0], "toggle", move |_: Event| {
                if hint.open() {
                    next.set_hidden(false);
                }
            })
        });
        self.listeners.borrow_mut().extend(listeners);
    }
}

impl Parts {
    /// Adds to each goal of the page a place for what was found, and a line for the verdict after them.
    fn build(element: &HtmlElement) -> Option<Self> {
        let list = element.query_selector(".goals").ok()??;
        let line = |term: Term| {
            let item = list.query_selector(&format!("[data-goal=\"{}\"]", term.name())).ok()??;
            let words: Element = dom::document()?.create_element("span").ok()?;
            words.set_class_name("goal-words");
            while let Some(node) = item.first_child() {
                words.append_child(&node).ok()?;
            }
            item.append_child(&words).ok()?;
            let found = dom::child(&item, "span", "goal-found")?;
            Some((term, item, found))
        };
        let lines = Term::ALL.into_iter().filter_map(line).collect();
        dom::set(element, "data-verdict", "none");
        let status: HtmlElement = dom::child(&list, "p", "verdict")?;
        dom::set(&status, "aria-live", "polite");
        list.after_with_node_1(&status).ok()?;
        // Where the verdict will stand.
        let ask = dom::text_child(&status, "button", "button", "Judge this board")?;
        Some(Self { lines, status, ask })
    }
}
