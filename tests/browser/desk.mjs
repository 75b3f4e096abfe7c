// Drives what people do about personal data in a real browser: anybody asks by the form beside the statement, an owner accepts a
// new statement, sorts and answers the request, looks at a plan, and erases somebody. Every page is checked by axe-core, nothing is
// asked of another host, and no rule of the Content-Security-Policy is broken. Called by tests/it/browser.rs.
//
// node desk.mjs BASE ORGANISATION LOGIN PASSWORD PICTURES
import assert from "node:assert/strict";
import { start } from "./harness.mjs";

const [base, org, login, password, pictures] = process.argv.slice(2);
const { browser, troubles, open, check } = await start(base, pictures, [{ width: 1280, height: 900 }, { width: 360, height: 740 }]);

// Anybody, without signing in; what is wrong is said, and what was typed stands.
const anybody = await open({});
await anybody.goto(`${base}/privacy/${org}`);
await check(anybody, "statement");
await anybody.locator(`a[href*='/privacy/${org}/request']`).first().click();
await anybody.waitForLoadState();
await check(anybody, "ask");
await anybody.locator("select[name=kind]").selectOption("access");
await anybody.locator("textarea[name=text]").fill("Hva har dere om meg?");
await anybody.locator("input[name=name]").fill("Liv Dal");
await anybody.waitForTimeout(500); // nobody fills it in faster
await anybody.locator("input[name=reach]").evaluate((field) => field.removeAttribute("required"));
await anybody.locator("button[type=submit]").click();
await anybody.waitForLoadState();
await anybody.locator("[role=alert]").waitFor();
assert.equal(await anybody.locator("textarea[name=text]").inputValue(), "Hva har dere om meg?");
await check(anybody, "ask-refused");
troubles.length = 0; // the refusal itself is logged by the browser as a failed request
await anybody.locator("input[name=reach]").fill("liv@example.org");
await anybody.waitForTimeout(500);
await anybody.locator("button[type=submit]").click();
await anybody.waitForLoadState();
await anybody.locator("[role=status]").waitFor();
await check(anybody, "ask-sent");
assert.equal((await anybody.context().cookies()).length, 0, "the form sets no cookie");

// An owner comes in, is told of the new statement, and accepts it.
const page = await open({});
await page.goto(`${base}/console/privacy`);
await page.locator("input[name=user]").fill(login);
await page.locator("input[name=password]").fill(password);
await page.locator("button[type=submit]").first().click();
await page.waitForLoadState();
assert.match(page.url(), /\/console\//);
assert.equal(await page.locator(".statement-news").count(), 1);
await check(page, "statement-news");
await page.locator(".statement-news button[type=submit]").click();
await page.waitForLoadState();
assert.equal(await page.locator(".statement-news").count(), 0);

// What came in by the form is sorted to a customer, identified, and granted.
await page.goto(`${base}/console/privacy`);
await check(page, "desk");
await page.locator("main table a[href*='/privacy/requests/']").first().click();
await page.waitForLoadState();
await check(page, "desk-unsorted");
await page.locator("select[name=kind]").selectOption("access");
await page.locator("input[name=number]").fill("3");
await page.locator("form[action$='/sort'] button[type=submit]").click();
await page.waitForLoadState();
await check(page, "desk-sorted");
await page.locator("form[action$='/identify'] button").click();
await page.waitForLoadState();
await page.locator("form[action$='/grant'] button").click();
await page.waitForLoadState();
await check(page, "desk-granted");
const [zip] = await Promise.all([page.waitForEvent("download"), page.locator("a[href$='/package']").click()]);
assert.match(zip.suggestedFilename(), /\.zip$/);

// A plan is looked at; somebody is looked at, erased, and the certificate is there.
await page.goto(`${base}/console/privacy`);
await page.locator("form[action='/console/privacy/plans'] button").click();
await page.waitForLoadState();
await check(page, "desk-plan");
await page.goto(`${base}/console/privacy`);
await page.locator("input[name=number]").fill("999");
await page.locator("form[action$='/erasures/look'] button").click();
await page.waitForLoadState();
assert.equal(await page.locator("#no-customer").count(), 1);
await check(page, "desk-nobody");
troubles.length = 0; // as above
await page.locator("input[name=number]").fill("4");
await page.locator("form[action$='/erasures/look'] button").click();
await page.waitForLoadState();
await check(page, "desk-look");
await page.locator("form[action='/console/privacy/erasures'] button").click();
await page.waitForLoadState();
await check(page, "desk-erased");
const [pdf] = await Promise.all([page.waitForEvent("download"), page.locator("a[href$='/certificate']").click()]);
assert.match(pdf.suggestedFilename(), /\.pdf$/);
await page.goto(`${base}/console/privacy?all=1`);
await check(page, "desk-all");
assert.deepEqual(troubles, []);
await browser.close();
console.log("the desk holds");
