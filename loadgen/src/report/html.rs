//! The few elements that a report needs, with every text escaped: a results file may come from anywhere.

/// The report's look. Colours are those of the site; charts refer to the same variables.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:#fbfaf7;--ink:#1d1d1b;--soft:#5c5a55;--rule:#d8d5cd;--p50:#0072b2;--mean:#009e73;--p95:#8f5a9c;--p99:#d55e00}
@media(prefers-color-scheme:dark){:root{--page:#171716;--ink:#ecebe7;--soft:#a3a19b;--rule:#3a3936;--p50:#56b4e9;--mean:#3cc79b;--p95:#c79bd2;--p99:#f0884d}}
body{background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.15rem;margin-top:2.2rem}
.sub,.note{color:var(--soft);font-size:.9rem}.verdict{font-size:1.15rem;border-left:4px solid var(--p50);padding-left:.8rem}
.capacity{font-size:1.05rem}
.doubt{border-left:4px solid var(--p99);padding-left:.8rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--soft);font-weight:600}th:first-child,td:first-child{text-align:left}
td.agrees{color:var(--mean);font-weight:600}td.disagrees{color:var(--p99);font-weight:600}td.inconclusive{color:var(--soft);font-style:italic}
svg{width:100%;min-width:38rem;height:auto}svg text{font-family:system-ui,sans-serif}
@media print{:root{--page:#fff;--ink:#000;--soft:#444;--rule:#bbb;--p50:#0072b2;--mean:#009e73;--p95:#8f5a9c;--p99:#d55e00}h2{break-after:avoid}tr,svg,section{break-inside:avoid}.scroll{overflow:visible}svg{min-width:0}body{max-width:none;margin:0;font-size:11pt}table{font-size:7.5pt}th,td{padding:.15rem .3rem;white-space:normal}}@page{margin:15mm}";

/// A page in the making.
pub(super) struct Html(String);

impl Html {
    pub(super) fn new(title: &str) -> Self {
        let title = escape(title);
        Self(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        ))
    }

    /// An element with a text in it; `tag` may carry attributes.
    pub(super) fn element(&mut self, tag: &str, text: &str) {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.0 += &format!("<{tag}>{}</{name}>\n", escape(text));
    }

    /// Markup that this crate made.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0 += markup;
    }

    pub(super) fn table(&mut self, header: &[&str]) {
        self.0 += "<div class=\"scroll\"><table>\n<thead><tr>";
        for cell in header {
            self.0 += &format!("<th scope=\"col\">{}</th>", escape(cell));
        }
        self.0 += "</tr></thead>\n<tbody>\n";
    }

    pub(super) fn row(&mut self, cells: &[String]) {
        self.0 += "<tr>";
        for cell in cells {
            // A verdict is its own class, which colours it.
            let class = match cell.as_str() {
                "agrees" | "disagrees" | "inconclusive" => format!(" class=\"{cell}\""),
                _ => String::new(),
            };
            self.0 += &format!("<td{class}>{}</td>", escape(cell));
        }
        self.0 += "</tr>\n";
    }

    pub(super) fn end_table(&mut self) {
        self.0 += "</tbody>\n</table></div>\n";
    }

    pub(super) fn finish(mut self) -> String {
        self.0 += "</body>\n</html>\n";
        self.0
    }
}

/// A text as HTML shows it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
