//! Writes every sample page to a folder, with links made relative, so that it can be looked at without a server.

use console::samples::samples;
use domain::customer::Language;
use reskontro_console as console;
use std::path::PathBuf;

const FONTS: [(&str, &[u8]); 2] = [
    ("Inter-Regular.ttf", include_bytes!("../../../assets/fonts/Inter-Regular.ttf")),
    ("Inter-SemiBold.ttf", include_bytes!("../../../assets/fonts/Inter-SemiBold.ttf")),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    let assets = to.join("console/assets");
    std::fs::create_dir_all(&assets)?;
    std::fs::write(assets.join("console.css"), console::CSS.replace("/console/assets/", ""))?;
    std::fs::write(assets.join("console.js"), console::JS)?;
    std::fs::write(assets.join("icon.svg"), console::ICON)?;
    let payer = to.join("i/assets");
    std::fs::create_dir_all(&payer)?;
    std::fs::write(payer.join("payer.css"), console::payer_css().replace("/i/assets/", ""))?;
    std::fs::write(payer.join("payer.js"), console::PAYER_JS)?;
    for (name, bytes) in FONTS {
        std::fs::write(assets.join(name), bytes)?;
        std::fs::write(payer.join(name), bytes)?;
    }
    for language in [Language::Bokmal, Language::Nynorsk, Language::English] {
        let folder = to.join(language.as_str());
        std::fs::create_dir_all(&folder)?;
        for (name, page) in samples(language) {
            let html = page?.replace("\"/console/assets/", "\"../console/assets/");
            let html = html.replace("\"/i/assets/", "\"../i/assets/");
            std::fs::write(folder.join(format!("{name}.html")), html)?;
        }
    }
    Ok(())
}
