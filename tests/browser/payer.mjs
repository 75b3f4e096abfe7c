// Drives the payer's page in a real browser on a phone's width: before the code and after it, by keyboard and without
// script, paid, dead, in the dark. Every page is checked by axe-core, nothing is asked of another host, and no rule of the
// Content-Security-Policy is broken. Called by tests/it/browser.rs.
//
// node payer.mjs BASE OPEN_PATH PAID_PATH NAME SPOOL PICTURES
import { readdirSync, readFileSync } from "node:fs";
import assert from "node:assert/strict";
import { start } from "./harness.mjs";

const [base, path, paid, name, spool, pictures] = process.argv.slice(2);
const { browser, troubles, open, check } = await start(base, pictures, [{ width: 390, height: 844 }, { width: 320, height: 640 }]);

const mails = () => new Set(readdirSync(spool));
function codeSince(before) {
  const made = [...mails()].filter((file) => !before.has(file));
  assert.equal(made.length, 1, "one code is one mail");
  return readFileSync(`${spool}/${made[0]}`, "utf8").match(/^(\d{6})\r?$/m)[1];
}
async function tabTo(page, text) {
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => document.activeElement.textContent.trim());
    if (at.startsWith(text)) return;
  }
  assert.fail(`the keyboard does not reach ${text}`);
}

const page = await open({ permissions: ["clipboard-read", "clipboard-write"] });

// Before the code: what is owed and how to pay, and nobody's name.
await page.goto(base + path);
await check(page, "payer");
assert.doesNotMatch(await page.content(), new RegExp(name));
await page.keyboard.press("Tab");
assert.match(await page.evaluate(() => document.activeElement.getAttribute("href")), /^#/, "first the link past the header");

// What is copied is digits alone, by button and by selecting.
await page.getByRole("button", { name: "Kopier KID" }).click();
const kid = await page.evaluate(() => navigator.clipboard.readText());
assert.match(kid, /^\d{4,25}$/);
assert.match(await page.locator("#copied").textContent(), /Kopiert/);
const selected = await page.evaluate(() => {
  getSelection().selectAllChildren(document.querySelector(".digits"));
  return getSelection().toString();
});
assert.equal(selected, kid);

// Another language, and back.
await page.locator("header summary").click();
await check(page, "payer-languages");
await page.keyboard.press("Escape");
assert.equal(await page.locator("header details[open]").count(), 0);
await page.goto(`${base}${path}?language=en`);
assert.equal(await page.locator("html").getAttribute("lang"), "en");
await page.goto(base + path);

// A code, by keyboard alone; a wrong one is said at the field, which has the focus.
let before = mails();
await tabTo(page, "Send meg en kode");
await page.keyboard.press("Enter");
await page.waitForURL(/said=sent/);
await check(page, "payer-code");
const code = codeSince(before);
await page.getByLabel("Kode fra e-posten").fill(code === "000000" ? "000001" : "000000");
await page.keyboard.press("Enter");
await page.waitForURL(/said=wrong/);
assert.equal(await page.evaluate(() => document.activeElement.id), "code");
await check(page, "payer-wrong");
await page.getByLabel("Kode fra e-posten").fill(code);
await page.keyboard.press("Enter");
await page.waitForSelector(".folds");
assert.match(await page.locator("h1").textContent(), new RegExp(name));
await check(page, "payer-open");
await tabTo(page, "Se linjene");
await page.keyboard.press("Enter");
await tabTo(page, "Hva har skjedd");
await page.keyboard.press("Enter");
assert.equal(await page.locator(".folds details[open]").count(), 2);
await check(page, "payer-open-all");
await page.emulateMedia({ colorScheme: "dark" });
await check(page, "payer-dark");
await page.emulateMedia({ colorScheme: "light" });
const [download] = await Promise.all([page.waitForEvent("download"), page.locator("a[href$='/pdf']").click()]);
assert.match(readFileSync(await download.path(), "latin1"), /^%PDF-/);
await page.getByRole("button", { name: "Avslutt nå" }).click();
await page.waitForURL(/said=closed/);
assert.doesNotMatch(await page.content(), new RegExp(name));

// Without script: the same way in, and no dead copy buttons.
const plain = await open({ javaScriptEnabled: false });
await plain.goto(base + path);
assert.equal(await plain.locator(".copy button:visible").count(), 0);
before = mails();
await plain.getByRole("button", { name: "Send" }).first().click();
await plain.waitForLoadState();
if (!(await plain.getByLabel("Kode fra e-posten").count())) assert.fail("no field for the code");
await plain.getByLabel("Kode fra e-posten").fill(codeSince(before));
await plain.getByRole("button", { name: "Vis fakturaen" }).click();
await plain.waitForLoadState();
assert.match(await plain.locator("h1").textContent(), new RegExp(name));

// Paid, and dead.
await page.goto(base + paid);
assert.match(await page.locator("main").textContent(), /Takk/);
await check(page, "payer-paid");
assert.deepEqual(troubles, []);
const dead = await page.goto(`${base}/i/nothing`);
assert.equal(dead.status(), 404);
await check(page, "payer-dead");
await browser.close();
console.log("the payer's page holds");
