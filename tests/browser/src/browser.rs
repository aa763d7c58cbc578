//! What a test does with a page: open, look, press, drag, listen.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fantoccini::Client;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::device::Device;
use crate::driver::{Driver, Post, Watch};
use crate::trace::ThreadNames;

/// How long a condition may take; a loaded machine is slow, and a test that passes does not wait.
const WAIT_MAX: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(50);
/// What stays this long within this many pixels holds still.
const REST: Duration = Duration::from_millis(600);
const REST_PX: f64 = 6.0;

/// A place in the window, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

impl Point {
    fn distance(self, to: Self) -> f64 {
        (to.x - self.x).hypot(to.y - self.y)
    }

    /// This far to the right and down.
    #[must_use]
    pub fn offset(self, x: f64, y: f64) -> Self {
        Self { x: self.x + x, y: self.y + y }
    }

    /// The place `part` of the way (0 to 1) to `end`.
    fn towards(self, end: Self, part: f64) -> Self {
        self.offset((end.x - self.x) * part, (end.y - self.y) * part)
    }
}

/// A Chromium of its own; it ends when dropped, also when the test panics.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    pub(crate) thread_names: Mutex<ThreadNames>,
    _driver: Driver,
}

impl Browser {
    /// Starts a browser with an empty profile that emulates `device`.
    ///
    /// # Errors
    /// When Chromium or ChromeDriver is missing or does not start.
    pub async fn start(device: &Device) -> Result<Self> {
        Self::start_with(device, Watch::Network).await
    }

    /// Starts a browser that [traces](Self::trace) what its pages do, instead of their requests.
    ///
    /// # Errors
    /// When Chromium or ChromeDriver is missing or does not start.
    pub async fn traced(device: &Device) -> Result<Self> {
        Self::start_with(device, Watch::Tasks).await
    }

    /// The same, of a browser that paints on a graphics processor; what that does is nobody's task.
    ///
    /// # Errors
    /// When Chromium or ChromeDriver is missing or does not start.
    pub async fn traced_with_graphics(device: &Device) -> Result<Self> {
        Self::start_with(device, Watch::TasksWithGraphics).await
    }

    async fn start_with(device: &Device, watch: Watch) -> Result<Self> {
        let (driver, client) = Driver::start(watch).await?;
        let browser = Self { client, thread_names: Mutex::default(), _driver: driver };
        browser.emulate(device).await?;
        Ok(browser)
    }

