//! What the rest of the page sees of a figure: read it, turn its knobs, break it, follow its figures.
//!
//! Every mounted figure is registered here by its id, so that a number in a sentence, a prediction, a challenge or a
//! chart can find the figure it belongs to:
//!
//! ```ignore
//! // Elements of a page are mounted in any order: wait for the figure instead of looking once.
//! handle::when_mounted("fig-id", |figure| {
//!     let rate = figure.reading("users.rate");           // value, unit, sane range
//!     figure.set("users.rate", 90.0);                    // at once, without losing the run
//!     let heard = figure.on_change(|figure, change| …);  // dropped: no longer called
//!     let charted = figure.on_sample(|sample| …);        // about four times a second while it runs
//! });
//! ```
//!
//! What the others give back:
//!
//! - `charts::mount(panel: Panel, into: &HtmlElement, figure: &FigureHandle) -> Box<dyn Any>` draws one panel into an
//!   empty element that is as wide as the panel's column; what it returns is dropped when the figure goes.
//! - `lesson::mount_predict(element: &HtmlElement) -> Box<dyn Any>` and `lesson::mount_challenge(…)` bring those custom
//!   elements to life; `lesson::start()` is called once a page and looks for knobs in sentences.
//!
//! Everything lives on the page's one thread. Callbacks may call the handle again; a [`Subscription`] may be dropped
//! inside its own callback. A handle does not keep a figure alive: after its element was removed, calls do nothing.

mod asked;
mod listen;
mod mounted;
mod sample;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hockeystick_core::address::{self, AddressError, Board};
use hockeystick_core::figure::{Break, Figure, Measured};
use hockeystick_core::stage::{FaultKind, Reading, Stage, Target};
use hockeystick_core::theory::TheoryCurve;
use hockeystick_protocol::Question;

use super::history::{History, Moment, Places};
use crate::base64;

pub use asked::{Asked, Found, outcome};
pub use listen::Subscription;
use listen::{ChangeListener, SampleListener};
pub use mounted::{find, when_mounted};
pub(crate) use mounted::{register, unregister};
pub use sample::{Percentiles, Sample, Used};

/// What changed about a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The number at this path was set.
    Knob(String),
    /// It plays now, or no longer does.
    Running(bool),
    /// Simulated seconds in a second of the reader's time.
    Speed(f64),
    /// Another run began, at time zero: forget what was drawn, and what was broken.
    Restarted,
    /// The run went back into its past, where what was broken later breaks again: forget what was drawn.
    Rewound,
    /// The reader broke something.
    Broken(Break),
    /// The reader repaired all that was broken.
    Mended,
    /// Something stands elsewhere on the board.
    Moved,
}

/// What a figure does on behalf of its handle. The figure implements it; nobody else needs it.
pub(crate) trait Engine {
    fn stage_changed(&self, stage: &Stage);
    /// Something was added, removed or connected otherwise: another run, of another board.
    fn board_changed(&self);
    /// Things stand elsewhere.
    fn places_changed(&self);
    /// The stage is to hold the positions that are seen.
    fn settle(&self);
    fn seed_changed(&self, seed: u64);
    fn running_changed(&self, running: bool);
    fn speed_changed(&self, speed: f64);
    fn step(&self);
    fn restart(&self);
    /// False where there is no run that it could happen to.
    fn inject(&self, target: &Target, kind: FaultKind, lasts_s: f64) -> bool;
    fn mend(&self) -> bool;
    fn ask(&self, questions: Vec<Question>, on_found: Box<dyn FnMut(usize, Found)>) -> Asked;
}

struct State {
    authored: Figure,
    curve: Option<TheoryCurve>,
    measured: Vec<Measured>,
    stage: RefCell<Stage>,
    seed: Cell<u64>,
    speed: Cell<f64>,
    running: Cell<bool>,
    places: RefCell<Places>,
    history: RefCell<History>,
    engine: RefCell<Option<Rc<dyn Engine>>>,
    next_id: Cell<u64>,
    changes: RefCell<Vec<(u64, ChangeListener)>>,
    samples: RefCell<Vec<(u64, SampleListener)>>,
}

/// A figure on the page. Cheap to clone; see the [module](self).
#[derive(Clone)]
pub struct FigureHandle(Rc<State>);

impl std::fmt::Debug for FigureHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FigureHandle").field(&self.id()).finish()
    }
}

