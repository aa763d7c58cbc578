//! The screen, the preferences and the speed to emulate.

use serde_json::{Value, json};

/// The colour scheme a reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// As CSS names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What a reader holds in their hands, and how they like it.
#[derive(Clone, Debug)]
pub struct Device {
    width_px: u32,
    height_px: u32,
    pixel_ratio: f64,
    is_phone: bool,
    theme: Theme,
    reduced_motion: bool,
    javascript: bool,
    cpu_slowdown: f64,
}

impl Device {
    /// A window 1280 pixels wide.
    pub fn desktop() -> Self {
        Self {
            width_px: 1280,
            height_px: 800,
            pixel_ratio: 1.0,
            is_phone: false,
            theme: Theme::Light,
            reduced_motion: false,
            javascript: true,
            cpu_slowdown: 1.0,
        }
    }

    /// A touch screen 390 pixels wide.
    pub fn phone() -> Self {
        Self { width_px: 390, height_px: 844, pixel_ratio: 2.0, is_phone: true, ..Self::desktop() }
    }

    /// The reader prefers dark.
    #[must_use]
    pub fn dark(self) -> Self {
        self.theme(Theme::Dark)
    }

    /// The reader prefers `theme`.
    #[must_use]
    pub fn theme(self, theme: Theme) -> Self {
        Self { theme, ..self }
    }

    /// The reader prefers reduced motion.
    #[must_use]
    pub fn reduced_motion(self) -> Self {
        Self { reduced_motion: true, ..self }
    }

    /// The reader has no JavaScript.
    #[must_use]
    pub fn without_javascript(self) -> Self {
        Self { javascript: false, ..self }
    }

    /// The processor is this many times slower.
    #[must_use]
    pub fn slower(self, times: f64) -> Self {
        Self { cpu_slowdown: times, ..self }
    }

    /// A window of another size.
    #[must_use]
    pub fn size(self, width_px: u32, height_px: u32) -> Self {
        Self { width_px, height_px, ..self }
    }

    /// Such as `390-dark`, to name a screenshot by.
    pub fn name(&self) -> String {
        format!("{}-{}", self.width_px, self.theme.name())
    }

    /// The DevTools commands that emulate this device.
    /// <https://chromedevtools.github.io/devtools-protocol/tot/Emulation/>
    pub(crate) fn commands(&self) -> Vec<(&'static str, Value)> {
        let motion = if self.reduced_motion { "reduce" } else { "no-preference" };
        vec![
            (
                "Emulation.setDeviceMetricsOverride",
                json!({
                    "width": self.width_px,
                    "height": self.height_px,
                    "deviceScaleFactor": self.pixel_ratio,
                    "mobile": self.is_phone,
                }),
            ),
            ("Emulation.setTouchEmulationEnabled", json!({ "enabled": self.is_phone })),
            (
                "Emulation.setEmulatedMedia",
                json!({ "features": [
                    { "name": "prefers-color-scheme", "value": self.theme.name() },
                    { "name": "prefers-reduced-motion", "value": motion },
                ]}),
            ),
            ("Emulation.setScriptExecutionDisabled", json!({ "value": !self.javascript })),
            ("Emulation.setCPUThrottlingRate", json!({ "rate": self.cpu_slowdown })),
        ]
    }
}
