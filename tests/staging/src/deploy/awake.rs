//! Cores that do not sleep while something is measured.

use std::fs::File;
use std::io::{self, Write as _};

/// While this lives, no core goes to sleep when it has nothing to do.
///
/// A core that slept takes 50 to 300 µs to wake on a virtual machine, as long as a small answer takes in all; and the
/// busier a server is, the less often it pays that. A model of the server knows nothing of it. So latency tests ask the
/// kernel for no wake-up latency at all (Documentation/power/pm_qos_interface.rst), which holds while the file is open.
#[derive(Debug)]
pub struct Awake(#[expect(dead_code, reason = "the open file is what counts")] File);

impl Awake {
    /// Keeps the cores awake from now on.
    ///
    /// # Errors
    ///
    /// When the kernel does not let us: usually it takes root.
    pub fn keep() -> io::Result<Self> {
        let mut file = File::options().write(true).open("/dev/cpu_dma_latency")?;
        file.write_all(&0_i32.to_ne_bytes())?;
        Ok(Self(file))
    }
}