    /// The WebDriver client, for what has no helper here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Emulates another device; most of it takes effect at once.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn emulate(&self, device: &Device) -> Result<()> {
        for (method, params) in device.commands() {
            self.cdp(method, params).await?;
        }
        Ok(())
    }

    /// Calls a method of the DevTools protocol.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn cdp(&self, method: &str, params: Value) -> Result<Value> {
        let body = json!({ "cmd": method, "params": params });
        let post = Post { path: "goog/cdp/execute", body };
        self.client.issue_cmd(post).await.with_context(|| format!("{method} failed"))
    }

    /// Opens a page and waits until it has loaded.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.client.goto(url).await.with_context(|| format!("cannot open {url}"))
    }

    /// The value of a JavaScript expression; promises are awaited.
    ///
    /// # Errors
    /// When it throws, or its value is not a `T`.
    pub async fn eval<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.cdp("Runtime.evaluate", params).await?;
        if let Some(exception) = answer.get("exceptionDetails") {
            bail!("{expression} threw {exception}");
        }
        // `undefined` has no value.
        let value = answer["result"].get("value").cloned().unwrap_or_default();
        serde_json::from_value(value).with_context(|| format!("{expression} has another type"))
    }

    /// Waits until a JavaScript expression, or what it promises, is true.
    ///
    /// # Errors
    /// When it throws, or is not true within 20 s.
    pub async fn wait_for(&self, condition: &str) -> Result<()> {
        let start = Instant::now();
        while !self.eval::<bool>(&format!("Promise.resolve({condition}).then(Boolean)")).await? {
            if start.elapsed() > WAIT_MAX {
                bail!("waited {} s in vain for {condition}", WAIT_MAX.as_secs());
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Writes the whole page to `target/screenshots/<name>.png`, where the variable `HOCKEYSTICK_SCREENSHOTS` is set: pictures
    /// are for people, no test looks at one, and they take most of the time of a test that goes through all pages.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn screenshot(&self, name: &str) -> Result<()> {
        if env::var_os("HOCKEYSTICK_SCREENSHOTS").is_none() {
            return Ok(());
        }
        let layout = self.cdp("Page.getLayoutMetrics", json!({})).await?;
        let size = &layout["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let params = json!({ "captureBeyondViewport": true, "clip": clip });
        let answer = self.cdp("Page.captureScreenshot", params).await?;
        let png = BASE64_STANDARD.decode(answer["data"].as_str().context("no picture came back")?)?;
        let folder = target_folder().join("screenshots");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{name}.png"));
        fs::write(&path, png).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Presses and releases a key in what has the focus.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn key(&self, key: Key) -> Result<()> {
        self.chord(&[], key.into()).await
    }

    /// Presses and releases a key while others are held: `chord(&[Key::Control], 'z')`.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn chord(&self, held: &[Key], key: char) -> Result<()> {
        let keys: Vec<char> = held.iter().map(|held| char::from(*held)).chain([key]).collect();
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in &keys {
            actions = actions.then(KeyAction::Down { value: *value });
        }
        for value in keys.iter().rev() {
            actions = actions.then(KeyAction::Up { value: *value });
        }
        self.client.perform_actions(actions).await.context("cannot press a key")
    }

    /// The middle of the first element that matches a CSS selector, scrolled into view.
    ///
    /// # Errors
    /// When nothing matches.
    pub async fn centre(&self, selector: &str) -> Result<Point> {
        let selector = Value::from(selector);
        let script = format!(
            "(() => {{ const e = document.querySelector({selector}); if (!e) return null; \
             e.scrollIntoView({{ block: 'nearest', behavior: 'instant' }}); \
             const b = e.getBoundingClientRect(); return {{ x: b.x + b.width / 2, y: b.y + b.height / 2 }}; }})()"
        );
        let point: Option<Point> = self.eval(&script).await?;
        point.with_context(|| format!("nothing matches {selector}"))
    }

    /// The middle of an element that moves with what it shows, once it holds still for a moment: a hand waits as well.
    ///
    /// # Errors
    /// When nothing matches, or it never comes to rest.
    pub async fn grip(&self, selector: &str) -> Result<Point> {
        let start = Instant::now();
        let mut at = self.centre(selector).await?;
        loop {
            sleep(REST).await;
            let now = self.centre(selector).await?;
            if at.distance(now) < REST_PX {
                return Ok(now);
            }
            if start.elapsed() > WAIT_MAX {
                bail!("{selector} did not come to rest in {} s", WAIT_MAX.as_secs());
            }
            at = now;
        }
    }

    /// Clicks the middle of the first element that matches a CSS selector.
    ///
    /// # Errors
    /// When nothing matches.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let at = self.centre(selector).await?;
        self.mouse("mouseMoved", at, false).await?;
        self.mouse("mousePressed", at, true).await?;
        self.mouse("mouseReleased", at, false).await
    }

    /// Drags with the mouse, in steps as a hand would.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn drag(&self, from: Point, to: Point) -> Result<()> {
        self.mouse("mouseMoved", from, false).await?;
        self.mouse("mousePressed", from, true).await?;
        for step in 1..=DRAG_STEPS {
            self.mouse("mouseMoved", from.towards(to, f64::from(step) / f64::from(DRAG_STEPS)), true).await?;
        }
        self.mouse("mouseReleased", to, false).await
    }

    /// Drags with the mouse from place to place, one every `pause`.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn drag_along(&self, way: &[Point], pause: Duration) -> Result<()> {
        let [from, .., to] = way else { bail!("a drag has a start and an end") };
        self.mouse("mouseMoved", *from, false).await?;
        self.mouse("mousePressed", *from, true).await?;
        let mut ticks = tokio::time::interval(pause);
        for at in way {
            ticks.tick().await;
            self.mouse("mouseMoved", *at, true).await?;
        }
        self.mouse("mouseReleased", *to, false).await
    }

    /// Drags with a finger.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn swipe(&self, from: Point, to: Point) -> Result<()> {
        self.fingers(&[(from, to)]).await
    }

    /// Moves a finger across the page without letting it rest first, as who scrolls does.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn flick(&self, from: Point, to: Point) -> Result<()> {
        self.fingers_after(Duration::ZERO, &[(from, to)]).await
    }

    /// Presses with a finger.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn tap(&self, at: Point) -> Result<()> {
        self.fingers(&[(at, at)]).await
    }

    /// Puts fingers down one after another, lets them rest for as long as it takes to pick something up, moves them together, each from a place to another, and takes them off.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn fingers(&self, ways: &[(Point, Point)]) -> Result<()> {
        let moves = ways.iter().any(|(from, to)| from != to);
        self.fingers_after(if moves { HOLD } else { Duration::ZERO }, ways).await
    }

    async fn fingers_after(&self, rest: Duration, ways: &[(Point, Point)]) -> Result<()> {
        // Said, not waited for: on a busy machine a quick finger would be a slow one.
        let begun = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() - 2.0;
        let touch = async |kind: &str, fingers: usize, part: f64| {
            let rested = if kind == "touchStart" { Duration::ZERO } else { rest + STROKE.mul_f64(part) };
            let at = ways[..fingers].iter().enumerate().map(|(id, (from, to))| {
                let at = from.towards(*to, part);
                json!({ "x": at.x, "y": at.y, "id": id })
            });
            let params = json!({
                "type": kind, "touchPoints": at.collect::<Vec<_>>(), "timestamp": begun + rested.as_secs_f64(),
            });
            self.cdp("Input.dispatchTouchEvent", params).await
        };
        for finger in 1..=ways.len() {
            touch("touchStart", finger, 0.0).await?;
        }
        for step in 1..=DRAG_STEPS {
            touch("touchMove", ways.len(), f64::from(step) / f64::from(DRAG_STEPS)).await?;
        }
        touch("touchEnd", 0, 1.0).await?;
        Ok(())
    }

    async fn mouse(&self, kind: &str, at: Point, pressed: bool) -> Result<()> {
        let button = if kind == "mouseMoved" && !pressed { "none" } else { "left" };
        let params = json!({
            "type": kind, "x": at.x, "y": at.y, "button": button, "buttons": u8::from(pressed), "clickCount": 1,
        });
        self.cdp("Input.dispatchMouseEvent", params).await?;
        Ok(())
    }

    /// What the page complained about since the last call: exceptions, failed requests, violations of its policy.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        let entries = self.log("browser").await?;
        let is_error = |entry: &&LogEntry| matches!(entry.level.as_str(), "SEVERE" | "WARNING");
        Ok(entries.iter().filter(is_error).map(|entry| entry.message.clone()).collect())
    }

    /// The address of every request since the last call.
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn requests(&self) -> Result<Vec<String>> {
        let mut urls = Vec::new();
        for message in self.protocol_log().await? {
            if message["method"] == "Network.requestWillBeSent" {
                urls.extend(message["params"]["request"]["url"].as_str().map(str::to_owned));
            }
        }
        Ok(urls)
    }

    /// The events of the DevTools protocol that the driver has kept since the last call.
    pub(crate) async fn protocol_log(&self) -> Result<Vec<Value>> {
        let entries = self.log("performance").await?;
        let message = |entry: &LogEntry| Ok(serde_json::from_str::<Value>(&entry.message)?["message"].take());
        entries.iter().map(message).collect()
    }

    async fn log(&self, kind: &str) -> Result<Vec<LogEntry>> {
        let post = Post { path: "se/log", body: json!({ "type": kind }) };
        let entries = self.client.issue_cmd(post).await.with_context(|| format!("cannot read the {kind} log"))?;
        Ok(serde_json::from_value(entries)?)
    }
}

const DRAG_STEPS: u32 = 12;
/// How long a finger rests before it moves: longer than a card asks for.
const HOLD: Duration = Duration::from_millis(350);
/// How long it moves.
const STROKE: Duration = Duration::from_millis(180);

#[derive(Debug, Deserialize)]
struct LogEntry {
    level: String,
    message: String,
}

/// Where cargo builds: this program lies in `target/<profile>/deps/`.
pub(crate) fn target_folder() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    program.ancestors().nth(3).map_or_else(env::temp_dir, Path::to_owned)
}
