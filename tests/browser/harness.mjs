// Chromium for the browser tests: pages whose errors and requests are watched, and a check every page must pass.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import assert from "node:assert/strict";

const require = createRequire(process.env.TEST_BROWSER_MODULES + "/");
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;

// `sizes`: that of the page first, then those it must fit into as well.
export async function start(base, pictures, sizes) {
  mkdirSync(pictures, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  const troubles = [];

  async function open(options) {
    // Without motion: colours half way from one to the other are no colours of the page.
    const context = await browser.newContext({ locale: "nb-NO", reducedMotion: "reduce", viewport: sizes[0], ...options });
    const page = await context.newPage();
    page.on("console", (m) => m.type() === "error" && troubles.push(`${page.url()}: ${m.text()}`));
    page.on("pageerror", (e) => troubles.push(`${page.url()}: ${e}`));
    page.on("request", (r) => r.url().startsWith(base) || r.url().startsWith("data:") || troubles.push(`asked ${r.url()}`));
    return page;
  }

  async function check(page, name) {
    // The scanner is put in by the test, past the policy that holds for the page itself.
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    const said = found.violations.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`);
    assert.deepEqual(said, []);
    assert.equal(await page.locator("h1").count(), 1, `${name}: one heading of the first rank`);
    for (const [index, size] of sizes.entries()) {
      await page.setViewportSize(size);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${name}: ${wide} px too wide at ${size.width} px`);
      await page.screenshot({ path: `${pictures}/${name}${index ? "-narrow" : ""}.png`, fullPage: true });
    }
    await page.setViewportSize(sizes[0]);
  }

  return { browser, troubles, open, check };
}