impl FigureHandle {
    pub(crate) fn new(figure: Figure, curve: Option<TheoryCurve>, measured: Vec<Measured>) -> Self {
        Self(Rc::new(State {
            curve,
            measured,
            stage: RefCell::new(figure.stage.clone()),
            seed: Cell::new(figure.seed),
            speed: Cell::new(figure.speed),
            running: Cell::new(false),
            places: RefCell::default(),
            history: RefCell::default(),
            engine: RefCell::new(None),
            next_id: Cell::new(0),
            changes: RefCell::new(Vec::new()),
            samples: RefCell::new(Vec::new()),
            authored: figure,
        }))
    }

    /// Its name within the page.
    pub fn id(&self) -> &str {
        &self.0.authored.id
    }

    /// The figure as its author wrote it.
    pub fn authored(&self) -> &Figure {
        &self.0.authored
    }

    /// What the page says of its response time over load, as its author wrote it.
    pub(crate) fn curve(&self) -> Option<&TheoryCurve> {
        self.0.curve.as_ref()
    }

    /// What was measured of a real deployment of the stage, for the chart of response time over load.
    pub(crate) fn measured(&self) -> &[Measured] {
        &self.0.measured
    }

    /// The stage as it stands now, with every knob as the reader left it.
    pub fn stage(&self) -> Stage {
        self.0.stage.borrow().clone()
    }

    /// Looks at the stage as it stands now without copying it. Do not turn knobs inside `look`.
    pub fn with_stage<T>(&self, look: impl FnOnce(&Stage) -> T) -> T {
        look(&self.0.stage.borrow())
    }

    /// The number at a path, with its unit and sane range; see [`Stage::knob`].
    pub fn reading(&self, path: &str) -> Option<Reading> {
        self.0.stage.borrow().knob(&self.path_now(path))
    }

    /// A path as the stage has it now: the reader may call by another name what the author's knobs and sentences name.
    fn path_now(&self, path: &str) -> String {
        let (stage, of) = (self.0.stage.borrow(), &self.0.authored.stage);
        let now = || {
            let (owner, rest) = path.split_once('.')?;
            let here = stage.same_component(of, of.component(owner)?)?;
            Some(format!("{}.{rest}", stage.components[here].id))
        };
        now().unwrap_or_else(|| path.to_owned())
    }

    /// The number at a path, in the knob's unit (seconds, bytes, a second).
    pub fn get(&self, path: &str) -> Option<f64> {
        self.reading(path).map(|reading| reading.value)
    }

    /// Sets the number at a path, at once and without losing the run. False when there is no such number.
    ///
    /// How many copies there are is another board, as if it were [edited](Self::edit).
    pub fn set(&self, path: &str, value: f64) -> bool {
        let Some(before) = self.get(path).filter(|_| value.is_finite()) else { return false };
        if before == value {
            return true;
        }
        let path = &self.path_now(path);
        if let Some(component) = path.strip_suffix(".copies") {
            let copies = |stage: &mut Stage| {
                let index = stage.component(component)?;
                stage.set_copies(index, (value + 0.5) as u32).then_some(())
            };
            return self.edit_by(Some(path), copies).is_some();
        }
        self.remember(Some(path));
        self.0.stage.borrow_mut().set_knob(path, value);
        if let Some(engine) = self.engine() {
            engine.stage_changed(&self.0.stage.borrow());
        }
        self.tell(&Change::Knob(path.to_owned()));
        true
    }

