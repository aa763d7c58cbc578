//! The harness itself: what it hears, emulates and leaves behind.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Site};
use tempfile::TempDir;

/// A site of one page.
async fn site_of(body: &str) -> Result<(Site, TempDir)> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("_headers"), "/\n  Content-Security-Policy: img-src 'none'\n")?;
    std::fs::write(
        folder.path().join("index.html"),
        format!(
            "<!doctype html><meta name=viewport content='width=device-width'><link rel=icon href=data:,><body>{body}"
        ),
    )?;
    let site = Site::start_in(folder.path().to_owned()).await?;
    Ok((site, folder))
}

#[tokio::test]
async fn exceptions_and_policy_violations_are_heard() -> Result<()> {
    let (site, _folder) =
        site_of("<img src=/a.png><script>setTimeout(() => { throw new Error('mine') })</script>").await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&site.url("/")).await?;
    let errors = browser.console_errors().await?.join("\n");
    assert!(errors.contains("mine"), "{errors}");
    assert!(errors.contains("img-src 'none'"), "{errors}");
    let requests = browser.requests().await?;
    assert!(requests.contains(&site.url("/")), "{requests:?}");
    Ok(())
}

#[tokio::test]
async fn the_device_is_what_the_page_sees() -> Result<()> {
    let (site, _folder) = site_of("<p id=p>off</p><script>p.textContent = 'on'</script>").await?;
    let browser = Browser::start(&Device::phone().dark().reduced_motion()).await?;
    browser.goto(&site.url("/")).await?;
    assert_eq!(browser.eval::<u32>("innerWidth").await?, 390);
    for query in ["(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "(pointer: coarse)"] {
        ensure!(browser.eval::<bool>(&format!("matchMedia('{query}').matches")).await?, "{query}");
    }
    assert_eq!(browser.eval::<String>("p.textContent").await?, "on");
    browser.emulate(&Device::desktop().without_javascript()).await?;
    browser.goto(&site.url("/")).await?;
    assert_eq!(browser.eval::<String>("document.getElementById('p').textContent").await?, "off");
    assert_eq!(browser.eval::<u32>("innerWidth").await?, 1280);
    Ok(())
}

#[tokio::test]
async fn pointer_and_keys_arrive_as_a_person_would_send_them() -> Result<()> {
    let (site, _folder) = site_of(
        "<div id=d style='width:200px;height:200px;touch-action:none'></div><input id=i><script>window.seen = [];
         for (const t of ['pointerdown', 'pointermove', 'pointerup', 'click'])
           d.addEventListener(t, e => seen.push(t + ':' + e.pointerType));
         i.addEventListener('keydown', e => seen.push((e.ctrlKey ? 'ctrl+' : '') + e.key));</script>",
    )
    .await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&site.url("/")).await?;
    let at = browser.centre("#d").await?;
    browser.drag(at, at.offset(50.0, 20.0)).await?;
    let seen: Vec<String> = browser.eval("seen.splice(0)").await?;
    assert_eq!(seen.first().map(String::as_str), Some("pointermove:mouse"));
    assert_eq!(seen[1], "pointerdown:mouse");
    assert!(seen.iter().filter(|event| *event == "pointermove:mouse").count() > 5, "{seen:?}");
    browser.click("#i").await?;
    browser.key(Key::Right).await?;
    browser.chord(&[Key::Control], 'z').await?;
    assert_eq!(browser.eval::<Vec<String>>("seen.splice(0)").await?, ["ArrowRight", "ctrl+Control", "ctrl+z"]);
    browser.emulate(&Device::phone()).await?;
    let at = browser.centre("#d").await?;
    browser.swipe(at, at.offset(30.0, 0.0)).await?;
    let seen: Vec<String> = browser.eval("seen").await?;
    assert_eq!(seen.first().map(String::as_str), Some("pointerdown:touch"), "{seen:?}");
    Ok(())
}
