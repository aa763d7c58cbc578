//! `loadgen man`: the manual pages, made from the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use miette::{IntoDiagnostic, Report, WrapErr};

use super::{Cli, Exit};

const EXAMPLES: &str = "\
Examples:
  loadgen man ~/.local/share/man/man1
  loadgen man . && man ./loadgen-check.1";

/// Write the manual pages: loadgen.1, and one for each subcommand
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The folder for them; made where it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let folder = options.folder.display();
    let failed = || format!("cannot write manual pages to {folder}; give a folder that can be written");
    std::fs::create_dir_all(&options.folder).into_diagnostic().wrap_err_with(failed)?;
    let command = Cli::command();
    let subcommands = command.get_subcommands().map(|it| format!("loadgen-{}.1", it.get_name()));
    let pages: Vec<String> = subcommands.chain(["loadgen.1".to_owned()]).collect();
    clap_mangen::generate_to(command, &options.folder).into_diagnostic().wrap_err_with(failed)?;
    for page in pages {
        let path = options.folder.join(page);
        let text = std::fs::read_to_string(&path).into_diagnostic().wrap_err_with(failed)?;
        std::fs::write(&path, as_written(&text)).into_diagnostic().wrap_err_with(failed)?;
    }
    say!("{folder}: manual pages of loadgen and its subcommands written");
    Ok(Exit::Agrees)
}

/// A page whose examples keep their lines: clap_mangen has them in a section EXTRA whose lines `man` fills and breaks, so that
/// no command could be copied. The section is called by its first line instead.
fn as_written(page: &str) -> String {
    let Some((before, extra)) = page.split_once(".SH EXTRA\n") else { return page.to_owned() };
    let (text, after) = extra.find(".SH ").map_or((extra, ""), |at| extra.split_at(at));
    let (title, text) = text.split_once('\n').unwrap_or((text, ""));
    let title = title.trim_end_matches(':').to_uppercase();
    format!("{before}.SH {title}\n.nf\n{}\n.fi\n{after}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_keep_their_lines_and_what_follows_stays() {
        let page = ".SH OPTIONS\nsome\n.SH EXTRA\nExamples:\n  loadgen a\n  loadgen b\n.SH VERSION\nv1\n";
        let expected = ".SH OPTIONS\nsome\n.SH EXAMPLES\n.nf\n  loadgen a\n  loadgen b\n.fi\n.SH VERSION\nv1\n";
        assert_eq!(as_written(page), expected);
        assert_eq!(as_written(".SH NAME\nx\n"), ".SH NAME\nx\n");
    }
}
