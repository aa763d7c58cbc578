//! The page's canvas as plotters sees it: an eighth of a pixel fine.
//!
//! plotters counts in whole pixels, which makes a gentle slope a staircase on an ordinary screen. Here it counts in
//! eighths of a CSS pixel, and the canvas's own transform brings them to the screen's pixels, whatever their density.

use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use plotters_canvas::CanvasBackend;
use web_sys::HtmlCanvasElement;

/// Steps in a CSS pixel.
pub(super) const UNITS: f64 = 8.0;

/// A canvas of a size in CSS pixels, in steps of an eighth.
pub(super) struct FineCanvas {
    canvas: CanvasBackend,
    size: (u32, u32),
}

type Failure = DrawingErrorKind<<CanvasBackend as DrawingBackend>::ErrorType>;

impl FineCanvas {
    /// The canvas, `width` by `height` CSS pixels; its context must scale eighths to its own pixels.
    pub(super) fn new(canvas: HtmlCanvasElement, width: f64, height: f64) -> Option<Self> {
        let size = ((width * UNITS) as u32, (height * UNITS) as u32);
        Some(Self { canvas: CanvasBackend::with_canvas_object(canvas)?, size })
    }
}

impl DrawingBackend for FineCanvas {
    type ErrorType = <CanvasBackend as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Result<(), Failure> {
        self.canvas.ensure_prepared()
    }

    fn present(&mut self) -> Result<(), Failure> {
        self.canvas.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Result<(), Failure> {
        self.canvas.draw_pixel(point, color)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Result<(), Failure> {
        // Not `CanvasBackend::draw_line`: it moves straight lines by half of what it takes for a pixel.
        self.canvas.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        lower_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), Failure> {
        self.canvas.draw_rect(upper_left, lower_right, style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), Failure> {
        self.canvas.draw_path(path, style)
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Result<(), Failure> {
        self.canvas.draw_circle(center, radius, style, fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        polygon: I,
        style: &S,
    ) -> Result<(), Failure> {
        self.canvas.fill_polygon(polygon, style)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Result<(), Failure> {
        self.canvas.draw_text(text, style, at)
    }
}
