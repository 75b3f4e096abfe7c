// Drives the console in a real browser: signing in, the worklist by mouse, by keyboard and without script, an invoice's
// timeline, choosing another channel, the print queue, a run. Every page is checked by axe-core, nothing is asked of another
// host, and no rule of the Content-Security-Policy is broken. Called by tests/it/browser.rs.
//
// node console.mjs BASE LOGIN PASSWORD RUN_ID PICTURES
import assert from "node:assert/strict";
import { start } from "./harness.mjs";

const [base, login, password, run, pictures] = process.argv.slice(2);
const { browser, troubles, open, check } = await start(base, pictures, [{ width: 1280, height: 900 }, { width: 360, height: 740 }]);

async function signIn(page, secret) {
  await page.getByLabel("Brukernavn").or(page.locator("input[name=user]")).first().fill(login);
  await page.locator("input[name=password]").fill(secret);
  await page.locator("button[type=submit], input[type=submit]").first().click();
  await page.waitForLoadState();
}

const page = await open({ viewport: { width: 1280, height: 900 } });

// Nobody comes in without signing in, and a wrong password is said without saying which part is wrong.
await page.goto(`${base}/console/deliveries`);
assert.match(page.url(), /sign-in/);
await check(page, "sign-in");
troubles.length = 0;
await signIn(page, "not the password");
assert.match(page.url(), /sign-in/);
await check(page, "sign-in-refused");
troubles.length = 0; // the refusal itself is logged by the browser as a failed request
await signIn(page, password);
assert.match(page.url(), /\/console\/deliveries$/);

// The worklist says what is wrong and offers what to do.
assert.match(await page.locator("h1").textContent(), /2 fakturaer er ikke levert/);
await check(page, "deliveries");
await page.keyboard.press("Tab");
const skip = await page.evaluate(() => document.activeElement.getAttribute("href"));
assert.match(skip, /^#/, "the first stop of the keyboard is the link past the menu");
await page.evaluate(() => document.activeElement.blur());
await page.keyboard.press("?");
assert.ok(await page.locator("dialog[open]").count(), "the shortcuts are shown");
await page.keyboard.press("Escape");

// One invoice with everything that happened.
await page.locator("main table a[href*='/console/invoices/']").first().click();
await page.waitForLoadState();
assert.match(page.url(), /\/console\/invoices\//);
await check(page, "invoice");
assert.match(await page.locator("main").textContent(), /Tidslinje/);

// Another channel: a wrong address is answered at the field, with the summary in focus.
await page.goto(`${base}/console/deliveries`);
const first = page.locator("main form").filter({ has: page.locator("input[name=delivery]") }).first();
await first.locator("input[name=delivery]").first().check();
const token = await page.locator("input[name=csrf]").first().inputValue();
const id = await first.locator("input[name=delivery]").first().inputValue();
async function post(path, fields) {
  await page.evaluate(([action, pairs]) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action });
    for (const [name, value] of pairs) form.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(form);
    form.submit();
  }, [path, Object.entries(fields)]);
  await page.waitForLoadState();
  await page.waitForTimeout(200);
}
await post("/console/deliveries/act", { csrf: token, delivery: id, action: "redirect" });
await check(page, "redirect");
await page.locator("input[name=channel][value=mail]").check();
await page.locator("input[name=address]").fill("ikke en adresse");
await page.locator("main button[type=submit], main button:not([type])").first().click();
await page.waitForLoadState();
await check(page, "redirect-refused");
await page.locator("input[name=address]").fill("nabo@example.org");
await page.locator("input[name=channel][value=mail]").check();
await page.locator("main button[type=submit], main button:not([type])").first().click();
await page.waitForLoadState();
assert.match(await page.locator("[role=status]").textContent(), /Utført for 1/);

// A form without the session's token does nothing but ask to sign in.
await post("/console/deliveries/act", { csrf: "forged", delivery: id, action: "cancel", confirmed: "yes" });
assert.match(page.url(), /sign-in/);

// Without script: the rest of the worklist goes to print, is downloaded as one PDF and marked as posted.
const state = await page.context().storageState();
const plain = await open({ storageState: state, javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
await plain.goto(`${base}/console/deliveries`);
assert.match(await plain.locator("h1").textContent(), /1 faktura er ikke levert/);
await plain.screenshot({ path: `${pictures}/deliveries-plain.png`, fullPage: true });
const button = plain.locator("main button[value=print], main button[value='redirect:print']").first();
await plain.locator("main details:has(button[value=print]) > summary").first().click({ timeout: 2000 }).catch(() => {});
await button.click();
await plain.waitForLoadState();
assert.match(await plain.locator("[role=status]").textContent(), /Utført for 1/);
await page.goto(`${base}/console/print`);
await check(page, "print");
await plain.goto(`${base}/console/print`);
await plain.locator("main button[formaction$='/posted'], main form[action$='/posted'] button").first().click();
await plain.waitForLoadState();
assert.match(await plain.locator("[role=status]").textContent(), /Utført for 1/);

// Lists, a run, webhooks, a page that is not there.
for (const [name, path] of [["invoices", "/console/invoices"], ["runs", "/console/runs"], ["run", `/console/runs/${run}`],
  ["webhooks", "/console/webhooks"], ["delivered", "/console/deliveries?tab=delivered"]]) {
  await page.goto(base + path);
  await check(page, name);
}

// The payer's link of an invoice that was mailed is made dead.
await page.locator("main table a[href*='/console/invoices/']").first().click();
await page.waitForLoadState();
await page.locator("details.menu > summary", { hasText: "Flere valg" }).click();
await check(page, "invoice-choices");
await page.getByRole("button", { name: "Gjør betalerens lenke ugyldig" }).click();
await page.waitForLoadState();
assert.match(await page.locator("[role=status]").textContent(), /Utført for 1/);
assert.equal(await page.getByRole("button", { name: "Gjør betalerens lenke ugyldig" }).count(), 0);
await page.goto(`${base}/console/deliveries`);
assert.match(await page.locator("h1").textContent(), /Alt er levert|Ingen/);
await check(page, "deliveries-empty");
assert.deepEqual(troubles, []);
const missing = await page.goto(`${base}/console/runs/00000000-0000-0000-0000-000000000001`);
assert.equal(missing.status(), 404);

// Searching by name leaves no name in the address.
await page.goto(`${base}/console/invoices`);
await page.locator("input[name=name], input[name=q]").last().fill("Kari");
await page.locator("input[name=name], input[name=q]").last().press("Enter");
await page.waitForLoadState();
assert.doesNotMatch(page.url(), /kari/i);

await page.goto(`${base}/console/deliveries`);
await page.evaluate(() => document.querySelector("form[action$='/sign-out']").requestSubmit());
await page.waitForURL(/sign-in/);
await page.goto(`${base}/console/deliveries`);
assert.match(page.url(), /sign-in/);
await browser.close();
console.log("the console holds");
