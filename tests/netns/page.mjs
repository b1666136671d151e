// The status page in a real Chromium: page.mjs URL OUT COMMAND, with what it needs in the environment.
// Prints "name value", a line each; page.sh and page_crowd.sh hold them against what must be.
import { execSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [url, out, part] = process.argv.slice(2);
const need = createRequire(`${process.env.PAGE_NPM}/`);
const puppeteer = need("puppeteer-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const say = (name, value) => console.log(`${part === "agent" ? "agent_" : ""}${name} ${value}`);
const wrong = { console: [], outside: [], axe: [] };

const browser = await puppeteer.launch({
	executablePath: process.env.PAGE_CHROMIUM,
	args: ["--no-sandbox", "--ignore-certificate-errors", "--disable-gpu"],
});

async function open(user, width, scheme) {
	const context = await browser.createBrowserContext();
	const page = await context.newPage();
	if (user)
		await page.authenticate({ username: user, password: process.env.PAGE_PASSWORD });
	await page.setViewport({ width, height: 900, isMobile: width < 500, hasTouch: width < 500 });
	await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
	page.on("console", (m) => ["error", "warn"].includes(m.type()) && wrong.console.push(m.text()));
	page.on("pageerror", (e) => wrong.console.push(e.message));
	page.on("request", (r) => r.url().startsWith(url) || wrong.outside.push(r.url()));
	await page.goto(url);
	await page.waitForFunction(() => document.querySelector("#live").textContent === "live", { timeout: 10000 });
	return page;
}

// All of the page on the screen, so that all of it is drawn.
async function tall(page, height) {
	const v = page.viewport();
	await page.setViewport({ ...v, height });
}

async function look(page, name) {
	await tall(page, 2600);
	await sleep(700);
	// axe is our own script, which the page's policy would not let in by a tag
	await page.evaluate(`${axe};0`);
	const found = await page.evaluate(() => axe.run());
	for (const v of found.violations)
		if (["serious", "critical"].includes(v.impact))
			wrong.axe.push(`${name}:${v.id}:${v.nodes[0].target}`);
	await page.screenshot({ path: `${out}/${name}.png`, fullPage: true });
	await tall(page, 900);
}

// Milliseconds until it is so in the page; 99999 when never.
async function until(page, what, ...args) {
	const began = Date.now();
	const ok = await page.waitForFunction(what, { timeout: 8000, polling: 20 }, ...args).catch(() => null);
	return ok ? Date.now() - began : 99999;
}

const text = (page, selector) => page.$eval(selector, (n) => n.textContent);

const isDown = (name) => [...document.querySelectorAll("#links .card.bad h3")].some((h) => h.textContent.startsWith(name));
const isUp = (name) => [...document.querySelectorAll("#links .card:not(.bad) h3")].some((h) => h.textContent.startsWith(name));
// Share of the downlink that a link has, in percent: is it between two figures?
const shares = (name, least, most) => {
	const cards = [...document.querySelectorAll("#links .card")];
	const of = cards.find((c) => c.querySelector("h3").textContent.startsWith(name));
	const n = parseInt(of.querySelectorAll("dd")[1].textContent, 10);
	return n >= least && n <= most;
};
const share = (page, name) => page.$$eval("#links .card", (cards, n) => parseInt(cards.find((c) =>
	c.querySelector("h3").textContent.startsWith(n)).querySelectorAll("dd")[1].textContent, 10), name);

async function lab() {
	const page = await open("boss", 1280, "light");
	say("chosen_ms", await until(page, () => document.querySelectorAll("#links .card").length === 2));
	say("moving_ms", await until(page, () => [...document.querySelectorAll("#links .rates .d")].some((n) =>
		parseFloat(n.textContent.slice(2)) > 5 && n.textContent.includes("Mbit"))));
	await page.$eval("#detail", (n) => n.scrollIntoView());
	await sleep(700);
	const picture = () => page.$eval("#links canvas", (c) => c.toDataURL());
	const before = await picture();
	await sleep(1500);
	say("graph_moves", before === await picture() ? "no" : "yes");
	await look(page, "desktop-light");

	// the better of two: a machine that pauses spoils one
	const down = [];
	for (const time of [1, 2]) {
		execSync(process.env.PAGE_DOWN);
		down.push(await until(page, isDown, "wifi"));
		if (time === 1) {
			say("down_verdict", (await text(page, "#verdict")) === "Nothing." ? "nothing" : await text(page, "#wrong li"));
			await look(page, "desktop-light-down");
		}
		execSync(process.env.PAGE_UP);
		say(`up_ms_${time}`, await until(page, isUp, "wifi"));
		say(`verdict_again_ms_${time}`, await until(page, () => document.querySelector("#verdict").textContent === "Nothing."));
	}
	say("down_ms", Math.min(...down));

	await until(page, shares, "wifi", 5, 100);
	say("share_before", await share(page, "wifi"));
	for (const way of ["#dl", "#ul"]) {
		await page.$eval(`${way} input[value=wifi]`, (b) => { b.checked = false; });
		await page.$eval(`${way} input[value=lte]`, (b) => { b.checked = true; });
	}
	await page.click("#steer button[type=submit]");
	say("steered_ms", await until(page, () => document.querySelector("#said").textContent === "applied"));
	await until(page, shares, "wifi", 0, 1);
	say("share_after", await share(page, "wifi"));
	say("steered_by", (await text(page, "#about")).includes("steered by operator") ? "operator" : "?");
	say("why", (await text(page, "#why")).length);
	say("down_event", await page.$$eval("#events li", (l) => l.filter((x) => x.textContent.includes("link wifi: down")).length));
	say("events", await page.$$eval("#events li", (l) => l.filter((x) => x.textContent.includes("by=boss")).length));

	// by the keyboard alone
	await page.evaluate(() => document.activeElement.blur());
	for (let i = 0; i < 20 && !await page.evaluate(() => document.activeElement.className === "name"); i++)
		await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	say("keyboard", await page.evaluate(() => document.activeElement.id));

	const guest = await open("guest", 390, "dark");
	await until(guest, () => document.querySelectorAll("#links .card").length === 2);
	await sleep(1200);
	say("guest_form", await guest.$eval("#steer", (n) => n.hidden ? "hidden" : "shown"));
	const post = (type, body) => guest.evaluate(async (t, b) => (await fetch("/ctl", { method: "POST",
		headers: { "Content-Type": t }, body: b })).status, type, body);
	const expected = wrong.console.length;
	say("guest_steer", await post("application/json", '{"ctl":1,"type":"steer","id":1,"dl":["wifi"],"ul":["wifi"]}'));
	say("guest_auto", await post("application/json", '{"ctl":1,"type":"policy","id":1,"automatic":true}'));
	say("guest_drain", await post("application/json", '{"ctl":1,"type":"drain","id":1,"madp":"local","drain":true}'));
	say("guest_log", await post("application/json", '{"ctl":1,"type":"log_level","id":1,"level":"debug"}'));
	say("other_type", await post("text/plain", '{"ctl":1,"type":"status_req","id":1}'));
	say("no_json", await post("application/json", '{"ctl":1'));
	await sleep(100);
	wrong.console.length = expected; // Chromium names each refusal there
	await look(guest, "phone-dark");
	say("phone_overflow", await guest.evaluate(() => document.documentElement.scrollWidth));
	await guest.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
	await sleep(700);
	await look(guest, "phone-light");
	await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
	await page.bringToFront();
	await sleep(700);
	await look(page, "desktop-dark");
}

// The page of mams-ccm, at the client: no login, nothing to steer.
async function agent() {
	const page = await open(null, 1280, "light");
	say("links_ms", await until(page, () => document.querySelectorAll("#links .card").length === 2));
	say("moving_ms", await until(page, () => [...document.querySelectorAll("#links .rates .d")].some((n) =>
		parseFloat(n.textContent.slice(2)) > 5 && n.textContent.includes("Mbit"))));
	say("delay", await page.$$eval("#links dl", (l) => l.filter((n) => / ms/.test(n.textContent)).length));
	say("method", await page.$$eval("#links dl", (l) => l.filter((n) => n.textContent.includes("MPTCP_Proxy")).length));
	const picture = () => page.$$eval("#links canvas", (l) => l.map((c) => c.toDataURL()).join(""));
	const before = await picture();
	await sleep(1000);
	say("graph_moves", before === await picture() ? "no" : "yes");
	say("verdict", (await text(page, "#verdict")));
	await look(page, "agent-desktop-light");

	execSync(process.env.PAGE_DOWN);
	say("down_ms", await until(page, isDown, "wifi"));
	say("down_verdict", await text(page, "#wrong li"));
	await look(page, "agent-desktop-light-down");
	execSync(process.env.PAGE_UP);
	say("up_ms", await until(page, isUp, "wifi"));
	say("verdict_again_ms", await until(page, () => document.querySelector("#verdict").textContent === "Nothing."));

	await page.evaluate(() => document.activeElement.blur());
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	say("keyboard", await page.evaluate(() => document.activeElement.id));
	const expected = wrong.console.length;
	const post = (to, type) => page.evaluate(async (t, n) => (await fetch(`/ctl?of=${t}`, { method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ ctl: 1, id: 1, type: n, dl: ["wifi"], ul: ["wifi"], level: "debug" }) })).status, to, type);
	say("steer", await post("ccm", "steer"));
	say("log", await post("proxy", "log_level"));
	say("other", await post("ncm", "status_req"));
	say("proxy", await post("proxy", "status_req"));
	await sleep(100);
	wrong.console.length = expected; // Chromium names each refusal there
	const phone = await open(null, 390, "dark");
	await until(phone, () => document.querySelectorAll("#links .card").length === 2);
	await sleep(800);
	await look(phone, "agent-phone-dark");
	say("phone_overflow", await phone.evaluate(() => document.documentElement.scrollWidth));
}

async function crowd() {
	const page = await open("boss", 1280, "light");
	say("paint_ms", await page.evaluate(() => Math.round(performance.getEntriesByName("first-contentful-paint")[0].startTime)));
	await until(page, () => document.querySelectorAll("#rows tr").length === 25);
	say("rows", await page.$$eval("#rows tr", (l) => l.length));
	say("where", (await text(page, "#where")).replaceAll(" ", "_"));
	await page.click("#rows button.name");
	await until(page, () => document.querySelectorAll("#links .card").length > 0);
	let most = 0;
	for (let i = 0; i < 10; i++) {
		await sleep(250);
		most = Math.max(most, await page.evaluate(() => parseFloat(document.body.dataset.script_ms)));
	}
	say("script_ms", most);
	await page.click("#next");
	say("next_ms", await until(page, () => document.querySelector("#where").textContent.startsWith("26 ")));
	await look(page, "crowd");
}

try {
	await { crowd, agent, lab }[part]();
} finally {
	for (const [name, list] of Object.entries(wrong))
		say(`wrong_${name}`, list.length ? list.slice(0, 3).map((x) => x.replaceAll(/\s+/g, "_")).join(",") : "nothing");
	await browser.close();
}
