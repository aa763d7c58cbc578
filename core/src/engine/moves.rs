//! What can be seen of a request: where it goes, waits, is served and fails.

use serde::{Deserialize, Serialize};

use crate::units::Nanos;
use crate::workload::Class;

macro_rules! causes {
    ($( $(#[doc = $doc:literal])+ $cause:ident = $name:literal; )*) => {
        /// Why a request failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Cause {
            $( $(#[doc = $doc])+ $cause, )*
        }

        impl Cause {
            /// Every cause, in the order of their discriminants.
            pub const ALL: [Self; Self::COUNT] = [ $( Self::$cause ),* ];

            /// How many causes there are.
            pub const COUNT: usize = [ $( $name ),* ].len();

            /// The cause's name in results.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$cause => $name, )* }
            }
        }
    };
}

causes! {
    /// A queue or a pool was full.
    Refused = "refused";
    /// The user, or a caller on the user's behalf, gave up.
    TimedOut = "timed out";
    /// The component that it needed did not run.
    Down = "server down";
    /// The process that held it was killed for want of memory.
    OutOfMemory = "out of memory";
    /// The app's code failed: a bad release, a broken contract.
    Error = "server error";
    /// No connection of a pool came free in time.
    NoConnection = "no connection";
    /// A disk had no room for what was to be written.
    DiskFull = "disk full";
    /// A circuit breaker or a bulkhead kept the call from being made.
    Rejected = "rejected";
    /// The user's session was lost.
    LoggedOut = "logged out";
}

/// One step of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// When.
    pub at: Nanos,
    /// Which request; numbers wrap after four billion.
    pub request: u32,
    /// Its class.
    pub class: Class,
    /// What it does.
    pub what: What,
}

/// What a request does. After it has failed at the users, its further moves are work for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It leaves one end of an edge for the other.
    Travel {
        /// The edge.
        edge: u16,
        /// Whether this is the answer, on its way back.
        back: bool,
        /// When it gets there.
        arrives: Nanos,
    },
    /// It queues.
    Wait {
        /// Where.
        node: u16,
    },
    /// A worker or a connection takes it.
    Serve {
        /// Where.
        node: u16,
    },
    /// It fails.
    Fail {
        /// Where.
        node: u16,
        /// Why.
        cause: Cause,
    },
    /// The user has the answer.
    Done {
        /// When the user asked.
        begun: Nanos,
    },
}
