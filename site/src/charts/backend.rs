//! The page's canvas as plotters sees it: an eighth of a pixel fine.
//!
//! plotters counts in whole pixels, which makes a gentle slope a staircase on an ordinary screen. Here it counts in
//! eighths of a CSS pixel, and the canvas's own transform brings them to the screen's pixels, whatever their density.
//!
//! Not the crate plotters-canvas: it shifts straight lines by half of what it takes for a pixel, and its texts and error
//! messages are in the page's download, used or not.

use std::convert::Infallible;

use hockeystick_core::number::short;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use web_sys::CanvasRenderingContext2d;

/// Steps in a CSS pixel.
pub(super) const UNITS: f64 = 8.0;

/// A canvas of a size in CSS pixels, in steps of an eighth.
pub(super) struct FineCanvas {
    context: CanvasRenderingContext2d,
    size: (u32, u32),
}

/// A canvas takes whatever is drawn on it.
type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl FineCanvas {
    /// The canvas, `width` by `height` CSS pixels; its context must scale eighths to its own pixels.
    pub(super) fn new(context: CanvasRenderingContext2d, width: f64, height: f64) -> Self {
        Self { context, size: ((width * UNITS) as u32, (height * UNITS) as u32) }
    }

    /// Strokes or fills a shape that is drawn in between.
    fn paint(&self, style: &impl BackendStyle, fill: bool, shape: &dyn Fn(&CanvasRenderingContext2d)) -> Drawn {
        let BackendColor { rgb: (red, green, blue), alpha } = style.color();
        let colour = format!("rgb({red} {green} {blue} / {})", short(alpha, 3));
        self.context.begin_path();
        shape(&self.context);
        if fill {
            self.context.set_fill_style_str(&colour);
            self.context.fill();
        } else {
            self.context.set_stroke_style_str(&colour);
            self.context.set_line_width(style.stroke_width().into());
            self.context.stroke();
        }
        Ok(())
    }

    fn through(&self, points: impl IntoIterator<Item = BackendCoord>, style: &impl BackendStyle, fill: bool) -> Drawn {
        let points: Vec<BackendCoord> = points.into_iter().collect();
        // A line to the first point of a path only goes there.
        self.paint(style, fill, &|context| {
            points.iter().for_each(|point| context.line_to(point.0.into(), point.1.into()))
        })
    }
}

impl DrawingBackend for FineCanvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect(point, (point.0 + 1, point.1 + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.through([from, to], style, false)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        let (x, y, width, height) = (from.0.into(), from.1.into(), (to.0 - from.0).into(), (to.1 - from.1).into());
        self.paint(style, fill, &|context| context.rect(x, y, width, height))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.through(path, style, false)
    }

    fn draw_circle<S: BackendStyle>(&mut self, centre: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        self.paint(style, fill, &|context| {
            // Fails only for a negative radius.
            let _ = context.arc(centre.0.into(), centre.1.into(), radius.into(), 0.0, std::f64::consts::TAU);
        })
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.through(path, style, true)
    }

    /// Texts are written by the sheet itself, in the page's font.
    fn draw_text<S: BackendTextStyle>(&mut self, _: &str, _: &S, _: BackendCoord) -> Drawn {
        Ok(())
    }
}