    /// Changes the board, and begins again at time zero with the same traffic. None, and nothing happened, when `change`
    /// says that it changed nothing.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Stage) -> Option<T>) -> Option<T> {
        self.edit_by(None, change)
    }

    fn edit_by<T>(&self, knob: Option<&str>, change: impl FnOnce(&mut Stage) -> Option<T>) -> Option<T> {
        let mut after = self.stage();
        let made = change(&mut after)?;
        self.remember(knob);
        self.become_stage(after);
        Some(made)
    }

    /// Takes over another stage: goes on where it has the same shape, else begins again.
    fn become_stage(&self, after: Stage) {
        let goes_on = self.0.stage.borrow().has_shape_of(&after);
        *self.0.stage.borrow_mut() = after;
        if let Some(engine) = self.engine() {
            if goes_on { engine.stage_changed(&self.0.stage.borrow()) } else { engine.board_changed() }
        }
        self.tell(&Change::Knob(String::new()));
        if !goes_on {
            self.tell(&Change::Restarted);
        }
    }

    /// Remembers the board as it is, before a change. Changes of one knob that follow one another are one step.
    pub(crate) fn remember(&self, knob: Option<&str>) {
        self.0.history.borrow_mut().remember(knob, || self.moment());
    }

    /// The board as it stands.
    pub(crate) fn moment(&self) -> Moment {
        Moment { stage: self.stage(), places: self.0.places.borrow().clone() }
    }

    /// Something was moved on the board, which stood like this before.
    pub(crate) fn moved(&self, before: Moment) {
        self.0.history.borrow_mut().remember(None, || before);
        self.tell(&Change::Moved);
    }

    /// The knob was let go: the next change is a step of its own.
    pub(crate) fn let_go(&self) {
        self.0.history.borrow_mut().let_go();
    }

    /// Takes the last change back, or makes it again. False when there is none.
    pub(crate) fn travel(&self, back: bool) -> bool {
        let now = self.moment();
        let Some(then) = self.0.history.borrow_mut().travel(back, now) else { return false };
        *self.0.places.borrow_mut() = then.places;
        self.become_stage(then.stage);
        if let Some(engine) = self.engine() {
            engine.places_changed();
        }
        true
    }

    /// Whether there is a change to be taken back, and one to be made again.
    pub(crate) fn can_travel(&self) -> (bool, bool) {
        self.0.history.borrow().can_travel()
    }

    /// Looks at where the reader put things, or changes it.
    pub(crate) fn places<T>(&self, act: impl FnOnce(&mut Places) -> T) -> T {
        act(&mut self.0.places.borrow_mut())
    }

    /// The whole board as text for an address: opened again, it runs the same.
    pub fn state(&self) -> String {
        if let Some(engine) = self.engine() {
            engine.settle();
        }
        board_text(self.stage(), self.seed(), self.speed())
    }

    /// The board as its author wrote it, as [`state`](Self::state) gives the one that is there.
    pub(crate) fn authored_state(&self) -> String {
        let Figure { stage, seed, speed, .. } = &self.0.authored;
        board_text(stage.clone(), *seed, *speed)
    }

    /// Opens a board that [`state`](Self::state) gave, and begins at time zero.
    ///
    /// # Errors
    /// A sentence for the reader when the text is none; nothing is changed then.
    pub fn open_state(&self, text: &str) -> Result<(), String> {
        let bytes = base64::decode(text.trim()).ok_or_else(|| AddressError::Broken.to_string())?;
        let Board { mut stage, seed, speed } = address::read(&bytes).map_err(|why| why.to_string())?;
        // An address holds no sentences: the author's task stays.
        stage.challenge.clone_from(&self.0.authored.stage.challenge);
        self.remember(None);
        self.set_speed(speed);
        self.0.seed.set(seed);
        *self.0.places.borrow_mut() = Places::default();
        *self.0.stage.borrow_mut() = stage;
        if let Some(engine) = self.engine() {
            engine.board_changed();
            engine.seed_changed(seed);
        }
        self.tell(&Change::Knob(String::new()));
        self.tell(&Change::Restarted);
        Ok(())
    }

    /// Puts everything on the board in order. The run goes on.
    pub(crate) fn tidy(&self) {
        self.remember(None);
        *self.0.places.borrow_mut() = Places::default();
        self.0.stage.borrow_mut().tidy();
        if let Some(engine) = self.engine() {
            engine.places_changed();
        }
        self.tell(&Change::Moved);
    }

    /// What the reader moved stands there in the stage itself, for whoever is given it.
    pub(crate) fn keep_places(&self) {
        if let Some(engine) = self.engine().filter(|_| !self.places(|it| it.wide.is_empty())) {
            engine.settle();
        }
    }

    /// The positions of things in the stage itself; no change of the board.
    pub(crate) fn move_to(&self, act: impl FnOnce(&mut Stage)) {
        act(&mut self.0.stage.borrow_mut());
    }

    /// Whether it plays.
    pub fn is_running(&self) -> bool {
        self.0.running.get()
    }

    /// Plays.
    pub fn play(&self) {
        self.set_running(true);
    }

    /// Pauses.
    pub fn pause(&self) {
        self.set_running(false);
    }

    fn set_running(&self, running: bool) {
        if self.0.running.replace(running) != running {
            if let Some(engine) = self.engine() {
                engine.running_changed(running);
            }
            self.tell(&Change::Running(running));
        }
    }

    /// Pauses, and goes on to the next thing that happens to any request.
    pub fn step(&self) {
        // A step pauses by itself; what is told of a pause would be taken for it.
        if let Some(engine) = self.engine() {
            engine.step();
        }
        self.pause();
    }

    /// Begins again at time zero, with the same seed and the knobs as they are.
    pub fn restart(&self) {
        if let Some(engine) = self.engine() {
            engine.restart();
        }
        self.tell(&Change::Restarted);
    }

    /// Turns every knob back to what the author wrote, puts everything back in its place, and begins again.
    pub fn reset(&self) {
        self.remember(None);
        *self.0.places.borrow_mut() = Places::default();
        *self.0.stage.borrow_mut() = self.0.authored.stage.clone();
        if let Some(engine) = self.engine() {
            engine.board_changed();
        }
        self.tell(&Change::Knob(String::new()));
        self.tell(&Change::Restarted);
    }

    /// Seed of every random draw.
    pub fn seed(&self) -> u64 {
        self.0.seed.get()
    }

    /// Sets the seed and begins again.
    pub fn set_seed(&self, seed: u64) {
        self.0.seed.set(seed);
        if let Some(engine) = self.engine() {
            engine.seed_changed(seed);
        }
        self.tell(&Change::Restarted);
    }

    /// Simulated seconds in a second of the reader's time.
    pub fn speed(&self) -> f64 {
        self.0.speed.get()
    }

    /// Sets the speed, kept between 1/1000 and 1000.
    pub fn set_speed(&self, speed: f64) {
        let speed = if speed.is_finite() { speed.clamp(0.001, 1000.0) } else { 1.0 };
        if self.0.speed.replace(speed) != speed {
            if let Some(engine) = self.engine() {
                engine.speed_changed(speed);
            }
            self.tell(&Change::Speed(speed));
        }
    }

    /// Breaks something for a while, from now on. False where nothing runs that it could happen to.
    pub fn inject(&self, what: &Break) -> bool {
        let done = self.engine().is_some_and(|engine| engine.inject(&what.on, what.kind, what.lasts_s));
        if done {
            self.tell(&Change::Broken(what.clone()));
        }
        done
    }

    /// The run is at another instant of its own, where the knobs stood like this. The charts have forgotten the rest.
    pub(crate) fn stands_at(&self, mut stage: Stage) {
        let same = self.with_stage(|now| {
            // A run knows no places on the page.
            stage.components.iter_mut().zip(&now.components).for_each(|(then, now)| then.at = now.at);
            hockeystick_core::pack::are_alike(&stage, now)
        });
        if !same {
            self.remember(None);
            *self.0.stage.borrow_mut() = stage;
            self.tell(&Change::Knob(String::new()));
        }
    }

    /// The run goes back: what was drawn is to be drawn anew.
    pub(crate) fn rewinds(&self) {
        self.tell(&Change::Rewound);
    }

    /// Ends everything that is broken.
    pub fn mend(&self) {
        if self.engine().is_some_and(|engine| engine.mend()) {
            self.tell(&Change::Mended);
        }
    }

    /// Finds things out in the background, one after another, without disturbing the figure: `on_found` gets the index of
    /// the question and what came of it. Keep what is returned; dropping it withdraws the questions.
    pub fn ask(&self, questions: Vec<Question>, on_found: impl FnMut(usize, Found) + 'static) -> Option<Asked> {
        Some(self.engine()?.ask(questions, Box::new(on_found)))
    }

    fn engine(&self) -> Option<Rc<dyn Engine>> {
        self.0.engine.borrow().clone()
    }

    /// Connects the figure's own machinery; none when its element was removed.
    pub(crate) fn set_engine(&self, engine: Option<Rc<dyn Engine>>) {
        *self.0.engine.borrow_mut() = engine;
    }
}

/// A board as text for an address. The author's task is not part of it: an address holds no sentences.
fn board_text(stage: Stage, seed: u64, speed: f64) -> String {
    let board = Board { stage: Stage { challenge: None, ..stage }, seed, speed };
    base64::encode(&address::write(&board))
}
